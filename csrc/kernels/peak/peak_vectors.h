// The loop of instruction sets that multiply vectors. Internal linkage: each file compiles its own copy, with its own
// instructions.
#pragma once

#include <cstdint>
#include <cstring>

namespace itrt::kernels {
namespace {

// Multiplies `ones` by themselves into `sums` independent sums, and returns what these add up to.
template <int sums, class Vector, class MultiplyAdd>
[[gnu::always_inline]] inline std::int64_t multiply_ones(std::int64_t rounds, Vector ones,
                                                         const MultiplyAdd& multiply_add) {
  Vector sum[sums];
#pragma GCC unroll 16
  for (int i = 0; i < sums; ++i) sum[i] = Vector{};
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (int i = 0; i < sums; ++i) multiply_add(sum[i], ones, ones);
  }
  std::int64_t total = 0;
#pragma GCC unroll 16
  for (int i = 0; i < sums; ++i) {
    std::int32_t lanes[sizeof(Vector) / sizeof(std::int32_t)];
    std::memcpy(lanes, &sum[i], sizeof(lanes));
    for (const std::int32_t lane : lanes) total += lane;
  }
  return total;
}

}  // namespace
}  // namespace itrt::kernels
