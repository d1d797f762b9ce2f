// A partial layout that grows from the bottom up: what is placed next lies at the height of what was placed last, or
// above it.
//
//   offset
//     ^              +------+          support: the lowest offset that what is placed leaves to a buffer
//     |   +---+      |  d   |          lowest:  no layout below has it lower
//     |   | c |......+------+...... h
//     |   +---+---+--+               When d was placed at h, everything that waits lies at h or above. e, whose support
//     |   |   b   |   e?             is below h, cannot come there any more: it lies on one of those that wait, and
//     +---+-------+--------> time    lowest(e) is the lowest end of any of them.
//
// Only canonical layouts are of interest: those with the smallest sum of offsets. In these every buffer lies at its
// support when the buffers below it are placed, so a buffer whose place stays free to the top must be lying there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "plan/problem.h"

namespace itrt::plan {

class CanonicalState {
 public:
  using Mark = std::size_t;
  // Placements go in this order: by offset, and at the same offset by rank.
  struct Position {
    std::int64_t offset = 0;
    std::size_t rank = 0;
    auto operator<=>(const Position&) const = default;
  };

  // The problem must outlive the state.
  explicit CanonicalState(const Problem& problem);

  // Everything waits. `ranks`: one a buffer, all different.
  void reset(std::int64_t capacity, std::vector<std::size_t> ranks);
  Mark mark() const { return changes_.size(); }
  void undo(Mark mark);

  // At its support.
  void place(std::size_t buffer);
  // Draws conclusions about `buffers`, which share no section with others that wait, where the last placement among
  // them was at `last`. False: no canonical layout of at most the capacity continues this one.
  bool propagate(std::span<const std::size_t> buffers, Position last);

  bool is_placed(std::size_t buffer) const { return placed_[buffer]; }
  std::int64_t support(std::size_t buffer) const { return support_[buffer]; }
  Position position(std::size_t buffer) const { return {support_[buffer], ranks_[buffer]}; }
  // Whether the next placement can be this one.
  bool is_candidate(std::size_t buffer, Position last) const {
    return !placed_[buffer] && lowest_[buffer] <= support_[buffer] && position(buffer) >= last;
  }

 private:
  struct Change {
    enum class Kind { lowest, support, placed } kind;
    std::size_t buffer;
    std::int64_t value;
  };

  void wait(std::size_t buffer, std::int64_t sign);
  void set_lowest(std::size_t buffer, std::int64_t offset);
  bool propagate_section(std::size_t section);
  bool find_something_below(std::size_t buffer);
  void forget_queue();

  const Problem& problem_;
  std::vector<std::size_t> ranks_;
  std::int64_t capacity_ = 0, limit_ = 0;  // limit_: of extents; capacity_: of sums of rounded sizes
  std::vector<char> placed_;
  std::vector<std::int64_t> lowest_, support_, waiting_;  // waiting_: one a section, the sum of sizes
  std::vector<std::size_t> below_;  // the neighbor that `lowest` of a buffer followed from: a hint, not undone
  std::vector<Change> changes_;
  std::vector<std::size_t> queue_;  // sections that something changed in
  std::vector<char> queued_;
};

}  // namespace itrt::plan
