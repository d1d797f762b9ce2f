#include "runtime/schedule.h"

#include <algorithm>
#include <string>

#include "base/errors.h"
#include "runtime/rows_read.h"

namespace itrt {
namespace {

using model::TensorIndex;
constexpr const char* section_names[] = {"stem", "block", "head"};

const std::vector<PreparedOperator>& operators_of(const Program& program, Section section) {
  return section == Section::stem ? program.stem() : section == Section::block ? program.block() : program.head();
}

std::vector<FusedOperator> fuse(const std::vector<PreparedOperator>& operators, Fusion fusion) {
  std::vector<FusedOperator> result;
  const PreparedOperator* joined = nullptr;
  for (const PreparedOperator& op : operators) {
    if (fusion == Fusion::on && op.joins_next) {
      joined = &op;
    } else {
      result.push_back({&op, joined});
      joined = nullptr;
    }
  }
  return result;
}

[[noreturn]] void fail(const Stripe& stripe, const std::string& expected, const std::string& found) {
  throw InvalidArgument("stripes of the " + std::string(section_names[static_cast<std::size_t>(stripe.section)]) +
                        ": expected " + expected + ", found " + found);
}

// A stripe begins or ends behind operator `index`.
void check_cut(const Stripe& stripe, const std::vector<PreparedOperator>& operators, std::int64_t index) {
  if (index < 0) return;
  const PreparedOperator& op = operators[static_cast<std::size_t>(index)];
  if (op.joins_next) fail(stripe, "both or neither of '" + op.name + "' and the addition it joins", "one of them");
}

void check_stripe(const Stripe& stripe, const std::vector<PreparedOperator>& operators, Fusion fusion) {
  const auto count = static_cast<std::int64_t>(operators.size());
  if (stripe.first < 0 || stripe.last < stripe.first || stripe.last >= count) {
    fail(stripe, "a first and a last of its " + std::to_string(count) + " operators",
         std::to_string(stripe.first) + " and " + std::to_string(stripe.last));
  }
  if (stripe.rows < 1) fail(stripe, "at least 1 row", std::to_string(stripe.rows));
  if (fusion == Fusion::off) return;
  check_cut(stripe, operators, stripe.first - 1);
  check_cut(stripe, operators, stripe.last);
}

void check_apart(std::span<const Stripe> stripes) {
  for (std::size_t i = 0; i < stripes.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (stripes[i].section != stripes[j].section) continue;
      if (stripes[i].first <= stripes[j].last && stripes[j].first <= stripes[i].last) {
        throw InvalidArgument("stripes: expected an operator in one of them, found operator " +
                              std::to_string(std::max(stripes[i].first, stripes[j].first)) + " of the " +
                              section_names[static_cast<std::size_t>(stripes[i].section)] + " in two");
      }
    }
  }
}

// Turns a stripe as it was asked for into the plan's terms.
class StripeBuilder {
 public:
  StripeBuilder(const Program& program, std::span<const model::Size> sizes, const SectionSchedule& schedule,
                const Stripe& stripe)
      : program_(program),
        sizes_(sizes),
        schedule_(schedule),
        stripe_(stripe),
        operators_(operators_of(program, stripe.section)),
        local_(program.model().tensors.size(), none) {}

  StripedOperators build() {
    StripedOperators result{place(stripe_.first), place(stripe_.last), {}, {}};
    for (std::size_t i = result.first; i <= result.last; ++i) add(schedule_.operators[i]);
    for (std::size_t i = result.first; i < result.last; ++i) {
      const TensorIndex tensor = schedule_.operators[i].op->output;
      const std::size_t planned = local(tensor);
      group_.tensors[planned].whole = is_read_behind(tensor);
      if (!group_.tensors[planned].whole) result.lines.push_back({tensor, planned});
    }
    group_.tensors[local(schedule_.operators[result.last].op->output)].whole = true;
    result.plan = plan::plan_stripes(group_, stripe_.rows);
    return result;
  }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  std::size_t place(std::int64_t index) const {
    const PreparedOperator* op = &operators_[static_cast<std::size_t>(index)];
    const auto found = std::find_if(schedule_.operators.begin(), schedule_.operators.end(),
                                    [&](const FusedOperator& each) { return each.op == op || each.joined == op; });
    return static_cast<std::size_t>(found - schedule_.operators.begin());
  }

  const model::Size& size(TensorIndex index) const { return sizes_[static_cast<std::size_t>(index)]; }

  // The tensor's number in the plan; outside of the group it is there before.
  std::size_t local(TensorIndex index) {
    std::size_t& number = local_[static_cast<std::size_t>(index)];
    if (number == none) {
      number = group_.tensors.size();
      group_.tensors.push_back({size(index).height, true});
    }
    return number;
  }

  void add(const FusedOperator& fused) {
    plan::StripedOperator planned;
    if (fused.joined != nullptr) add_inputs(*fused.joined, none_read, planned);
    add_inputs(*fused.op, fused.joined != nullptr ? fused.joined->output : none_read, planned);
    planned.output = local(fused.op->output);
    group_.operators.push_back(std::move(planned));
  }

  // `computed`: an input that is computed on the way.
  void add_inputs(const PreparedOperator& op, TensorIndex computed, plan::StripedOperator& planned) {
    for (const auto& [input, rows] : rows_read(op, sizes_)) {
      if (input != computed) planned.inputs.push_back({local(input), rows});
    }
  }

  bool is_read_behind(TensorIndex tensor) const {
    const model::Program& model = program_.model();
    if (tensor == model.state || tensor == model.next_state || tensor == model.logits) return true;
    for (const Section section : {Section::stem, Section::block, Section::head}) {
      const std::vector<model::Operator>& all = section == Section::stem    ? model.stem
                                                : section == Section::block ? model.block
                                                                            : model.head;
      for (std::size_t i = 0; i < all.size(); ++i) {
        const auto index = static_cast<std::int64_t>(i);
        if (section == stripe_.section && index >= stripe_.first && index <= stripe_.last) continue;
        const std::vector<TensorIndex> inputs = model::inputs_of(all[i]);
        if (std::find(inputs.begin(), inputs.end(), tensor) != inputs.end()) return true;
      }
    }
    return false;
  }

  static constexpr TensorIndex none_read = -1;
  const Program& program_;
  std::span<const model::Size> sizes_;
  const SectionSchedule& schedule_;
  const Stripe& stripe_;
  const std::vector<PreparedOperator>& operators_;
  std::vector<std::size_t> local_;  // [tensor]: its number in the plan
  plan::StripeGroup group_;
};

// Memory for what the block's operators have hoisted.
void add_sums(std::span<const model::Size> sizes, Schedule& schedule) {
  for (FusedOperator& fused : schedule.sections[static_cast<std::size_t>(Section::block)].operators) {
    const auto* convolution = std::get_if<PreparedConvolution>(&fused.first().body);
    if (convolution == nullptr || convolution->hoisted_terms == 0) continue;
    const model::Size& size = sizes[static_cast<std::size_t>(fused.op->output)];
    const std::int64_t sums = size.height * size.width * convolution->packed.at(0).lanes;
    fused.sums = schedule.memory.loop_sums.size();
    schedule.memory.loop_sums.push_back(sums * static_cast<std::int64_t>(sizeof(std::int32_t)));
  }
}

std::int64_t begin_of(const Program& program, Section section) {
  const std::size_t stem = program.stem().size(), block = program.block().size();
  return static_cast<std::int64_t>(section == Section::stem ? 0 : section == Section::block ? stem : stem + block);
}

}  // namespace

void check_stripes(const Program& program, std::span<const Stripe> stripes, Fusion fusion) {
  for (const Stripe& stripe : stripes) check_stripe(stripe, operators_of(program, stripe.section), fusion);
  check_apart(stripes);
}

Schedule make_schedule(const Program& program, std::span<const model::Size> sizes, Fusion fusion,
                       std::span<const Stripe> stripes) {
  check_stripes(program, stripes, fusion);
  Schedule result;
  for (const Section section : {Section::stem, Section::block, Section::head}) {
    SectionSchedule& schedule = result.sections[static_cast<std::size_t>(section)];
    schedule.operators = fuse(operators_of(program, section), fusion);
    for (const FusedOperator& each : schedule.operators) {
      if (each.joined != nullptr) result.memory.unstored.push_back(each.joined->output);
    }
  }
  if (fusion == Fusion::on) add_sums(sizes, result);
  for (const Stripe& stripe : stripes) {
    SectionSchedule& schedule = result.sections[static_cast<std::size_t>(stripe.section)];
    StripedOperators striped = StripeBuilder(program, sizes, schedule, stripe).build();
    const std::int64_t begin = begin_of(program, stripe.section);
    result.memory.striped.push_back({begin + stripe.first, begin + stripe.last + 1});
    for (const PlannedLine& line : striped.lines) {
      result.memory.line_buffers.push_back({line.tensor, striped.plan.buffer_rows[line.planned]});
    }
    schedule.striped.push_back(std::move(striped));
  }
  for (SectionSchedule& section : result.sections) {
    std::sort(section.striped.begin(), section.striped.end(),
              [](const StripedOperators& a, const StripedOperators& b) { return a.first < b.first; });
  }
  return result;
}

}  // namespace itrt
