// AVX512-VNNI: a tile of output pixels times one to four vectors of sixteen output channels.
//
//                  weights: channels 0-15   16-31      A step (quad) loads a weight vector a column, broadcasts four
//   pixel 0   4 bytes  ──►  [ sum 0,0 ]  [ sum 0,1 ]   input bytes a row, and does one vpdpbusd a cell. Every sum stays
//   pixel 1   4 bytes  ──►  [ sum 1,0 ]  [ sum 1,1 ]   in a register from the first quad to the last.
//     ...
#include <immintrin.h>

#include "kernels/convolution/convolution_kernel.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t lanes = 16;
constexpr int most_vectors = 4;

// As an instruction, since gcc copies and spills sums around _mm512_dpbusd_epi32: a third of the speed.
inline void dot(__m512i& sum, __m512i input, __m512i weight) {
  asm("vpdpbusd %[weight], %[input], %[sum]" : [sum] "+v"(sum) : [input] "v"(input), [weight] "v"(weight));
}

// Four bytes at base + index + offset to every lane. Base and index stay two registers: gcc would add them up anew for
// every pixel. (Nothing in this file writes what it reads, so it needs no memory operand.)
template <int offset>
inline __m512i broadcast(const std::uint8_t* base, std::int64_t index) {
  __m512i result;
  asm("vpbroadcastd %c[offset](%[base],%[index]), %[result]"
      : [result] "=v"(result)
      : [base] "r"(base), [index] "r"(index), [offset] "i"(offset));
  return result;
}

struct Limits {
  __m512 upper;        // before the zero point is added
  __m512i zero_point;  // 16 bits
  __m512i lower;       // 8 bits, stored
};

struct Requantization {
  alignas(64) std::int32_t bias[most_vectors * lanes];
  alignas(64) float scale[most_vectors * lanes];
  Limits limits;
  __mmask64 channels;  // that exist
};

// Four vectors of sums -> 64 bytes in their order.
//
// Clamping above comes before the conversion, since a product that is too large would become the most negative integer;
// too small ones become just that, and saturate on the way to u8. Without `clamped` the caller knows that no product
// leaves 31 bits and that the stored limits are 0 and 255: saturation does it all.
template <bool clamped>
[[gnu::always_inline]] inline __m512i requantize(const __m512i (&sum)[4], const float* const (&scale)[4],
                                                 const Limits& r) {
  const auto scaled = [&](int i) {
    const __m512 product = _mm512_mul_ps(_mm512_cvtepi32_ps(sum[i]), _mm512_load_ps(scale[i]));
    return _mm512_cvtps_epi32(clamped ? _mm512_min_ps(product, r.upper) : product);
  };
  const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(scaled(0), scaled(1)), r.zero_point);
  const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(scaled(2), scaled(3)), r.zero_point);
  const __m512i bytes = _mm512_packus_epi16(low, high);
  // Packing works within 128 bits: 4-byte groups come out as a 4 x 4 transpose.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, clamped ? _mm512_max_epu8(bytes, r.lower) : bytes);
}

// Stores the first bytes of a 64-byte vector that `mask` has; all of `bytes` of them where `whole`.
template <int bytes, bool whole>
[[gnu::always_inline]] inline void store_bytes(std::uint8_t* out, __m512i value, __mmask64 mask) {
  if constexpr (!whole) {
    _mm512_mask_storeu_epi8(out, mask & (~__mmask64{0} >> (64 - bytes)), value);
  } else if constexpr (bytes == 64) {
    _mm512_storeu_si512(out, value);
  } else if constexpr (bytes == 32) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm512_castsi512_si256(value));
  } else {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_castsi512_si128(value));
  }
}

// A vector of pixel `index` / vectors, where that is one of the first `count`.
template <int vectors, bool simple>
[[gnu::always_inline]] inline void store_vector(std::uint8_t* out, std::int64_t stride, std::int64_t count, int index,
                                                __m128i value, __mmask64 channels) {
  if (index / vectors >= count) return;
  store_bytes<16, simple>(out + index / vectors * stride + index % vectors * lanes, _mm512_castsi128_si512(value),
                          channels >> (index % vectors * lanes));
}

// The first `count` pixels of a tile, sums from `i` on. `simple`: not clamped, every channel of the block exists.
// (A recursion, not a loop: gcc keeps an array in registers only where it sees every index early.)
template <int pixels, int vectors, bool simple, int i = 0>
[[gnu::always_inline]] inline void store(std::uint8_t* out, std::int64_t stride, std::int64_t count,
                                         const __m512i (&sum)[pixels * vectors], const Requantization& r,
                                         __mmask64 channels, const Limits& limits) {
  if (i / vectors >= count) return;
  const __m512i four[4] = {sum[i], sum[i + 1], sum[i + 2], sum[i + 3]};
  const float* const scale[4] = {r.scale + i % vectors * lanes, r.scale + (i + 1) % vectors * lanes,
                                 r.scale + (i + 2) % vectors * lanes, r.scale + (i + 3) % vectors * lanes};
  const __m512i bytes = requantize<!simple>(four, scale, limits);
  if constexpr (vectors == 4) {
    store_bytes<64, simple>(out + i / 4 * stride, bytes, channels);
  } else if constexpr (vectors == 2) {
    store_bytes<32, simple>(out + i / 2 * stride, bytes, channels);
    if (i / 2 + 1 == count) return;
    store_bytes<32, simple>(out + (i / 2 + 1) * stride, _mm512_castsi256_si512(_mm512_extracti32x8_epi32(bytes, 1)),
                            channels);
  } else {
    store_vector<vectors, simple>(out, stride, count, i, _mm512_castsi512_si128(bytes), channels);
    store_vector<vectors, simple>(out, stride, count, i + 1, _mm512_extracti32x4_epi32(bytes, 1), channels);
    store_vector<vectors, simple>(out, stride, count, i + 2, _mm512_extracti32x4_epi32(bytes, 2), channels);
    store_vector<vectors, simple>(out, stride, count, i + 3, _mm512_extracti32x4_epi32(bytes, 3), channels);
  }
  if constexpr (i + 4 < pixels * vectors) {
    store<pixels, vectors, simple, i + 4>(out, stride, count, sum, r, channels, limits);
  }
}

// One quad, `offset` bytes behind input + at.
template <int pixels, int vectors, int offset>
[[gnu::always_inline]] inline void multiply(__m512i (&sum)[pixels * vectors],
                                            const std::uint8_t* const (&input)[pixels], std::int64_t at,
                                            const std::byte* weights) {
  __m512i weight[vectors];
#pragma GCC unroll 4
  for (int v = 0; v < vectors; ++v) weight[v] = _mm512_load_si512(weights + v * 64);
#pragma GCC unroll 32
  for (int p = 0; p < pixels; ++p) {
    const __m512i value = broadcast<offset>(input[p], at);
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) dot(sum[p * vectors + v], value, weight[v]);
  }
}

// Not inlined: a tile needs every register. Inputs are addressed from their end, with an index that counts up to zero,
// which leaves registers for twelve pointers, the index and the weights.
template <int pixels, int vectors, bool simple>
[[gnu::noinline]] void tile(const ConvolutionBlock& block, std::int64_t first, const Requantization& r) {
  __m512i sum[pixels * vectors];
#pragma GCC unroll 32
  for (int i = 0; i < pixels * vectors; ++i) sum[i] = _mm512_load_si512(r.bias + i % vectors * lanes);
  const std::byte* weights = block.weights;
  const std::uint8_t* const* pointers = block.pointers + first;
  for (std::int64_t s = 0; s < block.segment_count; ++s, pointers += block.pointer_stride) {
    const std::int64_t bytes = block.segments[s].quads * 4, end = block.segments[s].offset + bytes;
    const std::uint8_t* input[pixels];
#pragma GCC unroll 32
    for (int p = 0; p < pixels; ++p) {
      input[p] = pointers[p] + end;
      asm("" : "+r"(input[p]));  // one sum, here
    }
    std::int64_t at = -bytes;
    for (; at & 12; at += 4, weights += vectors * 64) multiply<pixels, vectors, 0>(sum, input, at, weights);
    for (; at != 0; at += 16, weights += vectors * 256) {
      multiply<pixels, vectors, 0>(sum, input, at, weights);
      multiply<pixels, vectors, 4>(sum, input, at, weights + vectors * 64);
      multiply<pixels, vectors, 8>(sum, input, at, weights + vectors * 128);
      multiply<pixels, vectors, 12>(sum, input, at, weights + vectors * 192);
    }
  }
  const Limits limits = r.limits;  // a copy: the output might alias r
  std::uint8_t* out = block.output + first * block.output_stride;
  store<pixels, vectors, simple>(out, block.output_stride, block.pixels - first, sum, r, r.channels, limits);
}

// Tiles over the panel; the rest in the smallest tile that holds it (pointers behind the panel repeat the last pixel).
template <int pixels, int vectors, bool simple>
void panel(const ConvolutionBlock& block, const Requantization& r, std::int64_t first = 0) {
  constexpr int step = vectors == 4 ? 2 : 4;  // pixels of the next smaller tile are fewer by this
  for (; block.pixels - first > pixels - step; first += pixels) tile<pixels, vectors, simple>(block, first, r);
  if constexpr (pixels > step) {
    if (first < block.pixels) panel<pixels - step, vectors, simple>(block, r, first);
  }
}

template <bool simple>
void run_panel(const ConvolutionBlock& block, const Requantization& r) {
  switch (block.width / lanes) {
    case 1:
      return panel<12, 1, simple>(block, r);
    case 2:
      return panel<12, 2, simple>(block, r);
    case 3:
      return panel<8, 3, simple>(block, r);
    default:
      return panel<6, 4, simple>(block, r);
  }
}

void run(const ConvolutionBlock& block) {
  Requantization r = {};
  bool simple = block.channels == block.width && block.clamp_lower == 0 && block.clamp_upper == 255;
  for (std::int64_t c = 0; c < block.channels; ++c) {
    r.bias[c] = block.bias[c];
    r.scale[c] = block.scale[c];
    simple &= r.scale[c] > -1.0f && r.scale[c] < 1.0f;
  }
  r.limits.upper = _mm512_set1_ps(static_cast<float>(block.clamp_upper - block.output_zero_point));
  r.limits.zero_point = _mm512_set1_epi16(static_cast<short>(block.output_zero_point));
  r.limits.lower = _mm512_set1_epi8(static_cast<char>(block.clamp_lower));
  r.channels = ~__mmask64{0} >> (64 - block.channels);
  simple ? run_panel<true>(block, r) : run_panel<false>(block, r);
}

// Four vectors where there are four: six pixels need half the pointers and half the stores of twelve, which is worth
// more than the weights that they read twice as often. No block of one vector behind others: it waits for its
// broadcasts.
std::int64_t block_vectors(std::int64_t vectors) { return vectors == 5 ? 3 : vectors < 4 ? vectors : 4; }

void pack_quad(const std::int8_t* quad, std::int64_t width, std::byte* packed) {
  for (std::int64_t i = 0; i < width * 4; ++i) packed[i] = static_cast<std::byte>(quad[i]);
}

}  // namespace

const ConvolutionKernel convolution_avx512_vnni = {
    "avx512_vnni_6x64", Isa::avx512_vnni, lanes, 4, block_vectors, pack_quad, run,
};

}  // namespace itrt::kernels
