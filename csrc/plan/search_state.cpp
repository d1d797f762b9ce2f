#include "plan/search_state.h"

#include <algorithm>

#include "base/checked.h"

namespace itrt::plan {

SearchState::SearchState(const Problem& problem)
    : problem_(problem),
      words_((2 * problem.buffers() + 127) / 64),
      queued_(problem.sections.members.size()),
      weights_(problem.sections.members.size()),
      conflict_(words_) {}

bool SearchState::reset(std::int64_t capacity) {
  capacity_ = round_up(capacity, problem_.divisor);
  limit_ = capacity;
  placed_.assign(problem_.buffers(), 0);
  lowest_.assign(problem_.buffers(), 0);
  why_.assign(problem_.buffers(), 0);
  floor_.assign(problem_.sections.members.size(), 0);
  waiting_.assign(problem_.sections.members.size(), 0);
  for (std::size_t section = 0; section < problem_.sections.members.size(); ++section) {
    for (const Member& member : problem_.sections.members[section]) waiting_[section] += member.size;
  }
  reasons_.assign(words_, 0);
  changes_.clear();
  for (std::size_t buffer = 0; buffer < problem_.buffers(); ++buffer) touch(buffer);
  return std::all_of(problem_.extents.begin(), problem_.extents.end(),
                     [&](std::int64_t each) { return each <= limit_; }) &&
         propagate();
}

void SearchState::undo(Mark mark) {
  for (; changes_.size() > mark.changes; changes_.pop_back()) {
    const Change& change = changes_.back();
    switch (change.kind) {
      case Change::Kind::lowest:
        lowest_[change.index] = change.value;
        why_[change.index] = change.reason;
        break;
      case Change::Kind::floor:
        floor_[change.index] = change.value;
        break;
      case Change::Kind::placed:
        placed_[change.index] = 0;
        why_[change.index] = change.reason;
        for (const Run& run : problem_.sections.runs[change.index]) {
          for (std::size_t section = run.first; section <= run.last; ++section) {
            const auto member =
                std::lower_bound(problem_.sections.members[section].begin(), problem_.sections.members[section].end(),
                                 change.index, [](const Member& a, std::size_t b) { return a.buffer < b; });
            waiting_[section] += member->size;
          }
        }
    }
  }
  reasons_.resize(mark.reasons * words_);
}

bool SearchState::place(std::size_t buffer, std::size_t level) {
  Levels levels(words_);
  explain(buffer, levels);
  levels[level / 64] |= std::uint64_t{1} << (level % 64);
  const Reason reason = new_reason(levels);
  changes_.push_back({Change::Kind::placed, buffer, 0, why_[buffer]});
  placed_[buffer] = 1;
  why_[buffer] = reason;
  for (const Run& run : problem_.sections.runs[buffer]) {
    for (std::size_t section = run.first; section <= run.last; ++section) {
      const auto member =
          std::lower_bound(problem_.sections.members[section].begin(), problem_.sections.members[section].end(), buffer,
                           [](const Member& a, std::size_t b) { return a.buffer < b; });
      waiting_[section] -= member->size;
    }
  }
  touch(buffer);
  for (const auto& [other, above, below] : problem_.neighbors[buffer]) {
    const std::int64_t offset = lowest_[buffer] + above;
    if (placed_[other] || lowest_[other] >= offset) continue;
    // Above this one, because it cannot be below: that has reasons of its own.
    Levels both = levels;
    explain(other, both);
    set_lowest(other, offset, both == levels ? reason : new_reason(both));
  }
  return propagate();
}

bool SearchState::raise(std::size_t section, std::int64_t offset, std::size_t level, const Levels& because) {
  Levels levels = because;
  levels[level / 64] |= std::uint64_t{1} << (level % 64);
  const Reason reason = new_reason(levels);
  for (const Member& member : problem_.sections.members[section]) {
    if (!placed_[member.buffer] && lowest_[member.buffer] < offset) set_lowest(member.buffer, offset, reason);
  }
  return propagate();
}

void SearchState::explain(std::size_t buffer, Levels& levels) const {
  const std::uint64_t* reason = reasons_.data() + why_[buffer] * words_;
  for (std::size_t word = 0; word < words_; ++word) levels[word] |= reason[word];
}

void SearchState::age_weights() {
  increment_ *= 1.01;
  if (increment_ < 1e100) return;
  for (double& weight : weights_) weight *= 1e-100;
  increment_ *= 1e-100;
}

SearchState::Reason SearchState::new_reason(const Levels& levels) {
  reasons_.insert(reasons_.end(), levels.begin(), levels.end());
  return reasons_.size() / words_ - 1;
}

SearchState::Reason SearchState::reason_of_waiting(std::size_t section) {
  Levels levels(words_);
  for (const Member& member : problem_.sections.members[section]) {
    if (!placed_[member.buffer]) explain(member.buffer, levels);
  }
  return new_reason(levels);
}

void SearchState::set_lowest(std::size_t buffer, std::int64_t offset, Reason reason) {
  changes_.push_back({Change::Kind::lowest, buffer, lowest_[buffer], why_[buffer]});
  lowest_[buffer] = round_up(offset, problem_.alignments[buffer]);
  why_[buffer] = reason;
  touch(buffer);
}

void SearchState::touch(std::size_t buffer) {
  for (const Run& run : problem_.sections.runs[buffer]) {
    for (std::size_t section = run.first; section <= run.last; ++section) {
      if (queued_[section]) continue;
      queued_[section] = 1;
      queue_.push_back(section);
    }
  }
}

bool SearchState::contradict(std::size_t section, Reason reason) {
  weights_[section] += increment_;
  const auto begin = reasons_.begin() + static_cast<std::ptrdiff_t>(reason * words_);
  conflict_.assign(begin, begin + static_cast<std::ptrdiff_t>(words_));
  return false;
}

bool SearchState::propagate() {
  bool is_possible = true;
  while (!queue_.empty()) {
    const std::size_t section = queue_.back();
    queue_.pop_back();
    queued_[section] = 0;
    is_possible = is_possible && propagate_section(section);  // the rest of the queue is only emptied
  }
  return is_possible;
}

bool SearchState::propagate_section(std::size_t section) {
  // Of the waiting: the lowest offset, the two lowest ends, the highest offset.
  std::int64_t floor = nothing_waits, end = nothing_waits, second_end = nothing_waits, highest = 0;
  std::size_t ends_first = 0;
  for (const Member& member : problem_.sections.members[section]) {
    if (placed_[member.buffer]) continue;
    const std::int64_t offset = lowest_[member.buffer];
    if (offset + problem_.extents[member.buffer] > limit_) return contradict(section, why_[member.buffer]);
    floor = std::min(floor, offset);
    highest = std::max(highest, offset);
    if (offset + member.size < end) {
      second_end = end;
      end = offset + member.size;
      ends_first = member.buffer;
    } else {
      second_end = std::min(second_end, offset + member.size);
    }
  }
  if (floor != floor_[section]) {
    changes_.push_back({Change::Kind::floor, section, floor_[section], 0});
    floor_[section] = floor;
  }
  if (floor == nothing_waits) return true;
  if (floor + waiting_[section] > capacity_) return contradict(section, reason_of_waiting(section));
  const std::int64_t highest_of_lowest_member = capacity_ - waiting_[section];
  if (highest <= highest_of_lowest_member) return true;
  Reason reason = 0;
  for (const Member& member : problem_.sections.members[section]) {
    const std::size_t buffer = member.buffer;
    if (placed_[buffer] || lowest_[buffer] <= highest_of_lowest_member) continue;
    const std::int64_t above = buffer == ends_first ? second_end : end;
    if (above == nothing_waits || lowest_[buffer] >= above) continue;
    if (reason == 0) reason = reason_of_waiting(section);
    set_lowest(buffer, above, reason);
    if (lowest_[buffer] + problem_.extents[buffer] > limit_) return contradict(section, reason);
  }
  return true;
}

}  // namespace itrt::plan
