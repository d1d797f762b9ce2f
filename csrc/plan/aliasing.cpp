#include "plan/aliasing.h"

#include <algorithm>
#include <map>

#include "base/checked.h"

namespace itrt::plan {
namespace {

using model::TensorIndex;

// The first state outlives the stem, and a next state that is to be copied the block, whoever reads it last.
bool is_kept(const model::Program& program, TensorIndex index, std::int64_t time) {
  const bool in_stem = time < static_cast<std::int64_t>(program.stem.size());
  return index == program.next_state || (in_stem && index == program.state);
}

// Where operators may write over an input.
class Overwrites {
 public:
  Overwrites(const model::Program& program, std::span<const model::Size> sizes, std::int64_t alignment,
             const Schedule& schedule, std::span<const View> views)
      : program_(program), sizes_(sizes), alignment_(alignment), schedule_(schedule), views_(views) {}

  std::vector<Overwrite> find() {
    for (const auto* section : {&program_.stem, &program_.block, &program_.head}) {
      read_on_the_way_.clear();
      for (const model::Operator& op : *section) {
        if (!schedule_.is_striped(time_)) add(op);
        read_on_the_way_ = schedule_.is_unstored(op.output) ? model::inputs_of(op) : std::vector<TensorIndex>{};
        ++time_;
      }
    }
    return std::move(result_);
  }

 private:
  void add(const model::Operator& op) {
    for (const TensorIndex input : model::elementwise_inputs_of(op)) {
      if (is_like(input, op.output)) add(input, op.output, 0);
    }
    if (schedule_.rows_at_once == 0) return;
    std::map<TensorIndex, std::int64_t> leads;  // of an input that is read twice, the larger one
    const auto read = [&](TensorIndex input, std::int64_t stride, std::int64_t padding_top) {
      std::int64_t& lead = leads[input];
      lead = std::max(lead, lead_of(input, stride, padding_top, op.output));
    };
    if (const auto* convolution = std::get_if<model::Convolution>(&op.body)) {
      for (const model::Term& term : convolution->terms) read(term.input, term.stride[0], term.padding[0]);
    } else if (const auto* pool = std::get_if<model::Pool>(&op.body)) {
      read(pool->input, pool->stride[0], pool->padding[0]);
    }
    for (const auto& [input, lead] : leads) add_behind(input, op.output, lead);
  }

  // Elements lie alike: neither is broadcast to the other's size.
  bool is_like(TensorIndex a, TensorIndex b) const { return size(a) == size(b) && row_bytes(a) == row_bytes(b); }

  // How many bytes an input lies above the output that is written over it, some rows at once, so that a row is
  // overwritten after all outputs that read it:
  //
  //   rows of the input    0   1   2   3   4   5     3x3, padding 1: output row y reads rows from y - 1 on,
  //   and of the output    0   1   2   3   4   5     so the output may be one row ahead of what it reads
  //                        |-lead--|
  std::int64_t lead_of(TensorIndex input, std::int64_t stride, std::int64_t padding_top, TensorIndex output) const {
    const std::int64_t written_row = row_bytes(output), read_row = row_bytes(input), height = size(output).height;
    std::int64_t lead = 0;
    for (std::int64_t row = 0; row < height; row += schedule_.rows_at_once) {
      const std::int64_t first_read = std::clamp<std::int64_t>(row * stride - padding_top, 0, size(input).height);
      const std::int64_t written = std::min(row + schedule_.rows_at_once, height) * written_row;
      lead = std::max(lead, written - first_read * read_row);
    }
    return lead;
  }

  void add_behind(TensorIndex from, TensorIndex to, std::int64_t lead) {
    if (schedule_.is_stored_in_part(from) || schedule_.is_stored_in_part(to)) return;
    // Behind the whole output it is no better than in a buffer of its own.
    if (lead < size(to).height * row_bytes(to)) add(from, to, round_up(lead, alignment_));
  }

  const model::Size& size(TensorIndex index) const { return sizes_[static_cast<std::size_t>(index)]; }

  std::int64_t row_bytes(TensorIndex index) const {
    return size(index).width * program_.tensors[static_cast<std::size_t>(index)].channels;
  }

  bool is_read_on_the_way(TensorIndex index) const {
    return std::find(read_on_the_way_.begin(), read_on_the_way_.end(), index) != read_on_the_way_.end();
  }

  bool has_views(TensorIndex index) const {
    const auto tensor = static_cast<std::size_t>(index);
    return std::any_of(views_.begin(), views_.end(),
                       [&](const View& each) { return each.view == tensor || each.root == tensor; });
  }

  void add(TensorIndex from, TensorIndex to, std::int64_t lead) {
    if (is_read_on_the_way(from) || schedule_.is_unstored(from) || is_kept(program_, from, time_)) return;
    if (has_views(from) || has_views(to)) return;
    result_.push_back({time_, static_cast<std::size_t>(from), static_cast<std::size_t>(to), lead});
  }

  const model::Program& program_;
  std::span<const model::Size> sizes_;
  std::int64_t alignment_;
  const Schedule& schedule_;
  std::span<const View> views_;
  std::int64_t time_ = 0;
  std::vector<TensorIndex> read_on_the_way_;  // by what this operator computes on the way, out of order
  std::vector<Overwrite> result_;
};

class Views {
 public:
  Views(const model::Program& program, const Schedule& schedule) : program_(program), schedule_(schedule) {}

  std::vector<View> find() {
    std::int64_t time = 0;
    for (const auto* section : {&program_.stem, &program_.block, &program_.head}) {
      for (const model::Operator& op : *section) {
        const auto* gather = std::get_if<model::Gather>(&op.body);
        if (gather != nullptr && !schedule_.is_striped(time)) add(*gather, op.output);
        ++time;
      }
    }
    return std::move(result_);
  }

 private:
  void add(const model::Gather& gather, TensorIndex output) {
    if (gather.inputs.size() == 1 && gather.channels.size() == 1) {
      add(output, gather.inputs.front(), gather.channels.front().first);
      return;
    }
    std::int64_t first_channel = 0;
    for (const model::ChannelRun& run : gather.channels) {
      const TensorIndex input = gather.inputs[static_cast<std::size_t>(run.input)];
      if (run.first == 0 && run.count == channels(input)) add(input, output, first_channel);
      first_channel += run.count;
    }
  }

  // A tensor is a view of one other at most; the views of a tensor that becomes a view follow it to its root.
  void add(TensorIndex view, TensorIndex of, std::int64_t first_channel) {
    if (!is_free(view) || !is_free(of) || is_view(view)) return;
    const auto tensor = static_cast<std::size_t>(view);
    std::size_t root = static_cast<std::size_t>(of);
    for (const View& each : result_) {
      if (each.view != static_cast<std::size_t>(of)) continue;
      root = each.root;
      first_channel += each.first_channel;
      break;
    }
    if (root == tensor) return;
    for (View& each : result_) {
      if (each.root == tensor) each = {each.view, root, each.first_channel + first_channel};
    }
    result_.push_back({tensor, root, first_channel});
  }

  bool is_free(TensorIndex index) const {
    const bool has_its_place =
        index == program_.image || index == program_.logits || index == program_.state || index == program_.next_state;
    return !has_its_place && !schedule_.is_unstored(index) && !schedule_.is_stored_in_part(index);
  }

  bool is_view(TensorIndex index) const {
    const auto tensor = static_cast<std::size_t>(index);
    return std::any_of(result_.begin(), result_.end(), [&](const View& each) { return each.view == tensor; });
  }

  std::int64_t channels(TensorIndex index) const { return program_.tensors[static_cast<std::size_t>(index)].channels; }

  const model::Program& program_;
  const Schedule& schedule_;
  std::vector<View> result_;
};

}  // namespace

std::vector<Overwrite> find_overwrites(const model::Program& program, std::span<const model::Size> sizes,
                                       std::int64_t alignment, const Schedule& schedule, std::span<const View> views) {
  return Overwrites(program, sizes, alignment, schedule, views).find();
}

std::vector<View> find_views(const model::Program& program, const Schedule& schedule) {
  return schedule.views ? Views(program, schedule).find() : std::vector<View>{};
}

}  // namespace itrt::plan
