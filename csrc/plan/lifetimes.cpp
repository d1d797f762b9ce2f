#include "plan/lifetimes.h"

#include <algorithm>

namespace itrt::plan {
namespace {

struct Uses {
  std::int64_t written = -1;    // by which operator; -1: the image, before them all
  std::int64_t last_read = -1;  // -1: by none
  std::int64_t last_read_in_block = -1;
  bool read_in_loop = false;  // by the block or the head
};

class Timeline {
 public:
  Timeline(const model::Program& program, std::span<const model::TensorIndex> unstored)
      : block_begin_(static_cast<std::int64_t>(program.stem.size())),
        block_end_(block_begin_ + static_cast<std::int64_t>(program.block.size())),
        end_(block_end_ + static_cast<std::int64_t>(program.head.size())),
        uses_(program.tensors.size()) {
    std::int64_t time = 0;
    for (const auto* section : {&program.stem, &program.block, &program.head}) {
      for (const model::Operator& op : *section) {
        const bool waits = std::find(unstored.begin(), unstored.end(), op.output) != unstored.end();
        for (const model::TensorIndex input : model::inputs_of(op)) read(input, waits ? time + 1 : time);
        of(op.output).written = time++;
      }
    }
  }

  std::int64_t block_begin() const { return block_begin_; }
  std::int64_t block_end() const { return block_end_; }
  std::int64_t end() const { return std::max<std::int64_t>(end_, 1); }
  Uses& of(model::TensorIndex index) { return uses_[static_cast<std::size_t>(index)]; }
  std::size_t size() const { return uses_.size(); }

 private:
  void read(model::TensorIndex index, std::int64_t time) {
    Uses& uses = of(index);
    uses.last_read = time;
    uses.read_in_loop |= time >= block_begin_;
    if (time >= block_begin_ && time < block_end_) uses.last_read_in_block = time;
  }

  std::int64_t block_begin_, block_end_, end_;
  std::vector<Uses> uses_;
};

Piece plain_lifetime(const Uses& uses, const Timeline& timeline, std::int64_t bytes) {
  // A tensor of the stem that the loop reads must be there in every iteration and for every answer.
  if (uses.written < timeline.block_begin() && uses.read_in_loop) return {uses.written, timeline.end(), 0, bytes};
  return {uses.written, std::max(uses.written, uses.last_read) + 1, 0, bytes};
}

}  // namespace

TensorBuffers tensor_buffers(const model::Program& program, std::span<const model::Size> sizes, std::int64_t alignment,
                             std::span<const model::TensorIndex> unstored) {
  Timeline timeline(program, unstored);
  TensorBuffers result;
  for (std::size_t index = 0; index < timeline.size(); ++index) {
    const std::int64_t bytes = sizes[index].height * sizes[index].width * program.tensors[index].channels;
    const Uses& uses = timeline.of(static_cast<model::TensorIndex>(index));
    result.buffer_of_tensor.push_back(index);
    result.buffers.push_back({alignment, {plain_lifetime(uses, timeline, bytes)}});
  }
  for (const model::TensorIndex index : unstored) result.buffers[static_cast<std::size_t>(index)].pieces.clear();
  result.buffers[static_cast<std::size_t>(program.logits)].pieces.front().end = timeline.end();
  if (!program.state) return result;

  const auto state = static_cast<std::size_t>(*program.state),
             next_state = static_cast<std::size_t>(*program.next_state);
  const std::int64_t first_written = timeline.of(*program.state).written;
  const std::int64_t last_read = std::max(timeline.of(*program.state).last_read_in_block, first_written);
  const std::int64_t next_written = timeline.of(*program.next_state).written;
  result.copies_state = last_read >= next_written || timeline.of(*program.next_state).last_read >= timeline.block_end();
  const std::int64_t bytes = result.buffers[state].pieces.front().size;
  if (result.copies_state) {
    result.buffers[state].pieces = {{first_written, timeline.end(), 0, bytes}};
    result.buffers[next_state].pieces = {{next_written, timeline.block_end(), 0, bytes}};
  } else {
    // Also within the stem: whatever the stem does after it has written the state must not touch it.
    const std::int64_t until = std::max(last_read + 1, timeline.block_begin());
    result.buffers[state].pieces = {{first_written, until, 0, bytes}, {next_written, timeline.end(), 0, bytes}};
    result.buffers[next_state].pieces.clear();
    result.buffer_of_tensor[next_state] = state;
  }
  return result;
}

}  // namespace itrt::plan
