// What the kernels of grouped terms for AVX512 share: where sums start and where they go. Internal linkage: each file
// compiles its own copy.
//
// A block has four vectors of sums. With 64 lanes they are in the transposed order, in which element i of 128 bits l of
// vector v is channel 16 l + 4 v + i: packing them to bytes puts the channels back in their order (see
// channel_of_packed_lane in convolution_avx512_tile.h). Those of GroupedBlock::in_order are handed on in that order.
#pragma once

#include <immintrin.h>

#include "kernels/convolution/grouped_kernel.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t width = 64;
constexpr int vectors = 4;
constexpr KnownResults known = {.general = true, .saturating = true, .largest_fixed_sum = largest_float_integer};

// ConvolutionResult, with the order of sums that are handed on.
enum class Result { sum, sum_transposed, general, saturating, saturating_at_zero, fixed };

// Calls body<Result>().
template <class Body>
void with_result(const GroupedBlock& block, const Body& body) {
  switch (block.result) {
    case ConvolutionResult::general:
      return body.template operator()<Result::general>();
    case ConvolutionResult::saturating:
      return body.template operator()<Result::saturating>();
    case ConvolutionResult::saturating_at_zero:
      return body.template operator()<Result::saturating_at_zero>();
    case ConvolutionResult::fixed:
      return body.template operator()<Result::fixed>();
    case ConvolutionResult::sum:
      return block.in_order ? body.template operator()<Result::sum>()
                            : body.template operator()<Result::sum_transposed>();
  }
}

// Limits of Result::general and ::fixed, and the zero point.
struct Limits {
  __m512 upper;            // before the zero point is added
  __m512i zero_point;      // 16 bits
  __m512i lower, highest;  // 8 bits, stored
  __mmask64 channels;      // that exist

  explicit Limits(const GroupedBlock& block)
      : upper(_mm512_set1_ps(static_cast<float>(block.clamp_upper - block.output_zero_point))),
        zero_point(_mm512_set1_epi16(static_cast<short>(block.output_zero_point))),
        lower(_mm512_set1_epi8(static_cast<char>(block.clamp_lower))),
        highest(_mm512_set1_epi8(static_cast<char>(block.clamp_upper))),
        channels(~__mmask64{0} >> (width - block.channels)) {}
};

// From the transposed order to the channels': 128-bit lanes are a 4 x 4 transpose.
[[gnu::always_inline]] inline void transpose_lanes(__m512i (&v)[vectors]) {
  const __m512i low01 = _mm512_shuffle_i32x4(v[0], v[1], 0x44), high01 = _mm512_shuffle_i32x4(v[0], v[1], 0xee);
  const __m512i low23 = _mm512_shuffle_i32x4(v[2], v[3], 0x44), high23 = _mm512_shuffle_i32x4(v[2], v[3], 0xee);
  v[0] = _mm512_shuffle_i32x4(low01, low23, 0x88);
  v[1] = _mm512_shuffle_i32x4(low01, low23, 0xdd);
  v[2] = _mm512_shuffle_i32x4(high01, high23, 0x88);
  v[3] = _mm512_shuffle_i32x4(high01, high23, 0xdd);
}

// What the sums of a pixel start from. (The memory of sums goes on for four vectors behind the last pixel's.)
[[gnu::always_inline]] inline void start(__m512i (&sum)[vectors], const GroupedBlock& block, std::int64_t pixel) {
  const std::int32_t* initial = block.initial + pixel * block.initial_stride;
  asm("" : "+r"(initial));  // one address, here
#pragma GCC unroll 4
  for (int v = 0; v < vectors; ++v) sum[v] = _mm512_loadu_si512(initial + v * 16);
}

// Transposed sums -> 64 bytes in the channels' order. Clamping above comes before the conversion, since a product that
// is too large would become the most negative integer; too small ones become just that, and saturate on the way to u8.
// Fixed-point products are known not to be too large (see `fixed_offset`).
template <Result result>
[[gnu::always_inline]] inline __m512i requantize(const __m512i (&sum)[vectors], const GroupedBlock& block,
                                                 const Limits& limits) {
  const auto scaled = [&](int v) {
    const __m512 scale = _mm512_load_ps(block.scale + v * 16);
    if constexpr (result == Result::general) {
      return _mm512_cvtps_epi32(_mm512_min_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum[v]), scale), limits.upper));
    }
    if constexpr (result == Result::fixed) {
      const __m512 rounded = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[v]), scale, _mm512_set1_ps(fixed_offset));
      return _mm512_sub_epi32(_mm512_castps_si512(rounded), _mm512_set1_epi32(float_sum));
    }
    const __m512 offset = _mm512_load_ps(block.offset + v * 16);
    return _mm512_cvtps_epi32(_mm512_fmadd_ps(_mm512_castsi512_ps(sum[v]), scale, offset));
  };
  const auto with_zero_point = [&](__m512i words) {
    return result == Result::saturating_at_zero ? words : _mm512_adds_epi16(words, limits.zero_point);
  };
  const __m512i low = with_zero_point(_mm512_packs_epi32(scaled(0), scaled(1)));
  const __m512i high = with_zero_point(_mm512_packs_epi32(scaled(2), scaled(3)));
  __m512i bytes = _mm512_packus_epi16(low, high);
  if constexpr (result == Result::general || result == Result::fixed) bytes = _mm512_max_epu8(bytes, limits.lower);
  if constexpr (result == Result::fixed) bytes = _mm512_min_epu8(bytes, limits.highest);
  return bytes;
}

// Sums of a pixel, in the order of `result`, to where they go.
template <Result result>
[[gnu::always_inline]] inline void finish(const GroupedBlock& block, const Limits& limits, std::int64_t pixel,
                                          const __m512i (&sum)[vectors]) {
  if constexpr (result == Result::sum || result == Result::sum_transposed) {
    std::int32_t* out = static_cast<std::int32_t*>(block.output) + pixel * block.output_stride;
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      if (result == Result::sum_transposed || v * 16 < block.width) _mm512_storeu_si512(out + v * 16, sum[v]);
    }
  } else {
    std::uint8_t* out = static_cast<std::uint8_t*>(block.output) + pixel * block.output_stride;
    const __m512i bytes = requantize<result>(sum, block, limits);
    if constexpr (result == Result::general || result == Result::fixed) {
      _mm512_mask_storeu_epi8(out, limits.channels, bytes);
    } else {  // every channel exists
      _mm512_storeu_si512(out, bytes);
    }
  }
}

}  // namespace
}  // namespace itrt::kernels
