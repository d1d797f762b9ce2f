#include "plan/occupancy.h"

#include <algorithm>

#include "base/checked.h"

namespace itrt::plan {

Occupancy::Occupancy(std::span<const Buffer> buffers) {
  for (const Buffer& buffer : buffers) {
    for (const Piece& piece : buffer.pieces) {
      if (!is_occupied(piece)) continue;
      times_.push_back(piece.begin);
      times_.push_back(piece.end);
    }
  }
  std::sort(times_.begin(), times_.end());
  times_.erase(std::unique(times_.begin(), times_.end()), times_.end());
  whole_.resize(4 * times_.size());
  below_.resize(4 * times_.size());
}

void Occupancy::insert(Ranges& ranges, Range range) {
  auto first = std::lower_bound(ranges.begin(), ranges.end(), range.begin,
                                [](const Range& each, std::int64_t begin) { return each.end < begin; });
  auto last = first;
  for (; last != ranges.end() && last->begin <= range.end; ++last) {
    range = {std::min(range.begin, last->begin), std::max(range.end, last->end)};
  }
  if (first == last) {
    ranges.insert(first, range);
  } else {
    *first = range;
    ranges.erase(first + 1, last);
  }
}

// Calls function(node, is_whole) for the nodes that together are [from, to) and, with is_whole false, those above them.
template <class Function>
void Occupancy::visit(std::size_t node, std::size_t begin, std::size_t end, std::size_t from, std::size_t to,
                      Function function) {
  const bool is_whole = from <= begin && end <= to;
  function(node, is_whole);
  if (is_whole) return;
  const std::size_t middle = begin + (end - begin) / 2;
  if (from < middle) visit(2 * node, begin, middle, from, to, function);
  if (to > middle) visit(2 * node + 1, middle, end, from, to, function);
}

std::size_t Occupancy::index_of(std::int64_t time) const {
  return static_cast<std::size_t>(std::lower_bound(times_.begin(), times_.end(), time) - times_.begin());
}

std::int64_t Occupancy::lowest_free(const Buffer& buffer, std::int64_t floor) {
  forbidden_.clear();
  for (const Piece& piece : buffer.pieces) {
    if (!is_occupied(piece)) continue;
    const auto forbid = [&](const Ranges& ranges) {
      for (const Range& range : ranges) {
        forbidden_.push_back({range.begin - piece.offset - piece.size, range.end - piece.offset});
      }
    };
    visit(1, 0, times_.size() - 1, index_of(piece.begin), index_of(piece.end), [&](std::size_t node, bool is_whole) {
      forbid(whole_[node]);
      if (is_whole) forbid(below_[node]);
    });
  }
  std::sort(forbidden_.begin(), forbidden_.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
  std::int64_t offset = round_up(floor, buffer.alignment);
  for (const Range& range : forbidden_) {
    if (offset <= range.begin) break;
    if (offset < range.end) offset = round_up(range.end, buffer.alignment);
  }
  return offset;
}

void Occupancy::place(const Buffer& buffer, std::int64_t offset) {
  for (const Piece& piece : buffer.pieces) {
    if (!is_occupied(piece)) continue;
    const Range range = {offset + piece.offset, offset + piece.offset + piece.size};
    visit(1, 0, times_.size() - 1, index_of(piece.begin), index_of(piece.end),
          [&](std::size_t node, bool is_whole) { insert(is_whole ? whole_[node] : below_[node], range); });
  }
}

}  // namespace itrt::plan
