// AVX2, depthwise: 32 channels of a pixel. Four taps are interleaved, so that a 32-bit lane has the four bytes of one
// channel; the low bytes of its two words are taps 0 and 2 and the high ones 1 and 3, widened as in
// convolution_avx2.cpp since vpmaddubsw would saturate:
//
//   [a0 b0 c0 d0 | a1 b1 c1 d1 | ...] ── and ──► (a0, c0)  x  weights of taps (0, 2)   vpmaddwd, vpaddd
//                                     ── shift ► (b0, d0)  x  weights of taps (1, 3)   vpmaddwd, vpaddd
//
// Unpacking works within 128 bits: lane l, element i of vector v is channel 16 l + 4 v + i, and packing sums to bytes
// puts them back.
#include <immintrin.h>

#include "kernels/convolution/fixed_point_256.h"
#include "kernels/convolution/grouped_kernel.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t width = 32;
constexpr int vectors = 4;
constexpr int quad = 4;  // taps

struct Requantization {
  alignas(32) float scale[width];  // in the order of the sums
  __m256 upper;                    // before the zero point is added
  __m256i zero_point;              // 16 bits
  __m256i lower, highest;          // 8 bits, stored
};

inline __m256i load(const std::uint8_t* input) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(input)); }

inline __m256i load_weight(const std::byte* weight) {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(weight));
}

// The four taps at pointers[offsets[0 .. 3] + pixel].
inline void interleave(const GroupedBlock& block, const std::int64_t* offsets, std::int64_t pixel,
                       __m256i (&taps)[vectors]) {
  const std::uint8_t* const* pointers = block.pointers + pixel;
  const __m256i a = load(pointers[offsets[0]] + block.first_channel);
  const __m256i b = load(pointers[offsets[1]] + block.first_channel);
  const __m256i c = load(pointers[offsets[2]] + block.first_channel);
  const __m256i d = load(pointers[offsets[3]] + block.first_channel);
  const __m256i ab_low = _mm256_unpacklo_epi8(a, b), ab_high = _mm256_unpackhi_epi8(a, b);
  const __m256i cd_low = _mm256_unpacklo_epi8(c, d), cd_high = _mm256_unpackhi_epi8(c, d);
  taps[0] = _mm256_unpacklo_epi16(ab_low, cd_low);
  taps[1] = _mm256_unpackhi_epi16(ab_low, cd_low);
  taps[2] = _mm256_unpacklo_epi16(ab_high, cd_high);
  taps[3] = _mm256_unpackhi_epi16(ab_high, cd_high);
}

inline __m256i multiply_add(__m256i sum, __m256i taps, const std::byte* weights) {
  const __m256i even = _mm256_and_si256(taps, _mm256_set1_epi16(0x00ff)), odd = _mm256_srli_epi16(taps, 8);
  sum = _mm256_add_epi32(sum, _mm256_madd_epi16(even, load_weight(weights)));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(odd, load_weight(weights + 32)));
}

// A vector of the `lanes` that there are in memory.
inline __m256i start(const std::int32_t* initial, int v, std::int64_t lanes) {
  const auto load_half = [&](std::int64_t lane) {
    return lane < lanes ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(initial + lane)) : _mm_setzero_si128();
  };
  return _mm256_set_m128i(load_half(16 + 4 * v), load_half(4 * v));
}

inline void store_sums(std::int32_t* out, std::int64_t lanes, const __m256i (&sum)[vectors]) {
  for (int v = 0; v < vectors; ++v) {
    if (4 * v < lanes) _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 4 * v), _mm256_castsi256_si128(sum[v]));
    if (16 + 4 * v < lanes) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 16 + 4 * v), _mm256_extracti128_si256(sum[v], 1));
    }
  }
}

// Clamping above comes before the conversion, since a product that is too large would become the most negative integer;
// too small ones become just that, and saturate on the way to u8. Fixed-point products are known not to be too large.
template <bool fixed>
inline __m256i requantize(const __m256i (&sum)[vectors], const Requantization& r) {
  const auto scaled = [&](int v) {
    const __m256 scale = _mm256_load_ps(r.scale + 8 * v);
    if constexpr (fixed) return round_fixed(sum[v], scale);
    const __m256 product = _mm256_mul_ps(_mm256_cvtepi32_ps(sum[v]), scale);
    return _mm256_cvtps_epi32(_mm256_min_ps(product, r.upper));
  };
  const __m256i low = _mm256_adds_epi16(_mm256_packs_epi32(scaled(0), scaled(1)), r.zero_point);
  const __m256i high = _mm256_adds_epi16(_mm256_packs_epi32(scaled(2), scaled(3)), r.zero_point);
  return _mm256_min_epu8(_mm256_max_epu8(_mm256_packus_epi16(low, high), r.lower), r.highest);
}

inline void store_bytes(std::uint8_t* out, std::int64_t channels, __m256i bytes) {
  if (channels == width) return _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), bytes);
  alignas(32) std::uint8_t all[width];
  _mm256_store_si256(reinterpret_cast<__m256i*>(all), bytes);
  for (std::int64_t c = 0; c < channels; ++c) out[c] = all[c];
}

// Lanes of memory have the channels' order.
Requantization requantization(const GroupedBlock& block) {
  Requantization r = {};
  for (std::int64_t c = 0; block.result != ConvolutionResult::sum && c < block.channels; ++c) {
    r.scale[c / 4 % 4 * 8 + c / 16 * 4 + c % 4] = block.scale[c];
  }
  r.upper = _mm256_set1_ps(static_cast<float>(block.clamp_upper - block.output_zero_point));
  r.zero_point = _mm256_set1_epi16(static_cast<short>(block.output_zero_point));
  r.lower = _mm256_set1_epi8(static_cast<char>(block.clamp_lower));
  r.highest = _mm256_set1_epi8(static_cast<char>(block.clamp_upper));
  return r;
}

void run(const GroupedBlock& block) {
  const Requantization r = requantization(block);
  for (std::int64_t pixel = 0; pixel < block.pixels; ++pixel) {
    __m256i sum[vectors];
    for (int v = 0; v < vectors; ++v) sum[v] = start(block.initial + pixel * block.initial_stride, v, block.width);
    const std::byte* weights = block.weights;
    for (std::int64_t tap = 0; tap < block.taps; tap += quad, weights += vectors * 64) {
      __m256i taps[vectors];
      interleave(block, block.offsets + tap, pixel, taps);
      for (int v = 0; v < vectors; ++v) sum[v] = multiply_add(sum[v], taps[v], weights + v * 64);
    }
    if (block.result == ConvolutionResult::sum) {
      store_sums(static_cast<std::int32_t*>(block.output) + pixel * block.output_stride, block.width, sum);
    } else {
      std::uint8_t* out = static_cast<std::uint8_t*>(block.output) + pixel * block.output_stride;
      const bool fixed = block.result == ConvolutionResult::fixed;
      store_bytes(out, block.channels, fixed ? requantize<true>(sum, r) : requantize<false>(sum, r));
    }
  }
}

// [four taps][vector][taps 0, 2 | taps 1, 3][channel of the vector][2], 16 bits.
void pack(const std::int8_t* values, std::int64_t taps, bool, std::byte* packed) {
  std::int16_t* out = reinterpret_cast<std::int16_t*>(packed);
  for (std::int64_t tap = 0; tap < taps; ++tap, values += width) {
    for (std::int64_t c = 0; c < width; ++c) {
      const std::int64_t vector = tap / quad * vectors + c / 4 % 4, half = tap % 2, lane = c / 16 * 4 + c % 4;
      out[((vector * 2 + half) * 8 + lane) * 2 + tap % quad / 2] = values[c];
    }
  }
}

}  // namespace

const GroupedKernel depthwise_avx2 = {
    "avx2_depthwise",
    Isa::avx2,
    width,
    1,
    quad,
    0,
    2,
    {.general = true, .largest_fixed_sum = largest_binary64_sum},
    pack,
    run,
};

}  // namespace itrt::kernels
