// AVX-512: bytes are multiplied in pairs (left, right) by vpmaddubsw, words one by one, or in pairs by vpmaddwd where
// the sums have more than 16 bits.
#include <immintrin.h>

#include "kernels/resize/resize.h"
#include "kernels/resize/resize_gather.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t lanes = 64;  // bytes of a vector; their words are two vectors, as unpacking leaves them

inline __m512i load(const void* data) { return _mm512_loadu_si512(data); }
inline void store(void* data, __m512i value) { _mm512_storeu_si512(data, value); }

void pair(const std::uint8_t* weights0, const std::uint8_t* weights1, std::int64_t count, std::uint8_t* pairs) {
  for (std::int64_t i = 0; i < count; i += lanes) {
    const __m512i first = load(weights0 + i), second = load(weights1 + i);
    store(pairs + 2 * i, _mm512_unpacklo_epi8(first, second));
    store(pairs + 2 * i + lanes, _mm512_unpackhi_epi8(first, second));
  }
}

void across(const std::uint8_t* left, const std::uint8_t* right, const std::uint8_t* pairs, std::int16_t whole,
            std::int64_t count, std::uint16_t* words) {
  const __m512i half = _mm512_set1_epi16(static_cast<short>(whole / 2));
  const auto sums = [&](__m512i values, std::int64_t i) {
    return _mm512_add_epi16(_mm512_maddubs_epi16(values, load(pairs + i)), half);
  };
  for (std::int64_t i = 0; i < count; i += lanes) {
    const __m512i first = load(left + i), second = load(right + i);
    store(words + i, sums(_mm512_unpacklo_epi8(first, second), 2 * i));
    store(words + i + lanes / 2, sums(_mm512_unpackhi_epi8(first, second), 2 * i + lanes));
  }
}

// Packing undoes what unpacking did. `words_at(i)`: those of half a vector of bytes, from 0 to 255.
template <class Words>
inline void pack(std::int64_t count, std::uint8_t* output, const Words& words_at) {
  const auto bytes_at = [&](std::int64_t i) { return _mm512_packus_epi16(words_at(i), words_at(i + lanes / 2)); };
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) store(output + i, bytes_at(i));
  if (i < count) _mm512_mask_storeu_epi8(output + i, (__mmask64{1} << (count - i)) - 1, bytes_at(i));
}

void down(const std::uint16_t* above, const std::uint16_t* below, std::int16_t weight0, std::int16_t whole,
          std::int64_t count, std::uint8_t* output) {
  const auto weight1 = static_cast<std::int16_t>(whole - weight0);
  if (whole == sixteenths) {
    const __m512i first = _mm512_set1_epi16(weight0), second = _mm512_set1_epi16(weight1);
    pack(count, output, [&](std::int64_t i) {
      const __m512i sum =
          _mm512_add_epi16(_mm512_mullo_epi16(load(above + i), first), _mm512_mullo_epi16(load(below + i), second));
      return _mm512_srli_epi16(sum, 8);
    });
  } else {
    const __m512i weights = _mm512_set1_epi32(weight0 | weight1 * 65536);
    pack(count, output, [&](std::int64_t i) {
      const __m512i first = load(above + i), second = load(below + i);
      const __m512i low = _mm512_madd_epi16(_mm512_unpacklo_epi16(first, second), weights);
      const __m512i high = _mm512_madd_epi16(_mm512_unpackhi_epi16(first, second), weights);
      return _mm512_packus_epi32(_mm512_srli_epi32(low, 14), _mm512_srli_epi32(high, 14));
    });
  }
}

}  // namespace

const ResizeKernel resize_avx512_vnni = {"avx512_vnni", Isa::avx512_vnni, gather_pixels<lanes>, pair, across, down};

}  // namespace itrt::kernels
