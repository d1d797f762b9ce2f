// AVX2 without VNNI. vpmaddubsw would saturate at 16 bits, so input bytes are widened first, those of some pixels and
// some bytes of their runs at a time; then vpmaddwd multiplies a pair of them with a pair of weights and adds.
//
//                  a chunk: up to 128 bytes, segment after segment
//   pixel 0        [c0 c1][c2 c3] ...     u16      A tile is three of the pixels times 32 channels: a pair of bytes is
//   pixel 1        [c0 c1][c2 c3] ...              broadcast, and each weight vector is read three times, from the
//     ...                                          nearest cache, where the chunk's weights stay for all pixels.
//   pixel 23       [c0 c1][c2 c3] ...              Between chunks the sums are in memory.
#include <immintrin.h>

#include "kernels/convolution/convolution_kernel.h"
#include "kernels/convolution/convolution_results_256.h"
#include "kernels/convolution/convolution_rows.h"

namespace itrt::kernels {
namespace {

constexpr int most_vectors = 4;
constexpr std::int64_t group_pixels = pixel_granule / 2;  // that share a chunk
constexpr std::int64_t chunk_bytes = 128;
constexpr std::int64_t widen_step = 16;
constexpr std::int64_t chunk_pitch = chunk_bytes + widen_step;  // widening may write past the end

// Where the next chunk starts.
struct Position {
  std::int64_t segment = 0, byte = 0;
};

// Widens the next bytes of `count` pixels, [pixel][chunk_pitch]; returns how many a pixel.
std::int64_t widen_chunk(const ConvolutionBlock& block, std::int64_t first, std::int64_t count, Position& position,
                         std::int16_t* chunk) {
  std::int64_t filled = 0;
  while (position.segment < block.segment_count && filled < chunk_bytes) {
    const ConvolutionSegment& segment = block.segments[position.segment];
    const std::uint8_t* const* pointers = block.pointers + position.segment * block.pointer_stride + first;
    const std::int64_t offset = segment.offset + position.byte, left = segment.quads * 4 - position.byte;
    const std::int64_t bytes = left < chunk_bytes - filled ? left : chunk_bytes - filled;
    for (std::int64_t p = 0; p < count; ++p) {
      const std::uint8_t* input = pointers[p] + offset;
      std::int16_t* out = chunk + p * chunk_pitch + filled;
      for (std::int64_t i = 0; i < bytes; i += widen_step) {
        const __m128i narrow = _mm_loadu_si128(reinterpret_cast<const __m128i*>(input + i));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), _mm256_cvtepu8_epi16(narrow));
      }
    }
    filled += bytes;
    position.byte += bytes;
    if (bytes == left) position = {position.segment + 1, 0};
  }
  return filled;
}

// sum[v] += pair * weights[v]. As instructions, and two additions behind two multiplications: gcc reorders the
// additions of a tile, and then spills its sums; and this order is what the CPU's ports share best.
template <int vectors>
[[gnu::always_inline]] inline void multiply_add(__m256i* sum, __m256i pair, const __m256i* weights) {
  __m256i product, other;
  if constexpr (vectors == 1) {
    asm("vpmaddwd %[weights], %[pair], %[product]\n\tvpaddd %[product], %[sum], %[sum]"
        : [sum] "+x"(sum[0]), [product] "=&x"(product)
        : [pair] "x"(pair), [weights] "x"(weights[0]));
  } else {
    asm("vpmaddwd %[weights], %[pair], %[product]\n\tvpmaddwd %[other_weights], %[pair], %[other]\n\t"
        "vpaddd %[product], %[sum], %[sum]\n\tvpaddd %[other], %[other_sum], %[other_sum]"
        : [sum] "+x"(sum[0]), [other_sum] "+x"(sum[1]), [product] "=&x"(product), [other] "=&x"(other)
        : [pair] "x"(pair), [weights] "m"(weights[0]), [other_weights] "m"(weights[1]));
    if constexpr (vectors > 2) multiply_add<vectors - 2>(sum + 2, pair, weights + 2);
  }
}

template <int pixels, int vectors, int pairs>
[[gnu::always_inline]] inline void multiply_pairs(__m256i (&sum)[pixels * vectors], const std::int16_t* chunk,
                                                  const __m256i* weights) {
#pragma GCC unroll 4
  for (int i = 0; i < pairs; ++i) {
#pragma GCC unroll 16
    for (int p = 0; p < pixels; ++p) {
      const __m256i pair = _mm256_broadcastd_epi32(_mm_loadu_si32(chunk + p * chunk_pitch + i * 2));
      multiply_add<vectors>(sum + p * vectors, pair, weights + i * vectors);
    }
  }
}

// Not inlined: a tile needs every register.
template <int pixels, int vectors>
[[gnu::noinline]] void tile(__m256i* sums, const std::int16_t* chunk, std::int64_t quads, const __m256i* weights) {
  __m256i sum[pixels * vectors];
#pragma GCC unroll 16
  for (int i = 0; i < pixels * vectors; ++i) sum[i] = sums[i];
  if (quads % 2) {
    multiply_pairs<pixels, vectors, 2>(sum, chunk, weights);
    chunk += 4, weights += 2 * vectors;
  }
  for (std::int64_t twice = quads / 2; twice > 0; --twice, chunk += 8, weights += 4 * vectors) {
    multiply_pairs<pixels, vectors, 4>(sum, chunk, weights);
  }
#pragma GCC unroll 16
  for (int i = 0; i < pixels * vectors; ++i) sums[i] = sum[i];
}

template <int pixels, int vectors>
void panel(const ConvolutionBlock& block) {
  const Results<vectors> results(block);
  alignas(32) std::int16_t chunk[group_pixels * chunk_pitch];
  __m256i sums[group_pixels * vectors];
  for (std::int64_t first = 0; first < block.pixels; first += group_pixels) {
    const std::int64_t left = block.pixels - first, count = left < group_pixels ? left : group_pixels;
    const std::int64_t computed = (count + pixels - 1) / pixels * pixels;
    start_rows<vectors * lanes>(block, first, computed, reinterpret_cast<std::int32_t*>(sums));
    const __m256i* weights = reinterpret_cast<const __m256i*>(block.weights);
    for (Position position; position.segment < block.segment_count;) {
      const std::int64_t quads = widen_chunk(block, first, computed, position, chunk) / 4;
      for (std::int64_t p = 0; p < computed; p += pixels) {
        tile<pixels, vectors>(sums + p * vectors, chunk + p * chunk_pitch, quads, weights);
      }
      weights += quads * 2 * vectors;
    }
    results.template store<group_pixels>(first, count, sums);
  }
}

void run(const ConvolutionBlock& block) {
  switch (block.width / lanes) {
    case 1:
      return panel<12, 1>(block);
    case 2:
      return panel<6, 2>(block);
    case 3:
      return panel<4, 3>(block);
    default:
      return panel<3, 4>(block);
  }
}

// No block of one vector behind others: it waits for its broadcasts.
std::int64_t block_vectors(std::int64_t vectors) {
  return vectors == most_vectors + 1 ? most_vectors - 1 : vectors < most_vectors ? vectors : most_vectors;
}

// [bytes 0, 1 | bytes 2, 3][channel][2], 16 bits.
void pack_quad(const std::int8_t* quad, std::int64_t width, std::byte* packed) {
  std::int16_t* out = reinterpret_cast<std::int16_t*>(packed);
  for (std::int64_t pair = 0; pair < 2; ++pair) {
    for (std::int64_t c = 0; c < width; ++c) {
      *out++ = quad[c * 4 + pair * 2];
      *out++ = quad[c * 4 + pair * 2 + 1];
    }
  }
}

}  // namespace

const ConvolutionKernel convolution_avx2 = {
    .name = "avx2_3x32",
    .isa = Isa::avx2,
    .vector_width = lanes,
    .bytes_a_quad = 4 * sizeof(std::int16_t),
    .known = {.general = true, .largest_fixed_sum = largest_binary64_sum},
    .block_vectors = block_vectors,
    .channel_of_lane = channel_of_lane,
    .pack_quad = pack_quad,
    .run = run,
};

}  // namespace itrt::kernels
