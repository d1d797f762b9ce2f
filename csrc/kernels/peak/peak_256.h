// The loop of instruction sets with 256 bits. Internal linkage: each file compiles its own copy, with its own
// instructions.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace itrt::kernels {
namespace {

// Multiplies `ones` by themselves into `sums` independent sums, and returns what these add up to.
template <int sums, class MultiplyAdd>
[[gnu::always_inline]] inline std::int64_t multiply_ones(std::int64_t rounds, __m256i ones,
                                                         const MultiplyAdd& multiply_add) {
  __m256i sum[sums];
#pragma GCC unroll 16
  for (int i = 0; i < sums; ++i) sum[i] = _mm256_setzero_si256();
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (int i = 0; i < sums; ++i) multiply_add(sum[i], ones, ones);
  }
  std::int64_t total = 0;
#pragma GCC unroll 16
  for (int i = 0; i < sums; ++i) {
    alignas(32) std::int32_t lanes[8];
    _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), sum[i]);
    for (const std::int32_t lane : lanes) total += lane;
  }
  return total;
}

}  // namespace
}  // namespace itrt::kernels
