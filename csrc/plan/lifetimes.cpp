#include "plan/lifetimes.h"

#include <algorithm>

#include "plan/aliasing.h"
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

// The operators that run in turns with the one of this time: itself alone, where it is not striped.
Interval turns(const Schedule& schedule, std::int64_t time) {
  for (const Interval& striped : schedule.striped) {
    if (striped.begin <= time && time < striped.end) return striped;
  }
  return {time, time + 1};
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
        const bool waits = schedule.is_unstored(op.output);
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

// The root is there from the first byte that is written into it to the last one that is read.
void move_into_root(const View& view, std::vector<Lifetime>& lifetimes, std::vector<std::int64_t>& bytes) {
  Interval& root = lifetimes[view.root].front();
  const Interval& mine = lifetimes[view.view].front();
  root = {std::min(root.begin, mine.begin), std::max(root.end, mine.end)};
  lifetimes[view.view].clear();
  bytes[view.view] = 0;
}

}  // namespace

TensorBuffers tensor_buffers(const model::Program& program, std::span<const model::Size> sizes, std::int64_t alignment,
                             const Schedule& schedule) {
  Timeline timeline(program, schedule);
  std::vector<Lifetime> lifetimes = plain_lifetimes(program, timeline, schedule);
  std::vector<std::int64_t> bytes = stored_bytes(program, sizes, schedule);
  const std::vector<View> views = find_views(program, schedule);
  const std::vector<Overwrite> overwrites = find_overwrites(program, sizes, alignment, schedule, views);
  for (const View& each : views) move_into_root(each, lifetimes, bytes);
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
  TensorBuffers result;
  result.buffers = sharing.buffers(alignment);
  result.buffer_of_tensor = sharing.buffer_of_tensor();
  result.starts = sharing.starts();
  result.copies_state = copies_state;
  for (const model::Tensor& tensor : program.tensors) result.pixel_bytes.push_back(tensor.channels);
  for (const View& each : views) {
    result.buffer_of_tensor[each.view] = result.buffer_of_tensor[each.root];
    result.starts[each.view] = result.starts[each.root] + each.first_channel;
    result.pixel_bytes[each.view] = result.pixel_bytes[each.root];
  }
  for (const std::int64_t sums : schedule.loop_sums) {
    result.buffer_of_sums.push_back(result.buffers.size());
    result.buffers.push_back({alignment, {{timeline.block_begin(), timeline.end(), 0, sums}}});
  }
  return result;
}

}  // namespace itrt::plan
