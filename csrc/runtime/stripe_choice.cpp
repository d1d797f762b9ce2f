// Which operators run in stripes, and how high these are: as many neighbours as possible, in stripes as high as
// possible, as long as all that a stripe touches stays in the cache.
#include <algorithm>
#include <optional>

#include "runtime/schedule.h"

namespace itrt {
namespace {

// Of a stripe: below, too much of its time goes into its halos and into starting operators.
constexpr std::int64_t fewest_rows = 4;

class Chooser {
 public:
  Chooser(const Program& program, model::Size image, std::int64_t cache_bytes)
      : program_(program), sizes_(model::infer_sizes(program.model(), image)), cache_bytes_(cache_bytes) {}

  // The longest stripes from the section's beginning on.
  void choose(Section section, const std::vector<PreparedOperator>& operators, std::vector<Stripe>& stripes) const {
    const auto count = static_cast<std::int64_t>(operators.size());
    std::int64_t first = 0;
    while (first < count) {
      std::optional<Stripe> best;
      for (std::int64_t last = first + 1; last < count; ++last) {
        if (operators[static_cast<std::size_t>(last)].joins_next) continue;  // not without the addition
        const std::optional<Stripe> longer = highest({section, first, last, 1});
        if (!longer) break;
        best = longer;
      }
      if (best && spills(operators, *best)) stripes.push_back(*best);
      first = best && spills(operators, *best) ? best->last + 1 : next(operators, first);
    }
  }

 private:
  const model::Size& size(model::TensorIndex index) const { return sizes_[static_cast<std::size_t>(index)]; }
  std::int64_t row_bytes(model::TensorIndex index) const {
    return size(index).width * program_.model().tensors[static_cast<std::size_t>(index)].channels;
  }

  static std::int64_t next(const std::vector<PreparedOperator>& operators, std::int64_t index) {
    while (operators[static_cast<std::size_t>(index)].joins_next) ++index;
    return index + 1;
  }

  // Whether a tensor between the operators leaves the cache when each runs over the whole image.
  bool spills(const std::vector<PreparedOperator>& operators, const Stripe& stripe) const {
    for (std::int64_t i = stripe.first; i < stripe.last; ++i) {
      const PreparedOperator& op = operators[static_cast<std::size_t>(i)];
      if (!op.joins_next && size(op.output).height * row_bytes(op.output) > cache_bytes_) return true;
    }
    return false;
  }

  std::optional<Stripe> highest(Stripe stripe) const {
    std::optional<Stripe> best;
    for (stripe.rows = fewest_rows;; stripe.rows *= 2) {
      if (stripe_bytes(stripe) > cache_bytes_ / 2) return best;
      best = stripe;
      if (stripe.rows >= (std::int64_t{1} << 20)) return best;
    }
  }

  // All that a stripe touches: line buffers, new rows of what is stored whole, weights, sums of hoisted terms.
  std::int64_t stripe_bytes(const Stripe& stripe) const {
    const Schedule schedule = make_schedule(program_, sizes_, Fusion::on, {&stripe, 1});
    const SectionSchedule& section = schedule.sections[static_cast<std::size_t>(stripe.section)];
    const StripedOperators& striped = section.striped.front();
    std::int64_t bytes = 0;
    for (const plan::LineBuffer& line : schedule.memory.line_buffers) bytes += line.rows * row_bytes(line.tensor);
    for (std::size_t i = striped.first; i <= striped.last; ++i) {
      const FusedOperator& fused = section.operators[i];
      const model::TensorIndex output = fused.op->output;
      const bool in_line = std::any_of(striped.lines.begin(), striped.lines.end(),
                                       [&](const PlannedLine& line) { return line.tensor == output; });
      std::int64_t rows = 0;
      for (const auto& stripes : striped.plan.computed) rows = std::max(rows, stripes[i - striped.first].count());
      if (!in_line) bytes += rows * row_bytes(output);
      if (const auto* convolution = std::get_if<PreparedConvolution>(&fused.first().body)) {
        bytes += static_cast<std::int64_t>(convolution->packed.at(0).weights.size());
      }
      if (fused.sums) bytes += schedule.memory.loop_sums[*fused.sums] / size(output).height * rows;
    }
    return bytes;
  }

  const Program& program_;
  std::vector<model::Size> sizes_;
  std::int64_t cache_bytes_;
};

}  // namespace

std::vector<Stripe> choose_stripes(const Program& program, model::Size image, std::int64_t cache_bytes) {
  const Chooser chooser(program, image, cache_bytes);
  std::vector<Stripe> stripes;
  chooser.choose(Section::stem, program.stem(), stripes);
  chooser.choose(Section::block, program.block(), stripes);
  chooser.choose(Section::head, program.head(), stripes);
  return stripes;
}

}  // namespace itrt
