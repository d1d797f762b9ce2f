#include "plan/lifetimes.h"

#include <algorithm>

namespace itrt::plan {
namespace {

using model::TensorIndex;
using Lifetime = std::vector<Interval>;

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

// An operator that may write `to` over `from`, element by element, if nothing else wants `from` then or later.
struct InPlace {
  std::int64_t time = 0;
  TensorIndex from = 0, to = 0;
};

// The first state outlives the stem, and a next state that is to be copied the block, whoever reads it last.
bool is_kept(const model::Program& program, TensorIndex index, std::int64_t time) {
  const bool in_stem = time < static_cast<std::int64_t>(program.stem.size());
  return index == program.next_state || (in_stem && index == program.state);
}

std::vector<InPlace> in_place_candidates(const model::Program& program, const Schedule& schedule) {
  std::vector<InPlace> result;
  std::int64_t time = 0;
  for (const auto* section : {&program.stem, &program.block, &program.head}) {
    TensorIndex resized = -1;  // read by the resize that this operator computes on the way, out of order
    for (const model::Operator& op : *section) {
      if (!is_striped(schedule, time)) {
        for (const TensorIndex input : model::elementwise_inputs_of(op)) {
          if (input == resized || contains(schedule.unstored, input) || is_kept(program, input, time)) continue;
          result.push_back({time, input, op.output});
        }
      }
      resized = contains(schedule.unstored, op.output) ? model::inputs_of(op).front() : -1;
      ++time;
    }
  }
  return result;
}

// Which tensors lie in one buffer: at first each in its own.
class Sharing {
 public:
  Sharing(std::vector<Lifetime> lifetimes, std::vector<std::int64_t> bytes, std::vector<InPlace> candidates,
          std::int64_t end)
      : lifetimes_(std::move(lifetimes)), bytes_(std::move(bytes)), candidates_(std::move(candidates)), end_(end) {
    for (std::size_t index = 0; index < lifetimes_.size(); ++index) buffer_of_.push_back(index);
  }

  // Whether the two are never there at the same time, but where one is written over the other.
  bool are_apart(std::size_t a, std::size_t b) const {
    for (const Interval& x : lifetimes_[a]) {
      for (const Interval& y : lifetimes_[b]) {
        const bool overlap = x.begin < y.end && y.begin < x.end;
        if (overlap && !is_in_place(a, x, b, y) && !is_in_place(b, y, a, x)) return false;
      }
    }
    return true;
  }

  // One buffer for the tensors of both buffers, if all of them are apart.
  bool join(std::size_t a, std::size_t b) {
    const std::size_t to = std::min(buffer_of_[a], buffer_of_[b]), from = std::max(buffer_of_[a], buffer_of_[b]);
    if (to == from || bytes_[a] != bytes_[b]) return false;
    for (std::size_t u = 0; u < buffer_of_.size(); ++u) {
      for (std::size_t v = 0; v < buffer_of_.size(); ++v) {
        if (buffer_of_[u] == to && buffer_of_[v] == from && !are_apart(u, v)) return false;
      }
    }
    std::replace(buffer_of_.begin(), buffer_of_.end(), from, to);
    return true;
  }

  void join_in_place() {
    for (const InPlace& each : candidates_) {
      join(static_cast<std::size_t>(each.from), static_cast<std::size_t>(each.to));
    }
  }

  const std::vector<std::size_t>& buffer_of_tensor() const { return buffer_of_; }

  // One a tensor; those whose tensor lies in another one's have no pieces.
  std::vector<Buffer> buffers(std::int64_t alignment) const {
    std::vector<Buffer> result;
    for (std::size_t index = 0; index < buffer_of_.size(); ++index) {
      const bool own = buffer_of_[index] == index;
      Buffer& buffer = result.emplace_back(Buffer{alignment, {}});
      for (const Interval& each : own ? joined_lifetime(index) : Lifetime{}) {
        buffer.pieces.push_back({each.begin, each.end, 0, bytes_[index]});
      }
    }
    return result;
  }

 private:
  // Whether `from`, in this interval of its life, dies where `to` is written over it.
  bool is_in_place(std::size_t from, const Interval& dies, std::size_t to, const Interval& begins) const {
    if (dies.end != begins.begin + 1 || dies.end == end_) return false;  // at the end it may live on: the loop
    return std::any_of(candidates_.begin(), candidates_.end(), [&](const InPlace& each) {
      return each.time == begins.begin && each.from == static_cast<TensorIndex>(from) &&
             each.to == static_cast<TensorIndex>(to);
    });
  }

  Lifetime joined_lifetime(std::size_t buffer) const {
    Lifetime all, joined;
    for (std::size_t index = 0; index < buffer_of_.size(); ++index) {
      if (buffer_of_[index] == buffer) all.insert(all.end(), lifetimes_[index].begin(), lifetimes_[index].end());
    }
    std::sort(all.begin(), all.end(), [](const Interval& a, const Interval& b) { return a.begin < b.begin; });
    for (const Interval& each : all) {
      if (joined.empty() || joined.back().end < each.begin) {
        joined.push_back(each);
      } else {
        joined.back().end = std::max(joined.back().end, each.end);
      }
    }
    return joined;
  }

  std::vector<Lifetime> lifetimes_;
  std::vector<std::int64_t> bytes_;
  std::vector<InPlace> candidates_;
  std::int64_t end_;
  std::vector<std::size_t> buffer_of_;
};

}  // namespace

TensorBuffers tensor_buffers(const model::Program& program, std::span<const model::Size> sizes, std::int64_t alignment,
                             const Schedule& schedule) {
  Timeline timeline(program, schedule);
  std::vector<Lifetime> lifetimes = plain_lifetimes(program, timeline, schedule);
  const std::vector<std::int64_t> bytes = stored_bytes(program, sizes, schedule);
  const std::vector<InPlace> candidates = in_place_candidates(program, schedule);
  bool copies_state = false;
  if (program.state) {
    const auto state = static_cast<std::size_t>(*program.state), next = static_cast<std::size_t>(*program.next_state);
    const Uses &state_uses = timeline.of(*program.state), &next_uses = timeline.of(*program.next_state);
    // Also within the stem: whatever the stem does after it has written the state must not touch it.
    const std::int64_t until = std::max(state_uses.last_read_in_block + 1, timeline.block_begin());
    lifetimes[state] = {{state_uses.written, until}};
    lifetimes[next] = {{next_uses.written, timeline.end()}};
    copies_state = next_uses.last_read >= timeline.block_end() ||
                   !Sharing(lifetimes, bytes, candidates, timeline.end()).join(state, next);
    if (copies_state) {
      lifetimes[state] = {{state_uses.written, timeline.end()}};
      lifetimes[next] = {{next_uses.written, timeline.block_end()}};
    }
  }
  Sharing sharing(std::move(lifetimes), bytes, candidates, timeline.end());
  if (program.state && !copies_state) {
    sharing.join(static_cast<std::size_t>(*program.state), static_cast<std::size_t>(*program.next_state));
  }
  sharing.join_in_place();
  return {sharing.buffers(alignment), sharing.buffer_of_tensor(), copies_state};
}

}  // namespace itrt::plan
