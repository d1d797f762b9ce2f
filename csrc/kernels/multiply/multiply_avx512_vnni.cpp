// AVX-512: 16 elements a step as 32-bit numbers; the last few are masked.
#include <immintrin.h>

#include "kernels/multiply/multiply.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t lanes = 16;

struct Constants {
  __m512i zero_a, zero_b, multiplier, shift, half, zero_point, lower, upper;

  explicit Constants(const MultiplyElements& of)
      : zero_a(_mm512_set1_epi32(of.zero_a)),
        zero_b(_mm512_set1_epi32(of.zero_b)),
        multiplier(_mm512_set1_epi32(of.multiplier)),
        shift(_mm512_set1_epi32(of.shift)),
        half(_mm512_set1_epi32(of.half)),
        zero_point(_mm512_set1_epi32(of.zero_point)),
        lower(_mm512_set1_epi32(of.lower)),
        upper(_mm512_set1_epi32(of.upper)) {}
};

// `b` is 32 bits wide and has lost its zero point.
inline __m128i products(const Constants& constants, __m128i a, __m512i b) {
  const __m512i factors = _mm512_mullo_epi32(_mm512_sub_epi32(_mm512_cvtepu8_epi32(a), constants.zero_a), b);
  const __m512i shifted = _mm512_srav_epi32(_mm512_mullo_epi32(factors, constants.multiplier), constants.shift);
  const __m512i rounded = _mm512_srav_epi32(_mm512_add_epi32(shifted, constants.half), constants.half);
  const __m512i value = _mm512_add_epi32(rounded, constants.zero_point);
  return _mm512_cvtepi32_epi8(_mm512_min_epi32(_mm512_max_epi32(value, constants.lower), constants.upper));
}

// `load(i)`: b, as `products` wants it; `load_tail(i, mask)`: the last ones.
template <class Load, class LoadTail>
inline void multiply(const Constants& constants, const std::uint8_t* a, std::int64_t count, std::uint8_t* output,
                     const Load& load, const LoadTail& load_tail) {
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a + i));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(output + i), products(constants, values, load(i)));
  }
  if (i == count) return;
  const auto mask = static_cast<__mmask16>((1u << (count - i)) - 1);
  const __m128i values = _mm_maskz_loadu_epi8(mask, a + i);
  _mm_mask_storeu_epi8(output + i, mask, products(constants, values, load_tail(i, mask)));
}

void elements(const MultiplyElements& given, const std::uint8_t* a, const std::uint8_t* b, std::int64_t count,
              std::uint8_t* output) {
  const Constants constants(given);
  const auto widen = [&](__m128i bytes) { return _mm512_sub_epi32(_mm512_cvtepu8_epi32(bytes), constants.zero_b); };
  multiply(
      constants, a, count, output,
      [&](std::int64_t i) { return widen(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b + i))); },
      [&](std::int64_t i, __mmask16 mask) { return widen(_mm_maskz_loadu_epi8(mask, b + i)); });
}

void by_one(const MultiplyElements& given, const std::uint8_t* a, const std::uint8_t* b, std::int64_t count,
            std::uint8_t* output) {
  const Constants constants(given);
  const __m512i factor = _mm512_set1_epi32(*b - given.zero_b);
  multiply(
      constants, a, count, output, [&](std::int64_t) { return factor; },
      [&](std::int64_t, __mmask16) { return factor; });
}

}  // namespace

const MultiplyKernel multiply_avx512_vnni = {"avx512_vnni", Isa::avx512_vnni, elements, by_one};

}  // namespace itrt::kernels
