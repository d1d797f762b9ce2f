// Neon with the 8-bit matrix instructions. usmmla multiplies eight bytes of two pixels with eight bytes of two output
// channels:
//
//   inputs   pixel 0  [8 bytes]        weights  channel 0  [8 bytes]        sums  [ p0 c0  p0 c1 ]
//            pixel 1  [8 bytes]   x             channel 1  [8 bytes]   ──►        [ p1 c0  p1 c1 ]
//
// so sums are kept as such squares. Eight bytes are two quads, whose weights are put together after loading, once for
// all pixels of a tile.
#include <arm_neon.h>

#include <cstring>

#include "kernels/convolution/convolution_dot_weights.h"
#include "kernels/convolution/convolution_kernel.h"
#include "kernels/convolution/convolution_results_neon.h"
#include "kernels/convolution/convolution_rows.h"

namespace itrt::kernels {
namespace {

constexpr int most_vectors = 2;
constexpr int pixels = 12;

inline int32x4_t low_halves(int32x4_t a, int32x4_t b) {
  return vreinterpretq_s32_s64(vzip1q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
}
inline int32x4_t high_halves(int32x4_t a, int32x4_t b) {
  return vreinterpretq_s32_s64(vzip2q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
}

// Rows of two pixels with four channels each <-> two squares of two channels each: the exchange is its own inverse.
template <int vectors>
[[gnu::always_inline]] inline void exchange_rows_and_squares(const int32x4_t (&from)[pixels * vectors],
                                                             int32x4_t (&to)[pixels * vectors]) {
#pragma GCC unroll 16
  for (int p = 0; p < pixels; p += 2) {
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) {
      const int one = p * vectors + v, other = one + vectors;
      to[one] = low_halves(from[one], from[other]);
      to[other] = high_halves(from[one], from[other]);
    }
  }
}

// Four bytes and four zeros.
inline uint8x8_t load_quad(const std::uint8_t* input) {
  std::uint32_t quad;
  std::memcpy(&quad, input, sizeof(quad));
  return vcreate_u8(quad);
}

// The weights of two quads, four channels a vector -> eight bytes of two channels a vector.
template <int vectors>
[[gnu::always_inline]] inline void pair_up(const int32x4_t (&first)[vectors], const int32x4_t (&second)[vectors],
                                           int8x16_t (&weights)[2 * vectors]) {
#pragma GCC unroll 2
  for (int v = 0; v < vectors; ++v) {
    weights[v] = vreinterpretq_s8_s32(vzip1q_s32(first[v], second[v]));
    weights[vectors + v] = vreinterpretq_s8_s32(vzip2q_s32(first[v], second[v]));
  }
}

// No load moves across the empty instruction: gcc would load all inputs first, and spill sums.
template <int vectors>
[[gnu::always_inline]] inline void multiply(int32x4_t* squares, uint8x16_t input,
                                            const int8x16_t (&weights)[2 * vectors]) {
  asm volatile("" : : : "memory");
#pragma GCC unroll 4
  for (int i = 0; i < 2 * vectors; ++i) squares[i] = vusmmlaq_s32(squares[i], input, weights[i]);
}

template <int vectors>
[[gnu::noinline]] void tile(const ConvolutionBlock& block, std::int64_t first, int32x4_t (&sums)[pixels * vectors]) {
  int32x4_t sum[pixels * vectors];
  exchange_rows_and_squares<vectors>(sums, sum);
  const std::int32_t* weights = reinterpret_cast<const std::int32_t*>(block.weights);
  const std::uint8_t* const* pointers = block.pointers + first;
  for (std::int64_t s = 0; s < block.segment_count; ++s, pointers += block.pointer_stride) {
    const std::int64_t bytes = block.segments[s].quads * 4, offset = block.segments[s].offset;
    const std::uint8_t* run[pixels];
#pragma GCC unroll 16
    for (int p = 0; p < pixels; ++p) run[p] = pointers[p] + offset;
    int32x4_t first_quad[vectors], second_quad[vectors];
    int8x16_t weight[2 * vectors];
    std::int64_t at = 0;
    for (; at + 8 <= bytes; at += 8, weights += 2 * vectors * lanes) {
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) {
        first_quad[v] = vld1q_s32(weights + v * lanes);
        second_quad[v] = vld1q_s32(weights + (vectors + v) * lanes);
      }
      pair_up<vectors>(first_quad, second_quad, weight);
#pragma GCC unroll 16
      for (int p = 0; p < pixels; p += 2) {
        const uint8x16_t input = vcombine_u8(vld1_u8(run[p] + at), vld1_u8(run[p + 1] + at));
        multiply<vectors>(sum + p * vectors, input, weight);
      }
    }
    if (at == bytes) continue;
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) {
      first_quad[v] = vld1q_s32(weights + v * lanes);
      second_quad[v] = vdupq_n_s32(0);
    }
    pair_up<vectors>(first_quad, second_quad, weight);
#pragma GCC unroll 16
    for (int p = 0; p < pixels; p += 2) {
      const uint8x16_t input = vcombine_u8(load_quad(run[p] + at), load_quad(run[p + 1] + at));
      multiply<vectors>(sum + p * vectors, input, weight);
    }
    weights += vectors * lanes;
  }
  exchange_rows_and_squares<vectors>(sum, sums);
}

template <int vectors>
void panel(const ConvolutionBlock& block) {
  const Results<vectors> results(block);
  int32x4_t sums[pixels * vectors];
  for (std::int64_t first = 0; first < block.pixels; first += pixels) {
    const std::int64_t left = block.pixels - first, count = left < pixels ? left : pixels;
    start_rows<vectors * lanes>(block, first, pixels, reinterpret_cast<std::int32_t*>(sums));
    tile<vectors>(block, first, sums);
    results.template store<pixels>(first, count, sums);
  }
}

void run(const ConvolutionBlock& block) { block.width == lanes ? panel<1>(block) : panel<2>(block); }

std::int64_t block_vectors(std::int64_t vectors) { return vectors < most_vectors ? vectors : most_vectors; }

}  // namespace

const ConvolutionKernel convolution_neon_i8mm = {
    .name = "neon_i8mm_12x8",
    .isa = Isa::neon_i8mm,
    .vector_width = lanes,
    .bytes_a_quad = dot_bytes_a_quad,
    .known = {.general = true, .largest_fixed_sum = largest_float_integer},
    .block_vectors = block_vectors,
    .channel_of_lane = channel_of_lane,
    .pack_quad = pack_dot_quad,
    .run = run,
};

}  // namespace itrt::kernels
