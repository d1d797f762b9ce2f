#include "plan/occupancy.h"

#include <algorithm>

#include "base/checked.h"

namespace itrt::plan {
namespace {

constexpr std::size_t most_ranges = 512;  // of a node

}  // namespace

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

// Half of them, the smallest.
void Occupancy::close_small_gaps(Ranges& ranges) {
  std::vector<std::int64_t> gaps;
  for (std::size_t index = 1; index < ranges.size(); ++index) {
    gaps.push_back(ranges[index].begin - ranges[index - 1].end);
  }
  const auto middle = gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2);
  std::nth_element(gaps.begin(), middle, gaps.end());
  std::size_t kept = 0;
  for (std::size_t index = 1; index < ranges.size(); ++index) {
    if (ranges[index].begin - ranges[kept].end > *middle) {
      ranges[++kept] = ranges[index];
    } else {
      ranges[kept].end = ranges[index].end;
    }
  }
  ranges.resize(kept + 1);
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
    if (ranges.size() > most_ranges) close_small_gaps(ranges);
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
  cursors_.clear();
  for (const Piece& piece : buffer.pieces) {
    if (!is_occupied(piece)) continue;
    const auto read = [&](const Ranges& ranges) {
      if (!ranges.empty()) cursors_.push_back({&piece, ranges.data(), ranges.data() + ranges.size()});
    };
    visit(1, 0, times_.size() - 1, index_of(piece.begin), index_of(piece.end), [&](std::size_t node, bool is_whole) {
      read(whole_[node]);
      if (is_whole) read(below_[node]);
    });
  }
  // In turns, until the offset is free in all of them one after the other. It only rises, so no cursor goes back.
  std::int64_t offset = round_up(floor, buffer.alignment);
  for (std::size_t index = 0, free = 0; free < cursors_.size(); index = (index + 1) % cursors_.size()) {
    const std::int64_t next = cursors_[index].lowest_free(offset, buffer.alignment);
    free = next == offset ? free + 1 : 1;
    offset = next;
  }
  return offset;
}

std::int64_t Occupancy::Cursor::lowest_free(std::int64_t offset, std::int64_t alignment) {
  while (true) {
    advance(offset + piece->offset);
    if (next == last || next->begin >= offset + piece->offset + piece->size) return offset;
    offset = round_up(next->end - piece->offset, alignment);
  }
}

// To the first range that ends above `byte`. Mostly it is near; else steps double.
void Occupancy::Cursor::advance(std::int64_t byte) {
  std::ptrdiff_t step = 1;
  while (step < last - next && next[step].end <= byte) {
    next += step;
    step *= 2;
  }
  next = std::partition_point(next, next + std::min(step + 1, last - next),
                              [&](const Range& range) { return range.end <= byte; });
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
