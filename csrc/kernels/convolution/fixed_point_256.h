// ConvolutionResult::fixed for 256 bits. In binary64, since AVX2 has no fused multiply-add in binary32: products of a
// sum and a scale, at most 46 bits, are exact there, whatever the sum. Internal linkage: each file compiles its own
// copy.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace itrt::kernels {
namespace {

constexpr std::int64_t largest_binary64_sum = INT32_MAX;

inline __m128i round_fixed(__m128i sums, __m128 scale) {
  return _mm256_cvtpd_epi32(_mm256_mul_pd(_mm256_cvtepi32_pd(sums), _mm256_cvtps_pd(scale)));
}

// Sums * scale, rounded once to integers, halves to even.
inline __m256i round_fixed(__m256i sums, __m256 scale) {
  const __m128i low = round_fixed(_mm256_castsi256_si128(sums), _mm256_castps256_ps128(scale));
  const __m128i high = round_fixed(_mm256_extracti128_si256(sums, 1), _mm256_extractf128_ps(scale, 1));
  return _mm256_set_m128i(high, low);
}

}  // namespace
}  // namespace itrt::kernels
