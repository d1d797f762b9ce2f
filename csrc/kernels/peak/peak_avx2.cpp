// AVX2: pairs of vpmaddwd and vpaddd. The multiplications depend on nothing, an addition takes a cycle, and no CPU adds
// more than four vectors a cycle: 8 sums keep the units of both busy.
#include <immintrin.h>

#include "kernels/peak/peak.h"
#include "kernels/peak/peak_vectors.h"

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

std::int64_t run(std::int64_t rounds) { return multiply_ones<sums>(rounds, _mm256_set1_epi16(1), multiply_add); }

}  // namespace

const PeakKernel peak_avx2 = {"vpmaddwd_vpaddd", Isa::avx2, run};

}  // namespace itrt::kernels
