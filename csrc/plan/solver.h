// Buffers with lifetimes -> offsets in one arena. Plain data in, plain data out; knows no network.
//
//   offset
//     ^   +-------+   +--+
//     |   |   b   |   |d |      a buffer with two intervals (d) keeps its offset; others may use its place in between
//     |   +---+---+---+--+
//     |   | a     | c    |
//     +---+-------+------+--> time
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace itrt::plan {

// Half open: [begin, end).
struct Interval {
  std::int64_t begin = 0, end = 0;
};

struct Buffer {
  std::int64_t size = 0;           // bytes
  std::int64_t alignment = 1;      // of the offset
  std::vector<Interval> lifetime;  // when the contents matter
};

struct Layout {
  std::vector<std::int64_t> offsets;  // one a buffer
  std::int64_t height = 0;            // bytes of the arena
};

bool overlap(const Buffer& a, const Buffer& b);

// Greedy by size: the largest buffer first, each at the lowest offset where it meets nothing that lives with it.
Layout solve(std::span<const Buffer> buffers);

// The largest sum of sizes that live at one time: no layout is lower.
std::int64_t lower_bound(std::span<const Buffer> buffers);

}  // namespace itrt::plan
