// AVX2: the blend is two 16-bit multiplications; the interpolation multiplies (left, right) pairs with vpmaddwd.
#include <immintrin.h>

#include "kernels/resize/resize.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t lanes = 16;

inline __m256i load_bytes(const std::uint8_t* data) {
  return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(data)));
}
inline __m256i load_words(const std::int16_t* data) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data));
}

void blend(const std::uint8_t* row0, const std::uint8_t* row1, const ResizeTap& tap, std::int64_t count,
           std::int16_t* blended) {
  const __m256i weight0 = _mm256_set1_epi16(tap.weight0), weight1 = _mm256_set1_epi16(tap.weight1);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const __m256i sum = _mm256_add_epi16(_mm256_mullo_epi16(load_bytes(row0 + i), weight0),
                                         _mm256_mullo_epi16(load_bytes(row1 + i), weight1));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(blended + i), sum);
  }
  for (; i < count; ++i) blended[i] = static_cast<std::int16_t>(tap.weight0 * row0[i] + tap.weight1 * row1[i]);
}

void interpolate(const std::int16_t* blended, const ResizeTap* taps, std::int64_t width, std::int64_t channels,
                 std::uint8_t* output) {
  const __m256i half = _mm256_set1_epi32(8192);
  for (std::int64_t x = 0; x < width; ++x, output += channels) {
    const std::int16_t* left = blended + taps[x].index0 * channels;
    const std::int16_t* right = blended + taps[x].index1 * channels;
    const __m256i weights = _mm256_set1_epi32(taps[x].weight0 | taps[x].weight1 * 65536);
    const auto sums = [&](__m256i pairs) {
      return _mm256_srli_epi32(_mm256_add_epi32(_mm256_madd_epi16(pairs, weights), half), 14);
    };
    for (std::int64_t c = 0; c < channels; c += lanes) {
      const __m256i value0 = load_words(left + c), value1 = load_words(right + c);
      // Unpacking and packing work within 128 bits: together they keep the order.
      const __m256i words =
          _mm256_packus_epi32(sums(_mm256_unpacklo_epi16(value0, value1)), sums(_mm256_unpackhi_epi16(value0, value1)));
      const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
      if (channels - c >= lanes) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(output + c), bytes);
      } else {
        alignas(16) std::uint8_t tail[lanes];
        _mm_store_si128(reinterpret_cast<__m128i*>(tail), bytes);
        for (std::int64_t i = 0; c + i < channels; ++i) output[c + i] = tail[i];
      }
    }
  }
}

}  // namespace

const ResizeKernel resize_avx2 = {"avx2", Isa::avx2, blend, interpolate};

}  // namespace itrt::kernels
