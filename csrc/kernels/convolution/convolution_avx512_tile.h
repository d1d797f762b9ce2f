// What the convolution's tiles for AVX512 share: where sums start, one multiplication, where sums go. Included by files
// that are compiled for AVX512 alone; internal linkage: each compiles its own copy.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/convolution/convolution_kernel.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t lanes = 16;

// A block of 64 channels holds them in the order in which `requantize` brings them back: packing works within 128 bits,
// so that lane (vector v, 128 bits l, element i) of the sums becomes byte 16 * l + 4 * v + i.
inline std::int64_t channel_of_packed_lane(std::int64_t width, std::int64_t lane) {
  return width == 64 ? lane % 16 / 4 * 16 + lane / 16 * 4 + lane % 4 : lane;
}

// As an instruction, since gcc copies and spills sums around _mm512_dpbusd_epi32: a third of the speed.
inline void dot(__m512i& sum, __m512i input, __m512i weight) {
  asm("vpdpbusd %[weight], %[input], %[sum]" : [sum] "+v"(sum) : [input] "v"(input), [weight] "v"(weight));
}

// Four bytes to every lane.
inline __m512i broadcast(const std::uint8_t* bytes) {
  __m512i result;
  asm("vpbroadcastd %[bytes], %[result]"
      : [result] "=v"(result)
      : [bytes] "m"(*reinterpret_cast<const std::uint8_t (*)[4]>(bytes)));
  return result;
}

// binary32 sums * scale + offset, rounded to integers. As instructions that read memory, since gcc would copy the
// scale for every sum, in the multiplying units.
inline __m512i round_scaled(__m512i sum, const float* scale, __m512 offset) {
  asm("vfmadd132ps %[scale], %[offset], %[sum]\n\t"
      "vcvtps2dq %[sum], %[sum]"
      : [sum] "+v"(sum)
      : [scale] "m"(*reinterpret_cast<const float (*)[lanes]>(scale)), [offset] "v"(offset));
  return sum;
}

inline __m512i round_scaled(__m512i sum, __m512 scale, __m512 offset) {
  return _mm512_cvtps_epi32(_mm512_fmadd_ps(_mm512_castsi512_ps(sum), scale, offset));
}

// Sums of at most 24 bits * scale, rounded once to integers: ConvolutionResult::fixed.
inline __m512i round_fixed(__m512i sum, __m512 scale) {
  const __m512 rounded = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), scale, _mm512_set1_ps(fixed_offset));
  return _mm512_sub_epi32(_mm512_castps_si512(rounded), _mm512_set1_epi32(float_sum));
}

// One quad of pixels `step` bytes apart.
template <int pixels, int vectors, int step>
[[gnu::always_inline]] inline void multiply_quad(__m512i (&sum)[pixels * vectors], const std::uint8_t* input,
                                                 const std::byte* weights) {
  __m512i weight[vectors];
#pragma GCC unroll 4
  for (int v = 0; v < vectors; ++v) weight[v] = _mm512_load_si512(weights + v * 64);
#pragma GCC unroll 32
  for (int p = 0; p < pixels; ++p) {
    const __m512i value = broadcast(input + p * step);
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) dot(sum[p * vectors + v], value, weight[v]);
  }
}

// Sums start at the bias.
template <int pixels, int vectors>
[[gnu::always_inline]] inline void start(__m512i (&sum)[pixels * vectors], const ConvolutionBlock& block) {
#pragma GCC unroll 32
  for (int i = 0; i < pixels * vectors; ++i) sum[i] = _mm512_load_si512(block.start + i % vectors * lanes);
}

// Limits of ConvolutionResult::general and ::fixed, and the zero point.
struct Limits {
  __m512 upper;            // before the zero point is added
  __m512i zero_point;      // 16 bits
  __m512i lower, highest;  // 8 bits, stored
  __mmask64 channels;      // that exist

  explicit Limits(const ConvolutionBlock& block)
      : upper(_mm512_set1_ps(static_cast<float>(block.clamp_upper - block.output_zero_point))),
        zero_point(_mm512_set1_epi16(static_cast<short>(block.output_zero_point))),
        lower(_mm512_set1_epi8(static_cast<char>(block.clamp_lower))),
        highest(_mm512_set1_epi8(static_cast<char>(block.clamp_upper))),
        channels(~__mmask64{0} >> (64 - block.channels)) {}
};

// Results of sums that tiles leave in memory, which is a fraction of the code: sums that may be large take so long to
// compute that it does not show, and integers alone are what few networks ask for.
constexpr bool goes_by_sums(ConvolutionResult result) {
  return result == ConvolutionResult::general || result == ConvolutionResult::fixed;
}

// Sums are requantized a piece at a time, four vectors or three: the pixels of a piece.
constexpr int piece_pixels(int vectors) { return vectors == 1 ? 4 : vectors == 2 ? 2 : 1; }

// Offsets of a tile's sums, loaded once: gcc would load them again behind every store, which may change anything.
template <int vectors, ConvolutionResult result>
struct Offsets {
  __m512 offset[vectors];

  explicit Offsets(const ConvolutionBlock& block) {
    constexpr bool saturates =
        result == ConvolutionResult::saturating || result == ConvolutionResult::saturating_at_zero;
    if constexpr (!saturates) return;
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) offset[v] = _mm512_load_ps(block.offset + v * lanes);
  }
};

// The scales of a block in memory, or, where vector registers are left, in these.
struct ScalesInMemory {
  const float* scale;

  const float* of(int vector) const { return scale + vector * lanes; }
};

template <int vectors>
struct ScalesInRegisters {
  __m512 scale[vectors];

  explicit ScalesInRegisters(const float* scales) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) scale[v] = _mm512_load_ps(scales + v * lanes);
  }
  __m512 of(int vector) const { return scale[vector]; }
};

inline __m512 loaded(const float* scale) { return _mm512_load_ps(scale); }
inline __m512 loaded(__m512 scale) { return scale; }

// Sums of a piece -> bytes in the order of pixels and channels.
//
// Clamping above comes before the conversion, since a product that is too large would become the most negative integer;
// too small ones become just that, and saturate on the way to u8. Fixed-point products are known not to be too large.
template <int vectors, ConvolutionResult result, class Scales>
[[gnu::always_inline]] inline __m512i requantize(const __m512i* sum, const Scales& scales,
                                                 const Offsets<vectors, result>& offsets, const Limits& limits) {
  constexpr bool general = result == ConvolutionResult::general, fixed = result == ConvolutionResult::fixed;
  const auto scaled = [&](int i) {
    const auto scale = scales.of(i % vectors);
    if constexpr (general) {
      const __m512 product = _mm512_mul_ps(_mm512_cvtepi32_ps(sum[i]), loaded(scale));
      return _mm512_cvtps_epi32(_mm512_min_ps(product, limits.upper));
    }
    if constexpr (fixed) return round_fixed(sum[i], loaded(scale));
    return round_scaled(sum[i], scale, offsets.offset[i % vectors]);
  };
  const auto with_zero_point = [&](__m512i words) {
    return result == ConvolutionResult::saturating_at_zero ? words : _mm512_adds_epi16(words, limits.zero_point);
  };
  const __m512i low = with_zero_point(_mm512_packs_epi32(scaled(0), scaled(1)));
  const __m512i third = scaled(2), fourth = vectors == 3 ? third : scaled(3);
  const __m512i high = with_zero_point(_mm512_packs_epi32(third, fourth));
  __m512i bytes = _mm512_packus_epi16(low, high);
  if constexpr (general || fixed) bytes = _mm512_max_epu8(bytes, limits.lower);
  if constexpr (fixed) bytes = _mm512_min_epu8(bytes, limits.highest);
  if constexpr (vectors == 4) return bytes;
  // 4-byte groups came out as a 4 x 4 transpose.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, bytes);
}

// One pixel's bytes: those of the channels that exist.
template <int vectors>
[[gnu::always_inline]] inline void store_pixel(std::uint8_t* output, __m512i bytes, __mmask64 channels) {
  if constexpr (vectors == 1) {
    _mm_mask_storeu_epi8(output, static_cast<__mmask16>(channels), _mm512_castsi512_si128(bytes));
  } else if constexpr (vectors == 2) {
    _mm256_mask_storeu_epi8(output, static_cast<__mmask32>(channels), _mm512_castsi512_si256(bytes));
  } else {
    _mm512_mask_storeu_epi8(output, channels, bytes);
  }
}

// The pixels of a piece; at once if they are contiguous.
template <int vectors, bool contiguous>
[[gnu::always_inline]] inline void store_pixels(std::uint8_t* output, std::int64_t stride, __m512i bytes,
                                                const Limits& limits) {
  if constexpr (contiguous) return _mm512_storeu_si512(output, bytes);
  store_pixel<vectors>(output, bytes, limits.channels);
  if constexpr (vectors == 2) {
    const __m512i second = _mm512_castsi256_si512(_mm512_extracti32x8_epi32(bytes, 1));
    store_pixel<vectors>(output + stride, second, limits.channels);
  } else if constexpr (vectors == 1) {
    const auto quarter = [&](__m128i value) { return _mm512_castsi128_si512(value); };
    store_pixel<1>(output + stride, quarter(_mm512_extracti32x4_epi32(bytes, 1)), limits.channels);
    store_pixel<1>(output + 2 * stride, quarter(_mm512_extracti32x4_epi32(bytes, 2)), limits.channels);
    store_pixel<1>(output + 3 * stride, quarter(_mm512_extracti32x4_epi32(bytes, 3)), limits.channels);
  }
}

// The pixels of a tile, from `first` on. (A recursion, not a loop: gcc keeps an array in registers only where it sees
// every index early.)
template <int pixels, int vectors, ConvolutionResult result, bool contiguous, int first = 0>
[[gnu::always_inline]] inline void store(const __m512i (&sum)[pixels * vectors], const float* scales,
                                         const Offsets<vectors, result>& offsets, const Limits& limits,
                                         std::uint8_t* output, std::int64_t stride) {
  const __m512i bytes = requantize<vectors, result>(sum + first * vectors, ScalesInMemory{scales}, offsets, limits);
  store_pixels<vectors, contiguous>(output, stride, bytes, limits);
  constexpr int piece = piece_pixels(vectors);
  if constexpr (first + piece < pixels) {
    store<pixels, vectors, result, contiguous, first + piece>(sum, scales, offsets, limits, output + piece * stride,
                                                              stride);
  }
}

// Sums of a tile to where those of the block's pixels from `first` on go. `contiguous` (for a power of two
// vectors): nothing lies between pixels, and all channels exist.
template <int pixels, int vectors, ConvolutionResult result, bool contiguous = false>
[[gnu::always_inline]] inline void finish(const __m512i (&sum)[pixels * vectors], const ConvolutionBlock& block,
                                          const Limits& limits, std::int64_t first) {
  const std::int64_t stride = contiguous ? vectors * lanes : block.output_stride;
  if constexpr (result == ConvolutionResult::sum) {
    std::int32_t* output = static_cast<std::int32_t*>(block.output) + first * stride;
#pragma GCC unroll 32
    for (int i = 0; i < pixels * vectors; ++i) {
      _mm512_storeu_si512(output + i / vectors * stride + i % vectors * lanes, sum[i]);
    }
  } else {
    std::uint8_t* output = static_cast<std::uint8_t*>(block.output) + first * stride;
    store<pixels, vectors, result, contiguous>(sum, block.scale, Offsets<vectors, result>(block), limits, output,
                                               stride);
  }
}

// Calls body<vectors>() for the block's width.
template <class Body>
void with_vectors(const ConvolutionBlock& block, const Body& body) {
  switch (block.width / lanes) {
    case 1:
      return body.template operator()<1>();
    case 2:
      return body.template operator()<2>();
    case 3:
      return body.template operator()<3>();
    default:
      return body.template operator()<4>();
  }
}

// Calls body<result>() for the block's result.
template <class Body>
void with_result(const ConvolutionBlock& block, const Body& body) {
  switch (block.result) {
    case ConvolutionResult::general:
      return body.template operator()<ConvolutionResult::general>();
    case ConvolutionResult::saturating:
      return body.template operator()<ConvolutionResult::saturating>();
    case ConvolutionResult::saturating_at_zero:
      return body.template operator()<ConvolutionResult::saturating_at_zero>();
    case ConvolutionResult::fixed:
      return body.template operator()<ConvolutionResult::fixed>();
    case ConvolutionResult::sum:
      return body.template operator()<ConvolutionResult::sum>();
  }
}

}  // namespace
}  // namespace itrt::kernels
