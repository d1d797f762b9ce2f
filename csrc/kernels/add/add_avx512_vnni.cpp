// AVX-512: sixteen elements a vector, four vectors a step; the last step is masked.
#include <immintrin.h>

#include "kernels/add/add.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t lanes = 16;

struct Term {
  __m512i zero_point;
  __m512 multiplier;
};

inline __m512 product(__m128i bytes, const Term& term) {
  const __m512i centred = _mm512_sub_epi32(_mm512_cvtepu8_epi32(bytes), term.zero_point);
  return _mm512_mul_ps(_mm512_cvtepi32_ps(centred), term.multiplier);
}

inline Term make_term(const AddInput& input) {
  return {_mm512_set1_epi32(input.zero_point), _mm512_set1_ps(input.multiplier)};
}

void elements(const AddElements& add, std::int64_t first, std::int64_t last) {
  const AddInput* inputs = add.inputs;
  const std::size_t count = add.input_count;
  const Term term0 = make_term(inputs[0]), term1 = make_term(inputs[count > 1 ? 1 : 0]);
  const __m512 lower = _mm512_set1_ps(add.lower);
  const __m512 upper = _mm512_set1_ps(add.upper);
  const __m512i zero_point = _mm512_set1_epi32(add.zero_point);
  for (; first < last; first += lanes) {
    const std::int64_t left = last - first;
    const __mmask16 mask = left >= lanes ? static_cast<__mmask16>(0xffff) : static_cast<__mmask16>((1 << left) - 1);
    __m512 sum = product(_mm_maskz_loadu_epi8(mask, inputs[0].data + first), term0);
    if (count > 1) sum = _mm512_add_ps(sum, product(_mm_maskz_loadu_epi8(mask, inputs[1].data + first), term1));
    for (std::size_t n = 2; n < count; ++n) {
      const __m128i bytes = _mm_maskz_loadu_epi8(mask, inputs[n].data + first);
      sum = _mm512_add_ps(sum, product(bytes, make_term(inputs[n])));
    }
    const __m512 clamped = _mm512_min_ps(_mm512_max_ps(sum, lower), upper);
    const __m512i rounded = _mm512_add_epi32(_mm512_cvtps_epi32(clamped), zero_point);
    _mm512_mask_cvtepi32_storeu_epi8(add.output + first, mask, rounded);
  }
}

}  // namespace

const AddKernel add_avx512_vnni = {"avx512", Isa::avx512_vnni, elements};

}  // namespace itrt::kernels
