#include "plan/search.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace itrt::plan {
namespace {

constexpr std::int64_t nodes_of_first_attempt = 500;
constexpr std::int64_t nodes_between_questions = 256;  // to `cancel`

// Two kinds of preference, tried in turns: what lives long first, large ones among them; and both balanced.
std::vector<std::vector<double>> preferences_of(const Problem& problem) {
  std::vector<std::vector<double>> result(2);
  for (std::size_t buffer = 0; buffer < problem.buffers(); ++buffer) {
    double width = 0;
    for (const Run& run : problem.sections.runs[buffer]) width += static_cast<double>(run.last - run.first + 1);
    const auto height = static_cast<double>(problem.extents[buffer]);
    result[0].push_back(width * std::sqrt(height));
    result[1].push_back(width);
  }
  return result;
}

}  // namespace

Search::Search(const Problem& problem)
    : problem_(problem),
      state_(problem),
      scores_(preferences_of(problem)),
      level_until_(problem.sections.members.size()) {}

std::vector<std::int64_t> Search::offsets() const {
  std::vector<std::int64_t> offsets;
  for (std::size_t buffer = 0; buffer < problem_.buffers(); ++buffer) offsets.push_back(state_.lowest(buffer));
  return offsets;
}

Answer Search::run(std::int64_t capacity, std::int64_t nodes, Cancel cancel) {
  const std::int64_t last = nodes_ + nodes;
  for (double budget = nodes_of_first_attempt; nodes_ < last; budget *= 1.03) {
    set_preferences();
    const Answer answer = attempt(capacity, std::min(last, nodes_ + static_cast<std::int64_t>(budget)), cancel);
    ++attempts_;
    if (answer != Answer::unknown || cancel()) return answer;
  }
  return Answer::unknown;
}

// Noise by integers: logarithms would differ from one C library to the next, and layouts must not. Twins share theirs:
// is_symmetric wants the first of them to go first.
void Search::set_preferences() {
  preferences_ = scores_[static_cast<std::size_t>(attempts_) % scores_.size()];
  if (attempts_ == 0) return;
  for (std::size_t buffer = 0; buffer < problem_.buffers(); ++buffer) {
    const std::size_t twin = problem_.twins[buffer];
    if (twin != buffer) {
      preferences_[buffer] = preferences_[twin];
      continue;
    }
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    preferences_[buffer] *= 0.5 + static_cast<double>(random_ >> 40) / static_cast<double>(1 << 24);
  }
}

Answer Search::attempt(std::int64_t capacity, std::int64_t last_node, Cancel cancel) {
  frames_.clear();
  if (!state_.reset(capacity)) return Answer::impossible;
  if (!open_frame()) return Answer::fits;
  while (true) {
    if (nodes_ >= last_node || frames_.size() >= state_.most_levels()) return Answer::unknown;
    if (++nodes_ % nodes_between_questions == 0 && cancel()) return Answer::unknown;
    const Step step = try_next();
    if (step == Step::went_down) {
      if (!open_frame()) return Answer::fits;
    } else if (!go_back(step == Step::contradiction)) {
      return Answer::impossible;
    }
  }
}

std::optional<std::size_t> Search::choose_valley() {
  const std::size_t count = state_.sections();
  for (std::size_t section = count; section-- > 0;) {
    const bool continues = section + 1 < count && state_.floor(section) == state_.floor(section + 1);
    level_until_[section] = continues ? level_until_[section + 1] : section;
  }
  std::optional<std::size_t> best;
  double best_key = std::numeric_limits<double>::infinity();
  for (std::size_t section = 0; section < count; ++section) {
    const std::int64_t floor = state_.floor(section);
    if (floor == SearchState::nothing_waits) continue;
    int choices = state_.slack(section) > 0;
    bool is_valley = true;
    for (const Member& member : problem_.sections.members[section]) {
      if (state_.is_placed(member.buffer) || state_.lowest(member.buffer) != floor) continue;
      ++choices;
      for (const Run& run : problem_.sections.runs[member.buffer]) {
        is_valley &= state_.floor(run.first) == floor && level_until_[run.first] >= run.last;
      }
      if (!is_valley) break;
    }
    const double key = choices / (1 + state_.weight(section));
    if (is_valley && key < best_key) {
      best_key = key;
      best = section;
    }
  }
  return best;
}

// False: everything is placed.
bool Search::open_frame() {
  const auto section = choose_valley();
  if (!section) return false;
  Frame& frame = frames_.emplace_back();
  frame.section = *section;
  frame.floor = state_.floor(*section);
  frame.mark = state_.mark();
  frame.conflict.resize(state_.most_levels() / 64);
  for (const Member& member : problem_.sections.members[*section]) {
    state_.explain(member.buffer, frame.conflict);
    if (!state_.is_placed(member.buffer) && state_.lowest(member.buffer) == frame.floor) {
      frame.choices.push_back(member.buffer);
    }
  }
  std::stable_sort(frame.choices.begin(), frame.choices.end(),
                   [&](std::size_t a, std::size_t b) { return preferences_[a] > preferences_[b]; });
  return true;
}

// Of equal buffers only the first is tried; and of two with equal lifetimes, one directly on the other, one order is
// enough.
bool Search::is_symmetric(Frame& frame, std::size_t choice) {
  const std::size_t buffer = frame.choices[choice];
  for (std::size_t other = 0; other < choice; ++other) {
    if (problem_.twins[frame.choices[other]] == problem_.twins[buffer]) return true;
  }
  if (problem_.alignments[buffer] != 1 || !problem_.is_rectangle[buffer]) return false;
  for (const auto& [other, above, below] : state_.neighbors(buffer)) {
    if (other < buffer || !state_.is_placed(other) || problem_.alignments[other] != 1) continue;
    const bool touches = state_.lowest(other) + problem_.extents[other] == frame.floor;
    if (touches && problem_.is_rectangle[other] && problem_.sections.runs[other] == problem_.sections.runs[buffer]) {
      state_.explain(other, frame.conflict);
      return true;
    }
  }
  return false;
}

Search::Step Search::try_next() {
  Frame& frame = frames_.back();
  while (frame.next < frame.choices.size()) {
    const std::size_t choice = frame.next++;
    if (is_symmetric(frame, choice)) continue;
    return state_.place(frame.choices[choice], frames_.size() - 1) ? Step::went_down : Step::contradiction;
  }
  return try_to_raise();
}

// Nobody lies at the floor. Who could does not move down because of something else that is not placed yet.
Search::Step Search::try_to_raise() {
  Frame& frame = frames_.back();
  if (frame.raised || state_.slack(frame.section) <= 0) return Step::exhausted;
  frame.raised = true;
  Levels because(frame.conflict.size());
  std::int64_t next = SearchState::nothing_waits;
  std::vector<char> is_member(problem_.buffers());
  for (const Member& member : problem_.sections.members[frame.section]) is_member[member.buffer] = 1;
  for (const Member& member : problem_.sections.members[frame.section]) {
    if (state_.is_placed(member.buffer)) continue;
    state_.explain(member.buffer, because);
    if (state_.lowest(member.buffer) > frame.floor) {
      next = std::min(next, state_.lowest(member.buffer));
      continue;
    }
    for (const auto& [other, above, below] : state_.neighbors(member.buffer)) {
      state_.explain(other, because);
      if (!state_.is_placed(other) && !is_member[other]) next = std::min(next, state_.lowest(other) + below);
    }
  }
  if (next == SearchState::nothing_waits || next - frame.floor > state_.slack(frame.section)) {
    for (std::size_t word = 0; word < because.size(); ++word) frame.conflict[word] |= because[word];
    return Step::exhausted;
  }
  return state_.raise(frame.section, next, frames_.size() - 1, because) ? Step::went_down : Step::contradiction;
}

// To the last level that the contradiction needs. False: it needs none.
bool Search::go_back(bool is_contradiction) {
  state_.age_weights();
  Levels conflict = is_contradiction ? state_.conflict() : frames_.back().conflict;
  if (!is_contradiction) frames_.pop_back();
  for (; !frames_.empty(); frames_.pop_back()) {
    const std::size_t level = frames_.size() - 1;
    const std::uint64_t bit = std::uint64_t{1} << (level % 64);
    if ((conflict[level / 64] & bit) == 0) continue;
    conflict[level / 64] &= ~bit;
    Frame& frame = frames_.back();
    state_.undo(frame.mark);
    for (std::size_t word = 0; word < conflict.size(); ++word) frame.conflict[word] |= conflict[word];
    return true;
  }
  return false;
}

}  // namespace itrt::plan
