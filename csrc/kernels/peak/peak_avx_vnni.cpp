// AVX-VNNI: vpdpbusd into 12 independent sums of 256 bits, more than its latency times its throughput anywhere.
#include <immintrin.h>

#include "kernels/peak/peak.h"
#include "kernels/peak/peak_vectors.h"

namespace itrt::kernels {
namespace {

constexpr int sums = 12;

// As an instruction, in the one encoding that AVX-VNNI has.
inline void multiply_add(__m256i& sum, __m256i unsigned_bytes, __m256i signed_bytes) {
  asm("%{vex%} vpdpbusd %[signed_bytes], %[unsigned_bytes], %[sum]"
      : [sum] "+x"(sum)
      : [unsigned_bytes] "x"(unsigned_bytes), [signed_bytes] "x"(signed_bytes));
}

std::int64_t run(std::int64_t rounds) { return multiply_ones<sums>(rounds, _mm256_set1_epi8(1), multiply_add); }

}  // namespace

const PeakKernel peak_avx_vnni = {"vpdpbusd_256", Isa::avx_vnni, run};

}  // namespace itrt::kernels
