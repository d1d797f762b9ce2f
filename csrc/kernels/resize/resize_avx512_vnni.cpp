// AVX-512: the blend is two 16-bit multiplications; the interpolation multiplies (left, right) pairs with vpdpwssd,
// whose sum starts at 8192, the rounding.
#include <immintrin.h>

#include "kernels/resize/resize.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t lanes = 32;

inline __mmask32 first_lanes(std::int64_t count) {
  return count >= lanes ? ~__mmask32{0} : static_cast<__mmask32>((1u << count) - 1);
}

void blend(const std::uint8_t* row0, const std::uint8_t* row1, const ResizeTap& tap, std::int64_t count,
           std::int16_t* blended) {
  const __m512i weight0 = _mm512_set1_epi16(tap.weight0), weight1 = _mm512_set1_epi16(tap.weight1);
  for (std::int64_t i = 0; i < count; i += lanes) {
    const __mmask32 mask = first_lanes(count - i);
    const __m512i value0 = _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(mask, row0 + i));
    const __m512i value1 = _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(mask, row1 + i));
    const __m512i sum = _mm512_add_epi16(_mm512_mullo_epi16(value0, weight0), _mm512_mullo_epi16(value1, weight1));
    _mm512_storeu_si512(blended + i, sum);
  }
}

// 32 results, as words.
inline __m512i interpolate_words(const std::int16_t* left, const std::int16_t* right, __m512i weights) {
  const __m512i half = _mm512_set1_epi32(8192);
  const __m512i value0 = _mm512_loadu_si512(left), value1 = _mm512_loadu_si512(right);
  const __m512i low = _mm512_dpwssd_epi32(half, _mm512_unpacklo_epi16(value0, value1), weights);
  const __m512i high = _mm512_dpwssd_epi32(half, _mm512_unpackhi_epi16(value0, value1), weights);
  // Unpacking and packing work within 128 bits: together they keep the order.
  return _mm512_packus_epi32(_mm512_srli_epi32(low, 14), _mm512_srli_epi32(high, 14));
}

void interpolate(const std::int16_t* blended, const ResizeTap* taps, std::int64_t width, std::int64_t channels,
                 std::uint8_t* output) {
  const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);  // packing leaves 8-byte groups interleaved
  for (std::int64_t x = 0; x < width; ++x, output += channels) {
    const std::int16_t* left = blended + taps[x].index0 * channels;
    const std::int16_t* right = blended + taps[x].index1 * channels;
    const __m512i weights = _mm512_set1_epi32(taps[x].weight0 | taps[x].weight1 * 65536);
    std::int64_t c = 0;
    for (; c + 2 * lanes <= channels; c += 2 * lanes) {
      const __m512i bytes = _mm512_packus_epi16(interpolate_words(left + c, right + c, weights),
                                                interpolate_words(left + c + lanes, right + c + lanes, weights));
      _mm512_storeu_si512(output + c, _mm512_permutexvar_epi64(order, bytes));
    }
    for (; c < channels; c += lanes) {
      const __m512i words = interpolate_words(left + c, right + c, weights);
      _mm512_mask_cvtepi16_storeu_epi8(output + c, first_lanes(channels - c), words);
    }
  }
}

}  // namespace

const ResizeKernel resize_avx512_vnni = {"avx512_vnni", Isa::avx512_vnni, blend, interpolate};

}  // namespace itrt::kernels
