// AVX2: pairs of vpmaddwd and vpaddd. The multiplications depend on nothing, an addition takes a cycle, and no CPU adds
// more than four vectors a cycle: 8 sums keep the units of both busy.
#include <immintrin.h>

#include "kernels/peak/peak.h"

namespace itrt::kernels {
namespace {

constexpr int sums = 8;

// As instructions: what is measured must be what is written.
inline void multiply_add(__m256i& sum, __m256i a, __m256i b) {
  __m256i product;
  asm("vpmaddwd %[b], %[a], %[product]\n\tvpaddd %[product], %[sum], %[sum]"
      : [sum] "+x"(sum), [product] "=&x"(product)
      : [a] "x"(a), [b] "x"(b));
}

std::int64_t run(std::int64_t rounds) {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i sum[sums];
#pragma GCC unroll 8
  for (int i = 0; i < sums; ++i) sum[i] = _mm256_setzero_si256();
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 8
    for (int i = 0; i < sums; ++i) multiply_add(sum[i], ones, ones);
  }
  std::int64_t total = 0;
#pragma GCC unroll 8
  for (int i = 0; i < sums; ++i) {
    alignas(32) std::int32_t lanes[8];
    _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), sum[i]);
    for (const std::int32_t lane : lanes) total += lane;
  }
  return total;
}

}  // namespace

const PeakKernel peak_avx2 = {"vpmaddwd_vpaddd", Isa::avx2, run};

}  // namespace itrt::kernels
