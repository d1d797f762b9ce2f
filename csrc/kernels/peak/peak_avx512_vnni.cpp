// AVX512-VNNI: vpdpbusd into 16 independent sums of 512 bits, more than its latency times its throughput anywhere.
#include <immintrin.h>

#include "kernels/peak/peak.h"

namespace itrt::kernels {
namespace {

constexpr int sums = 16;

// As an instruction: what is measured must be what is written.
inline void multiply_add(__m512i& sum, __m512i unsigned_bytes, __m512i signed_bytes) {
  asm("vpdpbusd %[signed_bytes], %[unsigned_bytes], %[sum]"
      : [sum] "+v"(sum)
      : [unsigned_bytes] "v"(unsigned_bytes), [signed_bytes] "v"(signed_bytes));
}

std::int64_t run(std::int64_t rounds) {
  const __m512i ones = _mm512_set1_epi8(1);
  __m512i sum[sums];
#pragma GCC unroll 16
  for (int i = 0; i < sums; ++i) sum[i] = _mm512_setzero_si512();
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (int i = 0; i < sums; ++i) multiply_add(sum[i], ones, ones);
  }
  std::int64_t total = 0;
#pragma GCC unroll 16
  for (int i = 0; i < sums; ++i) {
    total += _mm512_reduce_add_epi64(_mm512_cvtepi32_epi64(_mm512_castsi512_si256(sum[i]))) +
             _mm512_reduce_add_epi64(_mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(sum[i], 1)));
  }
  return total;
}

}  // namespace

const PeakKernel peak_avx512_vnni = {"vpdpbusd", Isa::avx512_vnni, run};

}  // namespace itrt::kernels
