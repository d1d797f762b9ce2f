// Neon with the dot product instructions: a tile of output pixels times one to four vectors of four output channels.
// The signed instruction takes bytes of one signedness, so inputs are read as x - 128 and the sums start with what that
// takes away:
//
//   sum of w * x  =  sum of w * (x - 128)  +  128 * sum of w
//
// The weights' sums are computed from the packed weights in every call: one instruction a weight vector, where the
// call's panel has one a pixel.
#include <arm_neon.h>

#include <cstring>

#include "kernels/convolution/convolution_dot_weights.h"
#include "kernels/convolution/convolution_kernel.h"
#include "kernels/convolution/convolution_results_neon.h"
#include "kernels/convolution/convolution_rows.h"

namespace itrt::kernels {
namespace {

constexpr int most_vectors = 4;

template <int vectors>
void offset_correction(const ConvolutionBlock& block, int32x4_t (&correction)[vectors]) {
  std::int64_t quads = 0;
  for (std::int64_t s = 0; s < block.segment_count; ++s) quads += block.segments[s].quads;
  for (int32x4_t& sum : correction) sum = vdupq_n_s32(0);
  const std::int8_t* weights = reinterpret_cast<const std::int8_t*>(block.weights);
  for (std::int64_t q = 0; q < quads; ++q) {
    for (int v = 0; v < vectors; ++v, weights += 16) {
      correction[v] = vdotq_s32(correction[v], vld1q_s8(weights), vdupq_n_s8(1));
    }
  }
  for (int32x4_t& sum : correction) sum = vshlq_n_s32(sum, 7);
}

// x - 128 as a signed byte is x with its highest bit turned.
inline int8x16_t load_signed(const std::uint8_t* input) {
  return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(input), vdupq_n_u8(0x80)));
}
inline int8x16_t load_signed_quad(const std::uint8_t* input) {
  std::uint32_t quad;
  std::memcpy(&quad, input, sizeof(quad));
  return vreinterpretq_s8_u8(veorq_u8(vreinterpretq_u8_u32(vdupq_n_u32(quad)), vdupq_n_u8(0x80)));
}

// The quad in `lane` of every pixel's inputs. No load moves across the empty instruction: gcc would load the weights of
// four quads first, and spill sums.
template <int pixels, int vectors, int lane>
[[gnu::always_inline]] inline void multiply(int32x4_t (&sum)[pixels * vectors], const int8x16_t (&input)[pixels],
                                            const std::int8_t* weights) {
  asm volatile("" : : : "memory");
#pragma GCC unroll 4
  for (int v = 0; v < vectors; ++v) {
    const int8x16_t weight = vld1q_s8(weights + v * 16);
#pragma GCC unroll 16
    for (int p = 0; p < pixels; ++p) {
      sum[p * vectors + v] = vdotq_laneq_s32(sum[p * vectors + v], weight, input[p], lane);
    }
  }
}

template <int pixels, int vectors>
[[gnu::noinline]] void tile(const ConvolutionBlock& block, std::int64_t first, int32x4_t (&sums)[pixels * vectors]) {
  int32x4_t sum[pixels * vectors];
#pragma GCC unroll 32
  for (int i = 0; i < pixels * vectors; ++i) sum[i] = sums[i];
  const std::int8_t* weights = reinterpret_cast<const std::int8_t*>(block.weights);
  const std::uint8_t* const* pointers = block.pointers + first;
  for (std::int64_t s = 0; s < block.segment_count; ++s, pointers += block.pointer_stride) {
    const std::int64_t bytes = block.segments[s].quads * 4, offset = block.segments[s].offset;
    const std::uint8_t* run[pixels];
#pragma GCC unroll 16
    for (int p = 0; p < pixels; ++p) run[p] = pointers[p] + offset;
    int8x16_t input[pixels];
    std::int64_t at = 0;
    for (; at + 16 <= bytes; at += 16, weights += vectors * 64) {
#pragma GCC unroll 16
      for (int p = 0; p < pixels; ++p) input[p] = load_signed(run[p] + at);
      multiply<pixels, vectors, 0>(sum, input, weights);
      multiply<pixels, vectors, 1>(sum, input, weights + vectors * 16);
      multiply<pixels, vectors, 2>(sum, input, weights + vectors * 32);
      multiply<pixels, vectors, 3>(sum, input, weights + vectors * 48);
    }
    for (; at < bytes; at += 4, weights += vectors * 16) {
#pragma GCC unroll 16
      for (int p = 0; p < pixels; ++p) input[p] = load_signed_quad(run[p] + at);
      multiply<pixels, vectors, 0>(sum, input, weights);
    }
  }
#pragma GCC unroll 32
  for (int i = 0; i < pixels * vectors; ++i) sums[i] = sum[i];
}

template <int pixels, int vectors>
void panel(const ConvolutionBlock& block) {
  const Results<vectors> results(block);
  int32x4_t correction[vectors], sums[pixels * vectors];
  offset_correction(block, correction);
  for (std::int64_t first = 0; first < block.pixels; first += pixels) {
    const std::int64_t left = block.pixels - first, count = left < pixels ? left : pixels;
    start_rows<vectors * lanes>(block, first, pixels, reinterpret_cast<std::int32_t*>(sums));
    for (int i = 0; i < pixels * vectors; ++i) sums[i] = vaddq_s32(sums[i], correction[i % vectors]);
    tile<pixels, vectors>(block, first, sums);
    results.template store<pixels>(first, count, sums);
  }
}

void run(const ConvolutionBlock& block) {
  switch (block.width / lanes) {
    case 1:
      return panel<12, 1>(block);
    case 2:
      return panel<8, 2>(block);
    case 3:
      return panel<6, 3>(block);
    default:
      return panel<6, 4>(block);
  }
}

std::int64_t block_vectors(std::int64_t vectors) { return vectors < most_vectors ? vectors : most_vectors; }

}  // namespace

const ConvolutionKernel convolution_neon_dot = {
    .name = "neon_dot_6x16",
    .isa = Isa::neon_dot,
    .vector_width = lanes,
    .bytes_a_quad = dot_bytes_a_quad,
    .known = {.general = true, .largest_fixed_sum = largest_float_integer},
    .block_vectors = block_vectors,
    .channel_of_lane = channel_of_lane,
    .pack_quad = pack_dot_quad,
    .run = run,
};

}  // namespace itrt::kernels
