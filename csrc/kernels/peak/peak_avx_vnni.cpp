// AVX-VNNI: vpdpbusd into 12 independent sums of 256 bits, more than its latency times its throughput anywhere.
#include <immintrin.h>

#include "kernels/peak/peak.h"

namespace itrt::kernels {
namespace {

constexpr int sums = 12;

// As an instruction, in the one encoding that AVX-VNNI has.
inline void multiply_add(__m256i& sum, __m256i unsigned_bytes, __m256i signed_bytes) {
  asm("%{vex%} vpdpbusd %[signed_bytes], %[unsigned_bytes], %[sum]"
      : [sum] "+x"(sum)
      : [unsigned_bytes] "x"(unsigned_bytes), [signed_bytes] "x"(signed_bytes));
}

std::int64_t run(std::int64_t rounds) {
  const __m256i ones = _mm256_set1_epi8(1);
  __m256i sum[sums];
#pragma GCC unroll 12
  for (int i = 0; i < sums; ++i) sum[i] = _mm256_setzero_si256();
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < sums; ++i) multiply_add(sum[i], ones, ones);
  }
  std::int64_t total = 0;
#pragma GCC unroll 12
  for (int i = 0; i < sums; ++i) {
    alignas(32) std::int32_t lanes[8];
    _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), sum[i]);
    for (const std::int32_t lane : lanes) total += lane;
  }
  return total;
}

}  // namespace

const PeakKernel peak_avx_vnni = {"vpdpbusd_256", Isa::avx_vnni, run};

}  // namespace itrt::kernels
