// AVX2: eight elements a vector; the last few pass through a buffer.
#include <immintrin.h>

#include "kernels/add/add.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t lanes = 8;

struct Clamp {
  __m256 lower, upper;
  __m256i zero_point;
};

inline __m256 product(const std::uint8_t* data, const AddInput& input) {
  const __m256i bytes = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(data)));
  const __m256i centred = _mm256_sub_epi32(bytes, _mm256_set1_epi32(input.zero_point));
  return _mm256_mul_ps(_mm256_cvtepi32_ps(centred), _mm256_set1_ps(input.multiplier));
}

inline void finish(__m256 sum, const Clamp& clamp, std::uint8_t* out) {
  const __m256 clamped = _mm256_min_ps(_mm256_max_ps(sum, clamp.lower), clamp.upper);
  const __m256i rounded = _mm256_add_epi32(_mm256_cvtps_epi32(clamped), clamp.zero_point);
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(rounded), _mm256_extracti128_si256(rounded, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(out), _mm_packus_epi16(words, words));
}

void elements(const AddElements& add, std::int64_t first, std::int64_t last) {
  const AddInput* inputs = add.inputs;
  const std::size_t count = add.input_count;
  const Clamp clamp = {_mm256_set1_ps(add.lower), _mm256_set1_ps(add.upper), _mm256_set1_epi32(add.zero_point)};
  const std::int64_t whole = last - (last - first) % lanes;
  for (; first < whole; first += lanes) {
    __m256 sum = product(inputs[0].data + first, inputs[0]);
    for (std::size_t n = 1; n < count; ++n) sum = _mm256_add_ps(sum, product(inputs[n].data + first, inputs[n]));
    finish(sum, clamp, add.output + first);
  }
  if (first == last) return;
  const auto tail_product = [&](const AddInput& input) {
    std::uint8_t tail[lanes] = {};
    for (std::int64_t i = 0; first + i < last; ++i) tail[i] = input.data[first + i];
    return product(tail, input);
  };
  __m256 sum = tail_product(inputs[0]);
  for (std::size_t n = 1; n < count; ++n) sum = _mm256_add_ps(sum, tail_product(inputs[n]));
  std::uint8_t out[lanes];
  finish(sum, clamp, out);
  for (std::int64_t i = 0; first + i < last; ++i) add.output[first + i] = out[i];
}

}  // namespace

const AddKernel add_avx2 = {"avx2", Isa::avx2, elements};

}  // namespace itrt::kernels
