// A partial layout under a capacity: which buffers are placed, how low each of the others can be at best, and why.
//
// Buffers are placed from the bottom up, so everything that is not placed lies above what is. A section is a machine
// that does one thing at a time: `floor` is the lowest that any of its waiting members can be, `waiting` the sum of
// their sizes, and floor + waiting > capacity is a contradiction. A member that is too high to be the lowest one must
// lie above another.
//
//   capacity  - - - - - - - - - -
//
//             +----+   waiting: c
//             | b  |----floor
//             +--+-+--+
//             |a |    |
//
// Decisions have levels 0, 1, 2, ...; every bound knows the set of levels that imply it. A contradiction therefore
// names the decisions that it needs, and the search goes back to the last of these instead of to the last one
// (conflict-directed backjumping, Prosser 1993): decisions about other times are not to blame.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "plan/problem.h"

namespace itrt::plan {

// Levels of decisions, one bit each.
using Levels = std::vector<std::uint64_t>;

class SearchState {
 public:
  using Reason = std::size_t;  // a set of levels, by its number
  static constexpr std::int64_t nothing_waits = std::numeric_limits<std::int64_t>::max();
  struct Mark {
    std::size_t changes, reasons;
  };

  // The problem must outlive the state.
  explicit SearchState(const Problem& problem);

  // Everything unplaced. False: not even that is possible.
  bool reset(std::int64_t capacity);
  Mark mark() const { return {changes_.size(), reasons_.size() / words_}; }
  void undo(Mark mark);

  // Decisions. False is a contradiction, and conflict() the levels that it needs.
  bool place(std::size_t buffer, std::size_t level);
  // The waiting members of the section are at `offset` or above, by this decision and because of `because`.
  bool raise(std::size_t section, std::int64_t offset, std::size_t level, const Levels& because);

  std::size_t sections() const { return problem_.sections.members.size(); }
  std::size_t most_levels() const { return 64 * words_; }
  std::int64_t floor(std::size_t section) const { return floor_[section]; }
  std::int64_t slack(std::size_t section) const { return capacity_ - floor_[section] - waiting_[section]; }
  double weight(std::size_t section) const { return weights_[section]; }
  bool is_placed(std::size_t buffer) const { return placed_[buffer]; }
  std::int64_t lowest(std::size_t buffer) const { return lowest_[buffer]; }  // its offset, once it is placed

  const Levels& conflict() const { return conflict_; }
  // Adds the levels that imply where a buffer is, or that it cannot be lower.
  void explain(std::size_t buffer, Levels& levels) const;

  // Contradictions count more the later they come.
  void age_weights();

  std::span<const Neighbor> neighbors(std::size_t buffer) const { return problem_.neighbors[buffer]; }

 private:
  struct Change {
    enum class Kind { lowest, floor, placed } kind;
    std::size_t index;
    std::int64_t value;
    Reason reason;
  };

  Reason new_reason(const Levels& levels);
  Reason reason_of_waiting(std::size_t section);
  void set_lowest(std::size_t buffer, std::int64_t offset, Reason reason);
  void touch(std::size_t buffer);
  bool contradict(std::size_t section, Reason reason);
  bool propagate();
  bool propagate_section(std::size_t section);

  const Problem& problem_;
  std::size_t words_;
  std::int64_t capacity_ = 0, limit_ = 0;

  std::vector<char> placed_;
  std::vector<std::int64_t> lowest_, floor_, waiting_;
  std::vector<Reason> why_;
  std::vector<std::uint64_t> reasons_;  // words_ each; number 0 is the empty set
  std::vector<Change> changes_;
  std::vector<std::size_t> queue_;
  std::vector<char> queued_;
  std::vector<double> weights_;
  double increment_ = 1;
  Levels conflict_;
};

}  // namespace itrt::plan
