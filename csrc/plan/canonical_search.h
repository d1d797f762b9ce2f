// A second exact search: is there a layout of at most this height? It places buffers by ascending offset and follows
// one order of importance strictly, where the first search (search.h) goes where contradictions were. Each solves
// instances that the other does not.
//
//      |  a  |     |  Of the candidates at their supports the lowest goes first, of equal ones the most important.
//      +-----+--+  |  Taking a later one excludes the ones before: all that follows lies above it.
//      |   b    |  |  Where no waiting buffer crosses a moment, both sides are problems of their own:
//   ---+--------+--|  a solution of one stays, and when one has none the placement before has failed.
//
// The idea (canonical layouts, floors that only rise, decomposition, several orders) is MiniMalloc's (Moffitt, ASPLOS
// 2023); what CanonicalState::propagate concludes goes further.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "plan/answer.h"
#include "plan/canonical_state.h"

namespace itrt::plan {

class CanonicalSearch {
 public:
  // How many orders of importance there are.
  static constexpr std::size_t orders = 3;

  // Both must outlive the search.
  CanonicalSearch(std::span<const Buffer> buffers, const Problem& problem);

  // Tries at most `nodes` placements from the start, with one of the orders. Deterministic but for `cancel`.
  Answer run(std::int64_t capacity, std::size_t order, std::int64_t nodes, Cancel cancel);

  // Of the last `fits`, one a buffer.
  std::vector<std::int64_t> offsets() const;
  std::int64_t nodes() const { return nodes_; }  // of all runs

 private:
  using Position = CanonicalState::Position;
  using Indices = std::vector<std::size_t>;

  Answer solve_parts(const Indices& waiting, Position last, Cancel cancel);
  Answer solve_part(const Indices& waiting, Position last, Cancel cancel);
  Indices candidates(const Indices& waiting, Position last) const;
  std::vector<Indices> split(const Indices& waiting) const;

  const Problem& problem_;
  CanonicalState state_;
  std::vector<std::vector<std::size_t>> ranks_;  // by order and buffer
  Indices by_first_section_;
  std::int64_t nodes_ = 0, last_node_ = 0;
};

}  // namespace itrt::plan
