// Buffers with lifetimes -> offsets in one arena: an anytime solver that is exact where its limits allow.
//
//   height
//     ^   best layout so far  ----+____                  greedy orders first, then searches for lower ones
//     |                                +______+ proven: both are equal
//     |                      _________________|
//     |   lower bound  -----+                            heights that the search proved impossible
//     +-----------------------------------------> work
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/function_ref.h"
#include "plan/buffer.h"

namespace itrt::plan {

struct Limits {
  // Decisions of the search, the same on every machine. The default takes a session some milliseconds at most.
  std::int64_t nodes = 2000;
  // Any layout of this height will do; nothing lower is looked for.
  std::optional<std::int64_t> capacity = std::nullopt;
};

struct Solution {
  Layout layout;                 // not higher than greedy by size, unless cancelled before
  std::int64_t lower_bound = 0;  // of every layout's height
  std::int64_t nodes = 0;        // that were used

  bool proven() const { return layout.height == lower_bound; }
  // Whether the buffers fit into a capacity; none: not known.
  std::optional<bool> fits(std::int64_t capacity) const {
    if (layout.height <= capacity) return true;
    return lower_bound > capacity ? std::optional(false) : std::nullopt;
  }
};

// `cancel` is asked every few hundred decisions; true ends the work with the best layout kept. Without it the solution
// is a function of the arguments alone. Throws InvalidArgument (buffer.h).
Solution solve(std::span<const Buffer> buffers, const Limits& limits, FunctionRef<bool()> cancel);
Solution solve(std::span<const Buffer> buffers, const Limits& limits = {});

}  // namespace itrt::plan
