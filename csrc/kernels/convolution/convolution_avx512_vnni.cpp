// AVX512-VNNI: a tile of output pixels times one to four vectors of sixteen output channels.
//
//                  weights: channels 0-15   16-31      A step (quad) loads a weight vector a column, broadcasts four
//   pixel 0   4 bytes  ──►  [ sum 0,0 ]  [ sum 0,1 ]   input bytes a row, and does one vpdpbusd a cell. Every sum stays
//   pixel 1   4 bytes  ──►  [ sum 1,0 ]  [ sum 1,1 ]   in a register from the first quad to the last.
//     ...
#include <immintrin.h>

#include <cstring>

#include "kernels/convolution/convolution_avx512_tile.h"
#include "kernels/convolution/convolution_kernel.h"

namespace itrt::kernels {
namespace {

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

// Where sums start: at the bias, or at the sums of other terms plus the bias.
template <int pixels, int vectors>
[[gnu::always_inline]] inline void start(__m512i (&sum)[pixels * vectors], const ConvolutionBlock& block,
                                         std::int64_t first) {
  start<pixels, vectors>(sum, block);
  if (block.initial == nullptr) return;
  const std::int32_t* initial = block.initial + first * block.initial_stride;
#pragma GCC unroll 32
  for (int p = 0; p < pixels; ++p, initial += block.initial_stride) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      sum[p * vectors + v] = _mm512_add_epi32(sum[p * vectors + v], _mm512_loadu_si512(initial + v * lanes));
    }
  }
}

// One tile of gathered pixels: one pointer serves them all.
template <int pixels, int vectors>
[[gnu::always_inline]] inline void multiply_gathered(__m512i (&sum)[pixels * vectors], const ConvolutionBlock& block,
                                                     std::int64_t first) {
  start<pixels, vectors>(sum, block, first);
  const std::byte* weights = block.weights;
  const std::uint8_t* input = block.pointers[first];
  for (std::int64_t quad = 0; quad < block.segments->quads; ++quad, input += 4, weights += vectors * 64) {
    multiply_quad<pixels, vectors, gathered_pitch>(sum, input, weights);
  }
}

// One tile. Inputs are addressed from their end, with an index that counts up to zero, which leaves registers for
// twelve pointers, the index and the weights.
template <int pixels, int vectors>
[[gnu::always_inline]] inline void multiply(__m512i (&sum)[pixels * vectors], const ConvolutionBlock& block,
                                            std::int64_t first) {
  start<pixels, vectors>(sum, block, first);
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
}

// As many whole tiles as `pixels` go into what is left from `first` on. Not inlined: a tile needs every register.
template <int pixels, int vectors, ConvolutionResult result>
[[gnu::noinline]] std::int64_t whole_tiles(const ConvolutionBlock& block, std::int64_t first) {
  const Limits limits(block);
  for (; first + pixels <= block.pixels; first += pixels) {
    __m512i sum[pixels * vectors];
    if (block.gathered) {
      multiply_gathered<pixels, vectors>(sum, block, first);
    } else {
      multiply<pixels, vectors>(sum, block, first);
    }
    finish<pixels, vectors, result>(sum, block, limits, first);
  }
  return first;
}

// The last pixels, fewer than a tile has: pointers behind the panel repeat the last pixel; what comes of them is not
// copied to the output.
template <int pixels, int vectors, ConvolutionResult result>
void part_of_tile(const ConvolutionBlock& block, std::int64_t first) {
  constexpr std::size_t element = result == ConvolutionResult::sum ? sizeof(std::int32_t) : sizeof(std::uint8_t);
  alignas(64) std::byte results[pixels * vectors * lanes * element];
  ConvolutionBlock tile = block;
  tile.pointers += first;
  tile.pixels = pixels;
  tile.output = results;
  tile.output_stride = vectors * lanes;
  const std::int64_t left = block.pixels - first;
  alignas(64) std::int32_t initial[pixels * vectors * lanes];
  if (block.initial != nullptr) {  // these sums end with the panel
    for (std::int64_t p = 0; p < left; ++p) {
      std::memcpy(initial + p * tile.output_stride, block.initial + (first + p) * block.initial_stride,
                  static_cast<std::size_t>(block.width) * sizeof(std::int32_t));
    }
    tile.initial = initial;
    tile.initial_stride = tile.output_stride;
  }
  whole_tiles<pixels, vectors, result>(tile, 0);
  std::byte* output = static_cast<std::byte*>(block.output);
  const std::int64_t count = result == ConvolutionResult::sum ? block.width : block.channels;
  for (std::int64_t p = 0; p < left; ++p) {
    std::memcpy(output + static_cast<std::size_t>((first + p) * block.output_stride) * element,
                results + static_cast<std::size_t>(p * tile.output_stride) * element,
                static_cast<std::size_t>(count) * element);
  }
}

// Tiles over the panel; what is left over goes to the smallest tile that holds it.
template <int pixels, int vectors, ConvolutionResult result>
void panel(const ConvolutionBlock& block, std::int64_t first = 0) {
  constexpr int step = vectors == 4 ? 2 : 4;  // pixels of the next smaller tile are fewer by this
  first = whole_tiles<pixels, vectors, result>(block, first);
  if constexpr (pixels > step) {
    if (block.pixels - first <= pixels - step) return panel<pixels - step, vectors, result>(block, first);
  }
  if (first < block.pixels) part_of_tile<pixels, vectors, result>(block, first);
}

template <ConvolutionResult result>
void run_panel(const ConvolutionBlock& block) {
  switch (block.width / lanes) {
    case 1:
      return panel<12, 1, result>(block);
    case 2:
      return panel<12, 2, result>(block);
    case 3:
      return panel<8, 3, result>(block);
    default:
      return panel<6, 4, result>(block);
  }
}

void run(const ConvolutionBlock& block) {
  with_result(block, [&]<ConvolutionResult result>() { run_panel<result>(block); });
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
    .name = "avx512_vnni_6x64",
    .isa = Isa::avx512_vnni,
    .vector_width = lanes,
    .bytes_a_quad = 4,
    .known = {.general = true, .saturating = true, .largest_fixed_sum = largest_float_integer},
    .block_vectors = block_vectors,
    .channel_of_lane = channel_of_packed_lane,
    .pack_quad = pack_quad,
    .run = run,
    .stem = &stem_avx512_vnni,
};

}  // namespace itrt::kernels
