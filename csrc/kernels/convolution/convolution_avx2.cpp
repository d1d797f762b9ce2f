// AVX2 without VNNI. vpmaddubsw would saturate at 16 bits, so input bytes are widened: of four bytes, x & 0x00ff00ff
// are channels 0 and 2 and x >> 8 are channels 1 and 3, as 16-bit numbers; vpmaddwd multiplies a pair of them and adds.
//
//   quad of a pixel  [c0 c1 c2 c3] ── and ──► (c0, c2)  x  weights (0, 2) of eight channels   vpmaddwd, vpaddd
//                                  ── shift ► (c1, c3)  x  weights (1, 3)                     vpmaddwd, vpaddd
#include <immintrin.h>

#include "kernels/convolution/convolution_kernel.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t lanes = 8;
constexpr int most_vectors = 4;

struct Limits {
  __m256 upper;        // before the zero point is added
  __m128i zero_point;  // 16 bits
  __m128i lower;       // 8 bits, stored
};

// Eight sums -> eight bytes in the low half. Clamping above comes before the conversion, since a product that is too
// large would become the most negative integer; too small ones become just that, and saturate on the way to u8.
inline __m128i requantize(__m256i sum, const float* scale, const Limits& r) {
  const __m256i value =
      _mm256_cvtps_epi32(_mm256_min_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_load_ps(scale)), r.upper));
  const __m128i words =
      _mm_adds_epi16(_mm_packs_epi32(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1)), r.zero_point);
  return _mm_max_epu8(_mm_packus_epi16(words, words), r.lower);
}

// As instructions: gcc reorders the additions of a tile, and then spills its sums.
inline void multiply_add(__m256i& sum, __m256i pair, const std::byte* weight) {
  __m256i product;
  asm("vpmaddwd %[weight], %[pair], %[product]\n\tvpaddd %[product], %[sum], %[sum]"
      : [sum] "+x"(sum), [product] "=&x"(product)
      : [pair] "x"(pair), [weight] "m"(*reinterpret_cast<const __m256i*>(weight)));
}

// The first `count` pixels of a tile, sums from `i` on. (A recursion, not a loop: gcc keeps an array in registers only
// where it sees every index early.)
template <int pixels, int vectors, int i = 0>
[[gnu::always_inline]] inline void store(const ConvolutionBlock& block, std::uint8_t* out, std::int64_t count,
                                         const __m256i (&sum)[pixels * vectors], const Limits& r) {
  constexpr int pixel = i / vectors, channel = i % vectors * static_cast<int>(lanes);
  if (pixel >= count) return;
  const __m128i bytes = requantize(sum[i], block.scale + channel, r);
  std::uint8_t* target = out + pixel * block.output_stride + channel;
  const std::int64_t left = block.channels - channel;
  if (left >= lanes) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(target), bytes);
  } else {
    alignas(16) std::uint8_t tail[16];
    _mm_store_si128(reinterpret_cast<__m128i*>(tail), bytes);
    for (std::int64_t c = 0; c < left; ++c) target[c] = tail[c];
  }
  if constexpr (i + 1 < pixels * vectors) store<pixels, vectors, i + 1>(block, out, count, sum, r);
}

// Not inlined: a tile needs every register.
template <int pixels, int vectors>
[[gnu::noinline]] void tile(const ConvolutionBlock& block, std::int64_t first, const Limits& r) {
  __m256i sum[pixels * vectors];
#pragma GCC unroll 16
  for (int i = 0; i < pixels * vectors; ++i) {
    sum[i] = _mm256_load_si256(reinterpret_cast<const __m256i*>(block.start + i % vectors * lanes));
  }
  if (block.initial != nullptr) {
#pragma GCC unroll 16
    for (int i = 0; i < pixels * vectors; ++i) {
      if (first + i / vectors >= block.pixels) continue;
      const std::int32_t* initial = block.initial + (first + i / vectors) * block.initial_stride + i % vectors * lanes;
      sum[i] = _mm256_add_epi32(sum[i], _mm256_loadu_si256(reinterpret_cast<const __m256i*>(initial)));
    }
  }
  const std::byte* weights = block.weights;
  const std::uint8_t* const* pointers = block.pointers + first;
  for (std::int64_t s = 0; s < block.segment_count; ++s, pointers += block.pointer_stride) {
    const std::int64_t bytes = block.segments[s].quads * 4, end = block.segments[s].offset + bytes;
    const std::uint8_t* input[pixels];
#pragma GCC unroll 16
    for (int p = 0; p < pixels; ++p) input[p] = pointers[p] + end;
    for (std::int64_t at = -bytes; at != 0; at += 4, weights += vectors * 64) {
#pragma GCC unroll 16
      for (int p = 0; p < pixels; ++p) {
        const __m256i quad = _mm256_broadcastd_epi32(_mm_loadu_si32(input[p] + at));
        const __m256i even = _mm256_and_si256(quad, _mm256_set1_epi16(0x00ff)), odd = _mm256_srli_epi16(quad, 8);
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) multiply_add(sum[p * vectors + v], even, weights + v * 32);
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) multiply_add(sum[p * vectors + v], odd, weights + (vectors + v) * 32);
      }
    }
  }
  if (block.result == ConvolutionResult::sum) {
    std::int32_t* output = static_cast<std::int32_t*>(block.output) + first * block.output_stride;
#pragma GCC unroll 16
    for (int i = 0; i < pixels * vectors; ++i) {
      if (first + i / vectors >= block.pixels) continue;
      std::int32_t* target = output + i / vectors * block.output_stride + i % vectors * lanes;
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(target), sum[i]);
    }
    return;
  }
  std::uint8_t* output = static_cast<std::uint8_t*>(block.output) + first * block.output_stride;
  store<pixels, vectors>(block, output, block.pixels - first, sum, r);
}

template <int pixels, int vectors>
void panel(const ConvolutionBlock& block, const Limits& r) {
  for (std::int64_t first = 0; first < block.pixels; first += pixels) tile<pixels, vectors>(block, first, r);
}

void run(const ConvolutionBlock& block) {
  Limits r;
  r.upper = _mm256_set1_ps(static_cast<float>(block.clamp_upper - block.output_zero_point));
  r.zero_point = _mm_set1_epi16(static_cast<short>(block.output_zero_point));
  r.lower = _mm_set1_epi8(static_cast<char>(block.clamp_lower));
  switch (block.width / lanes) {
    case 1:
      return panel<6, 1>(block, r);
    case 2:
      return panel<6, 2>(block, r);
    case 3:
      return panel<3, 3>(block, r);
    default:
      return panel<3, 4>(block, r);
  }
}

std::int64_t channel_of_lane(std::int64_t, std::int64_t lane) { return lane; }

std::int64_t block_vectors(std::int64_t vectors) { return vectors < most_vectors ? vectors : most_vectors; }

// [channels 0, 2 | channels 1, 3][channel][2], 16 bits.
void pack_quad(const std::int8_t* quad, std::int64_t width, std::byte* packed) {
  std::int16_t* out = reinterpret_cast<std::int16_t*>(packed);
  for (std::int64_t half = 0; half < 2; ++half) {
    for (std::int64_t c = 0; c < width; ++c) {
      *out++ = quad[c * 4 + half];
      *out++ = quad[c * 4 + half + 2];
    }
  }
}

}  // namespace

const ConvolutionKernel convolution_avx2 = {
    .name = "avx2_3x32",
    .isa = Isa::avx2,
    .vector_width = lanes,
    .bytes_a_quad = 4 * sizeof(std::int16_t),
    .reads_float_sums = false,
    .block_vectors = block_vectors,
    .channel_of_lane = channel_of_lane,
    .pack_quad = pack_quad,
    .run = run,
};

}  // namespace itrt::kernels
