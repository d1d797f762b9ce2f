// AVX512-VNNI: vpdpbusd into 16 independent sums of 512 bits, more than its latency times its throughput anywhere.
#include <immintrin.h>

#include "kernels/peak/peak.h"
#include "kernels/peak/peak_vectors.h"

namespace itrt::kernels {
namespace {

constexpr int sums = 16;

// As an instruction: what is measured must be what is written.
inline void multiply_add(__m512i& sum, __m512i unsigned_bytes, __m512i signed_bytes) {
  asm("vpdpbusd %[signed_bytes], %[unsigned_bytes], %[sum]"
      : [sum] "+v"(sum)
      : [unsigned_bytes] "v"(unsigned_bytes), [signed_bytes] "v"(signed_bytes));
}

std::int64_t run(std::int64_t rounds) { return multiply_ones<sums>(rounds, _mm512_set1_epi8(1), multiply_add); }

}  // namespace

const PeakKernel peak_avx512_vnni = {"vpdpbusd", Isa::avx512_vnni, run};

}  // namespace itrt::kernels
