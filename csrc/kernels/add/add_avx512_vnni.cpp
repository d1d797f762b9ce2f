// AVX512-VNNI: vpdpwssd multiplies and adds pairs of inputs, 64 elements a step; the last step is masked.
#include <immintrin.h>

#include "kernels/add/add.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t lanes = 64;

// Multipliers of inputs n and n + 1, in every pair of words; the second is 0 where there is no such input.
inline __m512i multiplier_pair(const AddElements& add, std::size_t n) {
  const std::int32_t second = n + 1 < add.input_count ? add.inputs[n + 1].multiplier : 0;
  return _mm512_set1_epi32((add.inputs[n].multiplier & 0xffff) |
                           static_cast<std::int32_t>(static_cast<std::uint32_t>(second) << 16));
}

// Four vectors of sums, sixteen elements each, as unpacking leaves them.
struct Sums {
  __m512i part[4];
};

inline void accumulate(Sums& sums, __m512i first, __m512i second, __m512i multipliers) {
  const __m512i zero = _mm512_setzero_si512();
  const __m512i low0 = _mm512_unpacklo_epi8(first, zero), low1 = _mm512_unpacklo_epi8(second, zero);
  const __m512i high0 = _mm512_unpackhi_epi8(first, zero), high1 = _mm512_unpackhi_epi8(second, zero);
  sums.part[0] = _mm512_dpwssd_epi32(sums.part[0], _mm512_unpacklo_epi16(low0, low1), multipliers);
  sums.part[1] = _mm512_dpwssd_epi32(sums.part[1], _mm512_unpackhi_epi16(low0, low1), multipliers);
  sums.part[2] = _mm512_dpwssd_epi32(sums.part[2], _mm512_unpacklo_epi16(high0, high1), multipliers);
  sums.part[3] = _mm512_dpwssd_epi32(sums.part[3], _mm512_unpackhi_epi16(high0, high1), multipliers);
}

// Packing undoes what unpacking did.
inline __m512i finish(const Sums& sums, const AddElements& add) {
  const __m128i shift = _mm_cvtsi32_si128(add.shift);
  const __m512i zero_point = _mm512_set1_epi16(static_cast<short>(add.zero_point));
  const auto words = [&](__m512i low, __m512i high) {
    return _mm512_adds_epi16(_mm512_packs_epi32(_mm512_sra_epi32(low, shift), _mm512_sra_epi32(high, shift)),
                             zero_point);
  };
  const __m512i bytes = _mm512_packus_epi16(words(sums.part[0], sums.part[1]), words(sums.part[2], sums.part[3]));
  const __m512i lower = _mm512_set1_epi8(static_cast<char>(add.lower));
  return _mm512_min_epu8(_mm512_max_epu8(bytes, lower), _mm512_set1_epi8(static_cast<char>(add.upper)));
}

void elements(const AddElements& add, std::int64_t first, std::int64_t last) {
  const __m512i start = _mm512_set1_epi32(add.start);
  for (; first < last; first += lanes) {
    const __mmask64 mask = last - first >= lanes ? ~__mmask64{0} : (__mmask64{1} << (last - first)) - 1;
    const auto load = [&](std::size_t n) { return _mm512_maskz_loadu_epi8(mask, add.inputs[n].data + first); };
    Sums sums = {{start, start, start, start}};
    for (std::size_t n = 0; n < add.input_count; n += 2) {
      const __m512i second = n + 1 < add.input_count ? load(n + 1) : _mm512_setzero_si512();
      accumulate(sums, load(n), second, multiplier_pair(add, n));
    }
    _mm512_mask_storeu_epi8(add.output + first, mask, finish(sums, add));
  }
}

}  // namespace

const AddKernel add_avx512_vnni = {"avx512_vnni", Isa::avx512_vnni, elements};

}  // namespace itrt::kernels
