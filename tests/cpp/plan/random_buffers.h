// Random instances for the planner's tests.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "plan/buffer.h"

namespace itrt::test {

struct RandomBuffers {
  std::int64_t most = 40, times = 30, longest = 12, pieces = 3, size = 500;
  std::vector<std::int64_t> alignments = {1};
  bool offsets = false;  // of pieces

  std::vector<plan::Buffer> operator()(unsigned seed) const {
    std::mt19937 engine(seed);
    const auto below = [&](std::int64_t count) {
      return static_cast<std::int64_t>(engine() % static_cast<unsigned>(count));
    };
    std::vector<plan::Buffer> buffers(static_cast<std::size_t>(1 + below(most)));
    for (plan::Buffer& buffer : buffers) {
      buffer.alignment = alignments[static_cast<std::size_t>(below(static_cast<std::int64_t>(alignments.size())))];
      std::int64_t time = below(times);
      for (std::int64_t count = 1 + below(pieces); count > 0; --count) {
        const std::int64_t begin = time, end = begin + 1 + below(longest);
        const std::int64_t bytes = below(12) == 0 ? 0 : 1 + below(size);
        buffer.pieces.push_back({begin, end, offsets ? below(size) : 0, bytes});
        time = end + below(4);
      }
    }
    return buffers;
  }
};

}  // namespace itrt::test
