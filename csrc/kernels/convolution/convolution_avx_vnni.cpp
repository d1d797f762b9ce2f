// AVX-VNNI, 256 bits: a tile of output pixels times one to four vectors of eight output channels. With sixteen
// registers, twelve are sums; the tile of three pixels keeps the pixels' four bytes in registers and takes the vectors'
// weights one after the other, so that seven loads feed twelve multiplications.
#include <immintrin.h>

#include "kernels/convolution/convolution_dot_weights.h"
#include "kernels/convolution/convolution_kernel.h"
#include "kernels/convolution/convolution_results_256.h"
#include "kernels/convolution/convolution_rows.h"

namespace itrt::kernels {
namespace {

constexpr int most_vectors = 4;

// As an instruction, since gcc copies and spills sums around the intrinsic. AVX-VNNI has it in the VEX encoding alone,
// where assemblers prefer EVEX. Tests compile this file with EVEX, too, for CPUs that have only AVX512-VNNI.
[[gnu::always_inline]] inline void dot(__m256i& sum, __m256i input, __m256i weight) {
#if defined(ITRT_AVX_VNNI_AS_EVEX)
  asm("vpdpbusd %[weight], %[input], %[sum]" : [sum] "+x"(sum) : [input] "x"(input), [weight] "x"(weight));
#else
  asm("%{vex%} vpdpbusd %[weight], %[input], %[sum]" : [sum] "+x"(sum) : [input] "x"(input), [weight] "x"(weight));
#endif
}

// Not inlined: a tile needs every register. Inputs are addressed from their end, with an index that counts up to zero.
template <int pixels, int vectors>
[[gnu::noinline]] void tile(const ConvolutionBlock& block, std::int64_t first, __m256i (&sums)[pixels * vectors]) {
  __m256i sum[pixels * vectors];
#pragma GCC unroll 16
  for (int i = 0; i < pixels * vectors; ++i) sum[i] = sums[i];
  const __m256i* weights = reinterpret_cast<const __m256i*>(block.weights);
  const std::uint8_t* const* pointers = block.pointers + first;
  for (std::int64_t s = 0; s < block.segment_count; ++s, pointers += block.pointer_stride) {
    const std::int64_t bytes = block.segments[s].quads * 4, end = block.segments[s].offset + bytes;
    const std::uint8_t* input[pixels];
#pragma GCC unroll 16
    for (int p = 0; p < pixels; ++p) input[p] = pointers[p] + end;
    for (std::int64_t at = -bytes; at != 0; at += 4, weights += vectors) {
      __m256i quad[pixels];
#pragma GCC unroll 16
      for (int p = 0; p < pixels; ++p) quad[p] = _mm256_broadcastd_epi32(_mm_loadu_si32(input[p] + at));
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        const __m256i weight = weights[v];
#pragma GCC unroll 16
        for (int p = 0; p < pixels; ++p) dot(sum[p * vectors + v], quad[p], weight);
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < pixels * vectors; ++i) sums[i] = sum[i];
}

template <int pixels, int vectors>
void panel(const ConvolutionBlock& block) {
  const Results<vectors> results(block);
  __m256i sums[pixels * vectors];
  for (std::int64_t first = 0; first < block.pixels; first += pixels) {
    const std::int64_t left = block.pixels - first, count = left < pixels ? left : pixels;
    start_rows<vectors * lanes>(block, first, pixels, reinterpret_cast<std::int32_t*>(sums));
    tile<pixels, vectors>(block, first, sums);
    results.template store<pixels>(first, count, sums);
  }
}

void run(const ConvolutionBlock& block) {
  switch (block.width / lanes) {
    case 1:
      return panel<8, 1>(block);
    case 2:
      return panel<6, 2>(block);
    case 3:
      return panel<4, 3>(block);
    default:
      return panel<3, 4>(block);
  }
}

std::int64_t block_vectors(std::int64_t vectors) { return vectors < most_vectors ? vectors : most_vectors; }

}  // namespace

const ConvolutionKernel convolution_avx_vnni = {
    .name = "avx_vnni_3x32",
    .isa = Isa::avx_vnni,
    .vector_width = lanes,
    .bytes_a_quad = dot_bytes_a_quad,
    .known = {.general = true, .largest_fixed_sum = largest_binary64_sum},
    .block_vectors = block_vectors,
    .channel_of_lane = channel_of_lane,
    .pack_quad = pack_dot_quad,
    .run = run,
};

}  // namespace itrt::kernels
