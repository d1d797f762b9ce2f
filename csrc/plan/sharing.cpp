#include "plan/sharing.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <set>

namespace itrt::plan {

Sharing::Sharing(std::vector<Lifetime> lifetimes, std::vector<std::int64_t> bytes, std::vector<Overwrite> overwrites,
                 std::int64_t end)
    : lifetimes_(std::move(lifetimes)),
      bytes_(std::move(bytes)),
      overwrites_(std::move(overwrites)),
      end_(end),
      places_(lifetimes_.size(), 0) {
  for (std::size_t index = 0; index < lifetimes_.size(); ++index) buffer_of_.push_back(index);
}

bool Sharing::join(std::size_t a, std::size_t b, std::int64_t lead) {
  if (buffer_of_[a] == buffer_of_[b]) return false;
  if (lead == 0 && bytes_[a] != bytes_[b]) return false;
  const std::size_t moved = buffer_of_[a], fixed = buffer_of_[b];
  const std::int64_t shift = places_[b] + lead - places_[a];
  for (std::size_t u = 0; u < buffer_of_.size(); ++u) {
    for (std::size_t v = 0; v < buffer_of_.size(); ++v) {
      if (buffer_of_[u] != moved || buffer_of_[v] != fixed) continue;
      if (!are_apart(u, v, places_[u] + shift - places_[v])) return false;
    }
  }
  const std::size_t joined = std::min(moved, fixed);
  for (std::size_t index = 0; index < buffer_of_.size(); ++index) {
    if (buffer_of_[index] == moved) places_[index] += shift;
    if (buffer_of_[index] == moved || buffer_of_[index] == fixed) buffer_of_[index] = joined;
  }
  return true;
}

std::vector<std::int64_t> Sharing::starts() const {
  std::vector<std::int64_t> result;
  for (std::size_t index = 0; index < places_.size(); ++index) {
    result.push_back(places_[index] - lowest(buffer_of_[index]));
  }
  return result;
}

std::vector<Buffer> Sharing::buffers(std::int64_t alignment) const {
  std::vector<Buffer> result;
  for (std::size_t index = 0; index < buffer_of_.size(); ++index) {
    result.push_back({alignment, buffer_of_[index] == index ? pieces(index) : std::vector<Piece>{}});
  }
  return result;
}

// Whether the two are never there at the same time, but where one is written over the other. `a` begins `lead` bytes
// above `b`.
bool Sharing::are_apart(std::size_t a, std::size_t b, std::int64_t lead) const {
  for (const Interval& x : lifetimes_[a]) {
    for (const Interval& y : lifetimes_[b]) {
      const bool overlap = x.begin < y.end && y.begin < x.end;
      if (overlap && !is_overwritten(a, x, b, y, lead) && !is_overwritten(b, y, a, x, -lead)) return false;
    }
  }
  return true;
}

// Whether `from`, in this interval of its life, dies where `to` is written over it, this far below it.
bool Sharing::is_overwritten(std::size_t from, const Interval& dies, std::size_t to, const Interval& begins,
                             std::int64_t lead) const {
  if (dies.end != begins.begin + 1 || dies.end == end_) return false;  // at the end it may live on: the loop
  return std::any_of(overwrites_.begin(), overwrites_.end(), [&](const Overwrite& each) {
    return each.time == begins.begin && each.from == from && each.to == to && each.lead == lead;
  });
}

std::int64_t Sharing::lowest(std::size_t buffer) const {
  std::int64_t lowest = std::numeric_limits<std::int64_t>::max();
  for (std::size_t index = 0; index < places_.size(); ++index) {
    if (buffer_of_[index] == buffer) lowest = std::min(lowest, places_[index]);
  }
  return lowest;
}

// What the buffer's tensors that live all through an interval span, above its lowest place; nothing where none lives.
std::optional<Interval> Sharing::span(std::size_t buffer, const Interval& time) const {
  std::optional<Interval> result;
  for (std::size_t index = 0; index < places_.size(); ++index) {
    const bool lives = std::any_of(lifetimes_[index].begin(), lifetimes_[index].end(), [&](const Interval& each) {
      return each.begin <= time.begin && time.end <= each.end;
    });
    if (buffer_of_[index] != buffer || !lives) continue;
    const Interval mine = {places_[index], places_[index] + bytes_[index]};
    result = result ? Interval{std::min(result->begin, mine.begin), std::max(result->end, mine.end)} : mine;
  }
  return result;
}

// One between any two moments at which a tensor begins or ends, but for those that nothing changes between.
std::vector<Piece> Sharing::pieces(std::size_t buffer) const {
  const std::int64_t base = lowest(buffer);
  std::set<std::int64_t> moments;
  for (std::size_t index = 0; index < places_.size(); ++index) {
    if (buffer_of_[index] != buffer) continue;
    for (const Interval& each : lifetimes_[index]) moments.insert({each.begin, each.end});
  }
  std::vector<Piece> result;
  for (auto begin = moments.begin(); begin != moments.end(); ++begin) {
    const auto end = std::next(begin);
    const auto bytes = end == moments.end() ? std::nullopt : span(buffer, {*begin, *end});
    if (!bytes) continue;
    const Piece piece = {*begin, *end, bytes->begin - base, bytes->end - bytes->begin};
    if (!result.empty() && result.back().end == piece.begin && result.back().offset == piece.offset &&
        result.back().size == piece.size) {
      result.back().end = piece.end;
    } else {
      result.push_back(piece);
    }
  }
  return result;
}

}  // namespace itrt::plan
