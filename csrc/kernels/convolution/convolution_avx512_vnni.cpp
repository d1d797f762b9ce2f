// AVX512-VNNI: a tile of output pixels times one to four vectors of sixteen output channels.
//
//                  weights: channels 0-15   16-31      A step (quad) loads a weight vector a column, broadcasts four
//   pixel 0   4 bytes  ──►  [ sum 0,0 ]  [ sum 0,1 ]   input bytes a row, and does one vpdpbusd a cell. Every sum stays
//   pixel 1   4 bytes  ──►  [ sum 1,0 ]  [ sum 1,1 ]   in a register from the first quad to the last.
//     ...
#include <immintrin.h>

#include <cstring>

#include "kernels/convolution/convolution_avx512_finisher.h"
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

// Pixels of a tile, whose sums fit into registers.
constexpr int tile_pixels(int vectors) { return vectors <= 2 ? 12 : 24 / vectors; }

// The sums of the last pixels from `first` on, fewer than a tile has, in the smallest tile that holds them, to
// [pixel][vectors * 16]. Pointers behind the panel repeat the last pixel; what comes of them is to be ignored.
template <int vectors, int pixels = tile_pixels(vectors)>
void sum_rest(const ConvolutionBlock& block, std::int64_t first, std::int32_t* sums) {
  constexpr int step = vectors == 4 ? 2 : 4;  // pixels of the next smaller tile are fewer by this
  const std::int64_t left = block.pixels - first;
  if constexpr (pixels > step) {
    if (left <= pixels - step) return sum_rest<vectors, pixels - step>(block, first, sums);
  }
  ConvolutionBlock tile = block;
  tile.pointers += first;
  tile.pixels = pixels;
  tile.output = sums;
  tile.output_stride = vectors * lanes;
  alignas(64) std::int32_t initial[pixels * vectors * lanes];
  if (block.initial != nullptr) {  // these end with the panel
    for (std::int64_t p = 0; p < left; ++p) {
      std::memcpy(initial + p * tile.output_stride, block.initial + (first + p) * block.initial_stride,
                  vectors * lanes * sizeof(std::int32_t));
    }
    tile.initial = initial;
    tile.initial_stride = tile.output_stride;
  }
  whole_tiles<pixels, vectors, ConvolutionResult::sum>(tile, 0);
}

// Tiles over the panel, then what is left over.
template <int vectors, ConvolutionResult result>
void run_panel(const ConvolutionBlock& block) {
  constexpr int pixels = tile_pixels(vectors);
  const std::int64_t first = whole_tiles<pixels, vectors, result>(block, 0);
  if (first == block.pixels) return;
  alignas(64) std::int32_t sums[pixels * vectors * lanes];
  sum_rest<vectors>(block, first, sums);
  Finisher<vectors, result> finisher(block, first);
  finisher.begin(sums, block.pixels - first);
  finisher.finish();
}

// Tiles leave their sums in memory, pixel_granule pixels at a time.
template <int vectors, ConvolutionResult result>
void run_panel_by_sums(const ConvolutionBlock& block) {
  alignas(64) std::int32_t sums[pixel_granule * vectors * lanes];
  Finisher<vectors, result> finisher(block);
  ConvolutionBlock part = block;
  part.output = sums;
  part.output_stride = block.width;
  for (std::int64_t left = block.pixels; left > 0; left -= pixel_granule) {
    part.pixels = left < pixel_granule ? left : pixel_granule;
    run_panel<vectors, ConvolutionResult::sum>(part);
    finisher.begin(sums, part.pixels);
    finisher.finish();
    part.pointers += pixel_granule;
    if (part.initial != nullptr) part.initial += pixel_granule * part.initial_stride;
  }
}

void run(const ConvolutionBlock& block) {
  with_result(block, [&]<ConvolutionResult result>() {
    with_vectors(block, [&]<int vectors>() {
      if constexpr (goes_by_sums(result)) {
        run_panel_by_sums<vectors, result>(block);
      } else {
        run_panel<vectors, result>(block);
      }
    });
  });
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
