// AVX2: eight elements a step as 32-bit numbers, 16 at a time; the last few pass through a buffer.
#include <immintrin.h>

#include "kernels/multiply/multiply.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t lanes = 16;

struct Constants {
  __m256i zero_a, zero_b, multiplier, shift, half, zero_point;
  __m128i lower, upper;

  explicit Constants(const MultiplyElements& of)
      : zero_a(_mm256_set1_epi32(of.zero_a)),
        zero_b(_mm256_set1_epi32(of.zero_b)),
        multiplier(_mm256_set1_epi32(of.multiplier)),
        shift(_mm256_set1_epi32(of.shift)),
        half(_mm256_set1_epi32(of.half)),
        zero_point(_mm256_set1_epi32(of.zero_point)),
        lower(_mm_set1_epi8(static_cast<char>(of.lower))),
        upper(_mm_set1_epi8(static_cast<char>(of.upper))) {}
};

// Eight results, not yet clamped.
inline __m256i product(const Constants& constants, __m128i a, __m128i b) {
  const __m256i factors = _mm256_mullo_epi32(_mm256_sub_epi32(_mm256_cvtepu8_epi32(a), constants.zero_a),
                                             _mm256_sub_epi32(_mm256_cvtepu8_epi32(b), constants.zero_b));
  const __m256i shifted = _mm256_srav_epi32(_mm256_mullo_epi32(factors, constants.multiplier), constants.shift);
  const __m256i rounded = _mm256_srav_epi32(_mm256_add_epi32(shifted, constants.half), constants.half);
  return _mm256_add_epi32(rounded, constants.zero_point);
}

inline __m128i products(const Constants& constants, __m128i a, __m128i b) {
  const __m256i low = product(constants, a, b);
  const __m256i high = product(constants, _mm_srli_si128(a, 8), _mm_srli_si128(b, 8));
  // Packing interleaves halves of 128 bits.
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0b11'01'10'00);
  const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  return _mm_min_epu8(_mm_max_epu8(bytes, constants.lower), constants.upper);
}

inline __m128i load(const std::uint8_t* data) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(data)); }

inline __m128i load_tail(const std::uint8_t* data, std::int64_t count) {
  alignas(16) std::uint8_t tail[lanes] = {};
  for (std::int64_t i = 0; i < count; ++i) tail[i] = data[i];
  return _mm_load_si128(reinterpret_cast<const __m128i*>(tail));
}

inline void store_tail(std::uint8_t* data, std::int64_t count, __m128i bytes) {
  alignas(16) std::uint8_t tail[lanes];
  _mm_store_si128(reinterpret_cast<__m128i*>(tail), bytes);
  for (std::int64_t i = 0; i < count; ++i) data[i] = tail[i];
}

void elements(const MultiplyElements& given, const std::uint8_t* a, const std::uint8_t* b, std::int64_t count,
              std::uint8_t* output) {
  const Constants constants(given);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(output + i), products(constants, load(a + i), load(b + i)));
  }
  const std::int64_t left = count - i;
  if (left > 0) {
    store_tail(output + i, left, products(constants, load_tail(a + i, left), load_tail(b + i, left)));
  }
}

void by_one(const MultiplyElements& given, const std::uint8_t* a, const std::uint8_t* b, std::int64_t count,
            std::uint8_t* output) {
  const Constants constants(given);
  const __m128i factor = _mm_set1_epi8(static_cast<char>(*b));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(output + i), products(constants, load(a + i), factor));
  }
  const std::int64_t left = count - i;
  if (left > 0) store_tail(output + i, left, products(constants, load_tail(a + i, left), factor));
}

}  // namespace

const MultiplyKernel multiply_avx2 = {"avx2", Isa::avx2, elements, by_one};

}  // namespace itrt::kernels
