#include "plan/canonical_state.h"

#include <algorithm>
#include <limits>

#include "base/checked.h"

namespace itrt::plan {
namespace {

constexpr std::int64_t nowhere = std::numeric_limits<std::int64_t>::max();

}  // namespace

CanonicalState::CanonicalState(const Problem& problem) : problem_(problem), queued_(problem.sections.members.size()) {}

void CanonicalState::reset(std::int64_t capacity, std::vector<std::size_t> ranks) {
  const std::size_t buffers = problem_.buffers(), sections = problem_.sections.members.size();
  forget_queue();
  ranks_ = std::move(ranks);
  limit_ = capacity;
  capacity_ = round_up(capacity, problem_.divisor);
  placed_.assign(buffers, 0);
  lowest_.assign(buffers, 0);
  support_.assign(buffers, 0);
  below_.assign(buffers, 0);
  waiting_.assign(sections, 0);
  changes_.clear();
  for (std::size_t section = 0; section < sections; ++section) {
    for (const Member& member : problem_.sections.members[section]) waiting_[section] += member.size;
    queued_[section] = 1;
    queue_.push_back(section);
  }
}

void CanonicalState::undo(Mark mark) {
  for (; changes_.size() > mark; changes_.pop_back()) {
    const auto& [kind, buffer, value] = changes_.back();
    switch (kind) {
      case Change::Kind::lowest:
        lowest_[buffer] = value;
        break;
      case Change::Kind::support:
        support_[buffer] = value;
        break;
      case Change::Kind::placed:
        placed_[buffer] = 0;
        wait(buffer, 1);
    }
  }
}

void CanonicalState::wait(std::size_t buffer, std::int64_t sign) {
  for (const auto& [section, size] : problem_.places[buffer]) waiting_[section] += sign * size;
}

void CanonicalState::set_lowest(std::size_t buffer, std::int64_t offset) {
  changes_.push_back({Change::Kind::lowest, buffer, lowest_[buffer]});
  lowest_[buffer] = offset;
  for (const auto& [section, size] : problem_.places[buffer]) {
    if (queued_[section]) continue;
    queued_[section] = 1;
    queue_.push_back(section);
  }
}

void CanonicalState::place(std::size_t buffer) {
  set_lowest(buffer, support_[buffer]);
  changes_.push_back({Change::Kind::placed, buffer, 0});
  placed_[buffer] = 1;
  wait(buffer, -1);
  for (const auto& [other, above, below] : problem_.neighbors[buffer]) {
    const std::int64_t end = support_[buffer] + above;
    if (placed_[other] || support_[other] >= end) continue;
    changes_.push_back({Change::Kind::support, other, support_[other]});
    support_[other] = round_up(end, problem_.alignments[other]);
    if (lowest_[other] < support_[other]) set_lowest(other, support_[other]);
  }
}

bool CanonicalState::propagate(std::span<const std::size_t> buffers, Position last) {
  for (const std::size_t buffer : buffers) {
    if (!placed_[buffer] && lowest_[buffer] < last.offset) set_lowest(buffer, last.offset);
  }
  bool is_possible = true;
  for (bool is_first = true; is_possible && (is_first || !queue_.empty()); is_first = false) {
    while (is_possible && !queue_.empty()) {
      const std::size_t section = queue_.back();
      queue_.pop_back();
      queued_[section] = 0;
      is_possible = propagate_section(section);
    }
    for (const std::size_t buffer : buffers) {
      if (!is_possible) break;
      if (!placed_[buffer] && !is_candidate(buffer, last)) is_possible = find_something_below(buffer);
    }
  }
  forget_queue();
  return is_possible;
}

void CanonicalState::forget_queue() {
  for (const std::size_t section : queue_) queued_[section] = 0;
  queue_.clear();
}

// A machine that does one thing at a time: the lowest start and the sum of what waits say when it ends at the earliest;
// and what is too high to be the lowest one lies above the lowest end of another.
bool CanonicalState::propagate_section(std::size_t section) {
  std::int64_t floor = nowhere, highest = 0, end = nowhere, second_end = nowhere;
  std::size_t ends_first = 0;
  for (const auto& [buffer, size] : problem_.sections.members[section]) {
    if (placed_[buffer]) continue;
    const std::int64_t offset = lowest_[buffer];
    if (offset + problem_.extents[buffer] > limit_) return false;
    floor = std::min(floor, offset);
    highest = std::max(highest, offset);
    second_end = std::min(second_end, std::max(end, offset + size));
    if (offset + size < end) {
      end = offset + size;
      ends_first = buffer;
    }
  }
  if (floor == nowhere) return true;
  const std::int64_t highest_of_lowest_member = capacity_ - waiting_[section];
  if (floor > highest_of_lowest_member) return false;
  if (highest <= highest_of_lowest_member) return true;
  for (const Member& member : problem_.sections.members[section]) {
    const std::size_t buffer = member.buffer;
    if (placed_[buffer] || lowest_[buffer] <= highest_of_lowest_member) continue;
    const std::int64_t above = buffer == ends_first ? second_end : end;
    if (above == nowhere || lowest_[buffer] >= above) continue;
    set_lowest(buffer, round_up(above, problem_.alignments[buffer]));
    if (lowest_[buffer] + problem_.extents[buffer] > limit_) return false;
  }
  return true;
}

// A buffer that cannot be placed at its support lies on a neighbor that waits; and one of these takes its place there,
// else it could be moved down.
bool CanonicalState::find_something_below(std::size_t buffer) {
  const std::int64_t top = support_[buffer] + problem_.extents[buffer];
  std::int64_t lowest_end = nowhere;
  const auto& neighbors = problem_.neighbors[buffer];
  const auto end_of = [&](const Neighbor& neighbor) {
    const bool is_below = !placed_[neighbor.buffer] && lowest_[neighbor.buffer] < top;
    return is_below ? lowest_[neighbor.buffer] + neighbor.below : nowhere;
  };
  if (!neighbors.empty() && end_of(neighbors[below_[buffer]]) <= lowest_[buffer]) return true;
  for (std::size_t index = 0; index < neighbors.size(); ++index) {
    const std::int64_t end = end_of(neighbors[index]);
    if (end >= lowest_end) continue;
    lowest_end = end;
    below_[buffer] = index;
    if (end <= lowest_[buffer]) return true;
  }
  if (lowest_end == nowhere) return false;
  set_lowest(buffer, round_up(lowest_end, problem_.alignments[buffer]));
  return lowest_[buffer] + problem_.extents[buffer] <= limit_;
}

}  // namespace itrt::plan
