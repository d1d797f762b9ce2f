#include "plan/canonical_search.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <utility>

namespace itrt::plan {
namespace {

constexpr std::int64_t nodes_between_questions = 64;  // to `cancel`

// By contention (the largest sum that a buffer is a part of), lifetime and area, in three orders of these keys.
std::vector<std::vector<std::size_t>> find_ranks(std::span<const Buffer> buffers, const Problem& problem) {
  std::vector<double> contention(buffers.size());
  for (const auto& members : problem.sections.members) {
    double sum = 0;
    for (const Member& member : members) sum += static_cast<double>(member.size);
    for (const Member& member : members) contention[member.buffer] = std::max(contention[member.buffer], sum);
  }
  std::array<std::vector<std::array<double, 3>>, CanonicalSearch::orders> keys;
  for (std::size_t buffer = 0; buffer < buffers.size(); ++buffer) {
    const double width = lifetime(buffers[buffer]), size = area(buffers[buffer]), sum = contention[buffer];
    keys[0].push_back({sum, width, size});
    keys[1].push_back({sum, size, width});
    keys[2].push_back({width, size, sum});
  }
  std::vector<std::vector<std::size_t>> ranks;
  for (const auto& key : keys) {
    std::vector<std::size_t> order(buffers.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key[a] > key[b]; });
    std::vector<std::size_t>& rank = ranks.emplace_back(buffers.size());
    for (std::size_t index = 0; index < order.size(); ++index) rank[order[index]] = index;
  }
  return ranks;
}

}  // namespace

CanonicalSearch::CanonicalSearch(std::span<const Buffer> buffers, const Problem& problem)
    : problem_(problem), state_(problem), ranks_(find_ranks(buffers, problem)) {
  for (std::size_t buffer = 0; buffer < buffers.size(); ++buffer) {
    if (!problem.sections.runs[buffer].empty()) by_first_section_.push_back(buffer);
  }
  const auto& runs = problem.sections.runs;
  std::stable_sort(by_first_section_.begin(), by_first_section_.end(),
                   [&](std::size_t a, std::size_t b) { return runs[a].front().first < runs[b].front().first; });
}

std::vector<std::int64_t> CanonicalSearch::offsets() const {
  std::vector<std::int64_t> offsets;
  for (std::size_t buffer = 0; buffer < problem_.buffers(); ++buffer) offsets.push_back(state_.support(buffer));
  return offsets;
}

Answer CanonicalSearch::run(std::int64_t capacity, std::size_t order, std::int64_t nodes, Cancel cancel) {
  last_node_ = nodes_ + nodes;
  state_.reset(capacity, ranks_[order]);
  if (!state_.propagate(by_first_section_, {})) return Answer::impossible;
  return solve_parts(by_first_section_, {}, cancel);
}

Answer CanonicalSearch::solve_parts(const Indices& waiting, Position last, Cancel cancel) {
  if (waiting.empty()) return Answer::fits;
  for (const Indices& part : split(waiting)) {
    if (const Answer answer = solve_part(part, last, cancel); answer != Answer::fits) return answer;
  }
  return Answer::fits;
}

Answer CanonicalSearch::solve_part(const Indices& waiting, Position last, Cancel cancel) {
  const CanonicalState::Mark mark = state_.mark();
  for (const std::size_t buffer : candidates(waiting, last)) {
    if (nodes_ >= last_node_) return Answer::unknown;
    if (++nodes_ % nodes_between_questions == 0 && cancel()) return Answer::unknown;
    const Position position = state_.position(buffer);
    state_.place(buffer);
    if (state_.propagate(waiting, position)) {
      Indices rest = waiting;
      std::erase(rest, buffer);
      const Answer answer = solve_parts(rest, position, cancel);
      if (answer != Answer::impossible) return answer;
    }
    state_.undo(mark);
  }
  return Answer::impossible;
}

// Ascending. Not those that lie where another could still come below them: either that one is there, or it lies on
// something that comes first.
CanonicalSearch::Indices CanonicalSearch::candidates(const Indices& waiting, Position last) const {
  Indices result;
  std::int64_t lowest_end = std::numeric_limits<std::int64_t>::max();
  for (const std::size_t buffer : waiting) {
    lowest_end = std::min(lowest_end, state_.support(buffer) + problem_.extents[buffer]);
    if (state_.is_candidate(buffer, last)) result.push_back(buffer);
  }
  std::erase_if(result, [&](std::size_t buffer) { return state_.support(buffer) >= lowest_end; });
  std::sort(result.begin(), result.end(),
            [&](std::size_t a, std::size_t b) { return state_.position(a) < state_.position(b); });
  return result;
}

// Into sets that share no section, small ones first: these fail cheaply.
std::vector<CanonicalSearch::Indices> CanonicalSearch::split(const Indices& waiting) const {
  std::vector<Indices> parts;
  std::size_t last = 0;
  for (const std::size_t buffer : waiting) {
    const auto& runs = problem_.sections.runs[buffer];
    if (parts.empty() || runs.front().first > last) parts.emplace_back();
    parts.back().push_back(buffer);
    last = std::max(last, runs.back().last);
  }
  std::stable_sort(parts.begin(), parts.end(), [](const Indices& a, const Indices& b) { return a.size() < b.size(); });
  return parts;
}

}  // namespace itrt::plan
