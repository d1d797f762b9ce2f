#include "plan/lifetimes.h"

#include <algorithm>
#include <map>

#include "base/checked.h"
#include "plan/sharing.h"

namespace itrt::plan {
namespace {

using model::TensorIndex;

struct Uses {
  std::int64_t written = -1;        // by which operator; -1: the image, before them all
  std::int64_t written_until = -1;  // the last of those in whose turns it is written
  std::int64_t last_read = -1;      // -1: by none
  std::int64_t last_read_in_block = -1;
  bool read_in_loop = false;  // by the block or the head
};

bool contains(std::span<const TensorIndex> tensors, TensorIndex index) {
  return std::find(tensors.begin(), tensors.end(), index) != tensors.end();
}

// The operators that run in turns with the one of this time: itself alone, where it is not striped.
Interval turns(const Schedule& schedule, std::int64_t time) {
  for (const Interval& striped : schedule.striped) {
    if (striped.begin <= time && time < striped.end) return striped;
  }
  return {time, time + 1};
}

bool is_striped(const Schedule& schedule, std::int64_t time) {
  return std::any_of(schedule.striped.begin(), schedule.striped.end(),
                     [&](const Interval& striped) { return striped.begin <= time && time < striped.end; });
}

class Timeline {
 public:
  Timeline(const model::Program& program, const Schedule& schedule)
      : block_begin_(static_cast<std::int64_t>(program.stem.size())),
        block_end_(block_begin_ + static_cast<std::int64_t>(program.block.size())),
        end_(block_end_ + static_cast<std::int64_t>(program.head.size())),
        uses_(program.tensors.size()) {
    std::int64_t time = 0;
    for (const auto* section : {&program.stem, &program.block, &program.head}) {
      for (const model::Operator& op : *section) {
        const bool waits = contains(schedule.unstored, op.output);
        const Interval turn = turns(schedule, waits ? time + 1 : time);
        for (const TensorIndex input : model::inputs_of(op)) read(input, turn.end - 1);
        of(op.output).written = std::min(turn.begin, time);
        of(op.output).written_until = turn.end - 1;
        ++time;
      }
    }
  }

  std::int64_t block_begin() const { return block_begin_; }
  std::int64_t block_end() const { return block_end_; }
  std::int64_t end() const { return std::max<std::int64_t>(end_, 1); }
  Uses& of(TensorIndex index) { return uses_[static_cast<std::size_t>(index)]; }
  std::size_t size() const { return uses_.size(); }

 private:
  void read(TensorIndex index, std::int64_t time) {
    Uses& uses = of(index);
    uses.last_read = std::max(uses.last_read, time);
    uses.read_in_loop |= time >= block_begin_;
    if (time >= block_begin_ && time < block_end_) uses.last_read_in_block = std::max(uses.last_read_in_block, time);
  }

  std::int64_t block_begin_, block_end_, end_;
  std::vector<Uses> uses_;
};

Interval plain_lifetime(const Uses& uses, const Timeline& timeline) {
  // A tensor of the stem that the loop reads must be there in every iteration and for every answer.
  if (uses.written < timeline.block_begin() && uses.read_in_loop) return {uses.written, timeline.end()};
  return {uses.written, std::max(uses.written_until, uses.last_read) + 1};
}

std::vector<Lifetime> plain_lifetimes(const model::Program& program, Timeline& timeline, const Schedule& schedule) {
  std::vector<Lifetime> result;
  for (std::size_t index = 0; index < timeline.size(); ++index) {
    result.push_back({plain_lifetime(timeline.of(static_cast<TensorIndex>(index)), timeline)});
  }
  for (const TensorIndex index : schedule.unstored) result[static_cast<std::size_t>(index)].clear();
  result[static_cast<std::size_t>(program.logits)].front().end = timeline.end();
  return result;
}

std::vector<std::int64_t> stored_bytes(const model::Program& program, std::span<const model::Size> sizes,
                                       const Schedule& schedule) {
  std::vector<std::int64_t> rows;
  for (const model::Size& size : sizes) rows.push_back(size.height);
  for (const TensorIndex index : schedule.unstored) rows[static_cast<std::size_t>(index)] = 0;
  for (const LineBuffer& line : schedule.line_buffers) rows[static_cast<std::size_t>(line.tensor)] = line.rows;
  for (std::size_t index = 0; index < rows.size(); ++index) {
    rows[index] *= sizes[index].width * program.tensors[index].channels;
  }
  return rows;
}

// The first state outlives the stem, and a next state that is to be copied the block, whoever reads it last.
bool is_kept(const model::Program& program, TensorIndex index, std::int64_t time) {
  const bool in_stem = time < static_cast<std::int64_t>(program.stem.size());
  return index == program.next_state || (in_stem && index == program.state);
}

// Where operators may write over an input.
class Overwrites {
 public:
  Overwrites(const model::Program& program, std::span<const model::Size> sizes, std::int64_t alignment,
             const Schedule& schedule)
      : program_(program), sizes_(sizes), alignment_(alignment), schedule_(schedule) {}

  std::vector<Overwrite> find() {
    for (const auto* section : {&program_.stem, &program_.block, &program_.head}) {
      resized_ = -1;
      for (const model::Operator& op : *section) {
        if (!is_striped(schedule_, time_)) add(op);
        resized_ = contains(schedule_.unstored, op.output) ? model::inputs_of(op).front() : -1;
        ++time_;
      }
    }
    return std::move(result_);
  }

 private:
  void add(const model::Operator& op) {
    for (const TensorIndex input : model::elementwise_inputs_of(op)) add(input, op.output, 0);
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
    if (is_stored_in_part(from) || is_stored_in_part(to)) return;
    // Behind the whole output it is no better than in a buffer of its own.
    if (lead < size(to).height * row_bytes(to)) add(from, to, round_up(lead, alignment_));
  }

  const model::Size& size(TensorIndex index) const { return sizes_[static_cast<std::size_t>(index)]; }

  std::int64_t row_bytes(TensorIndex index) const {
    return size(index).width * program_.tensors[static_cast<std::size_t>(index)].channels;
  }

  bool is_stored_in_part(TensorIndex index) const {
    return std::any_of(schedule_.line_buffers.begin(), schedule_.line_buffers.end(),
                       [&](const LineBuffer& line) { return line.tensor == index; });
  }

  void add(TensorIndex from, TensorIndex to, std::int64_t lead) {
    if (from == resized_ || contains(schedule_.unstored, from) || is_kept(program_, from, time_)) return;
    result_.push_back({time_, static_cast<std::size_t>(from), static_cast<std::size_t>(to), lead});
  }

  const model::Program& program_;
  std::span<const model::Size> sizes_;
  std::int64_t alignment_;
  const Schedule& schedule_;
  std::int64_t time_ = 0;
  TensorIndex resized_ = -1;  // read by the resize that this operator computes on the way, out of order
  std::vector<Overwrite> result_;
};

}  // namespace

TensorBuffers tensor_buffers(const model::Program& program, std::span<const model::Size> sizes, std::int64_t alignment,
                             const Schedule& schedule) {
  Timeline timeline(program, schedule);
  std::vector<Lifetime> lifetimes = plain_lifetimes(program, timeline, schedule);
  const std::vector<std::int64_t> bytes = stored_bytes(program, sizes, schedule);
  const std::vector<Overwrite> overwrites = Overwrites(program, sizes, alignment, schedule).find();
  bool copies_state = false;
  if (program.state) {
    const auto state = static_cast<std::size_t>(*program.state), next = static_cast<std::size_t>(*program.next_state);
    const Uses &state_uses = timeline.of(*program.state), &next_uses = timeline.of(*program.next_state);
    // Also within the stem: whatever the stem does after it has written the state must not touch it.
    const std::int64_t until = std::max(state_uses.last_read_in_block + 1, timeline.block_begin());
    lifetimes[state] = {{state_uses.written, until}};
    lifetimes[next] = {{next_uses.written, timeline.end()}};
    copies_state = next_uses.last_read >= timeline.block_end() ||
                   !Sharing(lifetimes, bytes, overwrites, timeline.end()).join(state, next, 0);
    if (copies_state) {
      lifetimes[state] = {{state_uses.written, timeline.end()}};
      lifetimes[next] = {{next_uses.written, timeline.block_end()}};
    }
  }
  Sharing sharing(std::move(lifetimes), bytes, overwrites, timeline.end());
  if (program.state && !copies_state) {
    sharing.join(static_cast<std::size_t>(*program.state), static_cast<std::size_t>(*program.next_state), 0);
  }
  for (const Overwrite& each : overwrites) sharing.join(each.from, each.to, each.lead);
  return {sharing.buffers(alignment), sharing.buffer_of_tensor(), sharing.starts(), copies_state};
}

}  // namespace itrt::plan
