// AVX512-VNNI: a tile of output pixels times one to three vectors of sixteen output channels.
//
//                    weights: channels 0-15   16-31          A step (quad) loads a weight vector a column, broadcasts four
//   pixel 0   4 bytes  ──►  [ sum 0,0 ]    [ sum 0,1 ]       input bytes a row, and does one vpdpbusd a cell. Every sum
//   pixel 1   4 bytes  ──►  [ sum 1,0 ]    [ sum 1,1 ]       stays in a register from the first quad to the last.
//     ...
#include <immintrin.h>

#include "kernels/convolution/convolution_kernel.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t lanes = 16;

// As an instruction, since gcc copies and spills sums around _mm512_dpbusd_epi32: a third of the speed.
inline void dot(__m512i& sum, __m512i input, __m512i weight) {
  asm("vpdpbusd %[weight], %[input], %[sum]" : [sum] "+v"(sum) : [input] "v"(input), [weight] "v"(weight));
}

inline __m512i broadcast(const std::uint8_t* input) {
  __m512i result;
  asm("vpbroadcastd %[input], %[result]" : [result] "=v"(result) : [input] "m"(*reinterpret_cast<const int*>(input)));
  return result;
}

struct Requantization {
  alignas(64) std::int32_t bias[3 * lanes];
  alignas(64) float scale[3 * lanes];
  __m512 upper;         // before the zero point is added
  __m512i zero_point;   // 16 bits
  __m512i lower;        // 8 bits, stored
};

// Four vectors of sums -> 64 bytes in their order. Clamping above comes before the conversion, since a product that is too
// large would become the most negative integer; too small ones become just that, and saturate on the way to u8.
inline __m512i requantize(__m512i a, __m512i b, __m512i c, __m512i d, const float* const (&scale)[4],
                          const Requantization& r) {
  const auto scaled = [&](__m512i sum, const float* factor) {
    return _mm512_cvtps_epi32(_mm512_min_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum), _mm512_load_ps(factor)), r.upper));
  };
  const __m512i ab = _mm512_packs_epi32(scaled(a, scale[0]), scaled(b, scale[1]));
  const __m512i cd = _mm512_packs_epi32(scaled(c, scale[2]), scaled(d, scale[3]));
  const __m512i bytes =
      _mm512_packus_epi16(_mm512_adds_epi16(ab, r.zero_point), _mm512_adds_epi16(cd, r.zero_point));
  // Packing works within 128 bits: 4-byte groups come out as a 4 x 4 transpose.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, _mm512_max_epu8(bytes, r.lower));
}

template <int pixels, int vectors>
inline void store(const ConvolutionBlock& block, std::int64_t first, const __m512i (&sum)[pixels * vectors],
                  const Requantization& r) {
  const __mmask64 tail = ~__mmask64{0} >> (64 - block.channels);
  std::uint8_t* out = block.output + first * block.output_stride;
  const std::int64_t count = block.pixels - first < pixels ? block.pixels - first : pixels;
#pragma GCC unroll 16
  for (int i = 0; i < pixels * vectors; i += 4) {
    const float* const scale[4] = {r.scale + i % vectors * lanes, r.scale + (i + 1) % vectors * lanes,
                                   r.scale + (i + 2) % vectors * lanes, r.scale + (i + 3) % vectors * lanes};
    const __m512i bytes = requantize(sum[i], sum[i + 1], sum[i + 2], sum[i + 3], scale, r);
    if constexpr (vectors == 2) {
      const int pixel = i / 2;
      if (pixel < count) {
        _mm256_mask_storeu_epi8(out + pixel * block.output_stride, static_cast<__mmask32>(tail),
                                _mm512_castsi512_si256(bytes));
      }
      if (pixel + 1 < count) {
        _mm256_mask_storeu_epi8(out + (pixel + 1) * block.output_stride, static_cast<__mmask32>(tail),
                                _mm512_extracti32x8_epi32(bytes, 1));
      }
    } else {
      const auto store_vector = [&](int index, __m128i value) {
        const int pixel = index / vectors, vector = index % vectors;
        if (pixel >= count) return;
        _mm_mask_storeu_epi8(out + pixel * block.output_stride + vector * lanes,
                             static_cast<__mmask16>(tail >> (vector * lanes)), value);
      };
      store_vector(i, _mm512_castsi512_si128(bytes));
      store_vector(i + 1, _mm512_extracti32x4_epi32(bytes, 1));
      store_vector(i + 2, _mm512_extracti32x4_epi32(bytes, 2));
      store_vector(i + 3, _mm512_extracti32x4_epi32(bytes, 3));
    }
  }
}

template <int pixels, int vectors>
void tile(const ConvolutionBlock& block, std::int64_t first, const Requantization& r) {
  __m512i sum[pixels * vectors];
#pragma GCC unroll 32
  for (int i = 0; i < pixels * vectors; ++i) sum[i] = _mm512_load_si512(r.bias + i % vectors * lanes);
  const std::byte* weights = block.weights;
  const std::uint8_t* const* pointers = block.pointers + first;
  for (std::int64_t s = 0; s < block.segment_count; ++s, pointers += block.pointer_stride) {
    const std::int64_t offset = block.segments[s].offset;
    const std::uint8_t* input[pixels];
#pragma GCC unroll 32
    for (int p = 0; p < pixels; ++p) input[p] = pointers[p] + offset;
    const std::int64_t bytes = block.segments[s].quads * 4;
    for (std::int64_t at = 0; at < bytes; at += 4) {
      __m512i weight[vectors];
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) weight[v] = _mm512_load_si512(weights + v * 64);
      weights += vectors * 64;
#pragma GCC unroll 32
      for (int p = 0; p < pixels; ++p) {
        const __m512i value = broadcast(input[p] + at);
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) dot(sum[p * vectors + v], value, weight[v]);
      }
    }
  }
  store<pixels, vectors>(block, first, sum, r);
}

// Tiles over the panel; the rest in the smallest tile that holds it (pointers behind the panel repeat the last pixel).
template <int pixels, int vectors>
void panel(const ConvolutionBlock& block, const Requantization& r) {
  std::int64_t first = 0;
  for (; block.pixels - first > pixels - 4; first += pixels) tile<pixels, vectors>(block, first, r);
  if constexpr (pixels > 4) {
    if (first < block.pixels) {
      ConvolutionBlock rest = block;
      rest.pixels -= first;
      rest.pointers += first;
      rest.output += first * block.output_stride;
      panel<pixels - 4, vectors>(rest, r);
    }
  }
}

void run(const ConvolutionBlock& block) {
  Requantization r = {};
  for (std::int64_t c = 0; c < block.channels; ++c) {
    r.bias[c] = block.bias[c];
    r.scale[c] = block.scale[c];
  }
  r.upper = _mm512_set1_ps(static_cast<float>(block.clamp_upper - block.output_zero_point));
  r.zero_point = _mm512_set1_epi16(static_cast<short>(block.output_zero_point));
  r.lower = _mm512_set1_epi8(static_cast<char>(block.clamp_lower));
  switch (block.width / lanes) {
    case 1: return panel<12, 1>(block, r);
    case 2: return panel<12, 2>(block, r);
    default: return panel<8, 3>(block, r);
  }
}

// Two vectors a block; an odd number of vectors has one block of three, since one vector alone waits for its broadcasts.
std::int64_t block_vectors(std::int64_t vectors) { return vectors == 1 || vectors == 3 ? vectors : 2; }

void pack_quad(const std::int8_t* quad, std::int64_t width, std::byte* packed) {
  for (std::int64_t i = 0; i < width * 4; ++i) packed[i] = static_cast<std::byte>(quad[i]);
}

}  // namespace

const ConvolutionKernel convolution_avx512_vnni = {
    "avx512_vnni_12x32", Isa::avx512_vnni, lanes, 4, block_vectors, pack_quad, run,
};

}  // namespace itrt::kernels
