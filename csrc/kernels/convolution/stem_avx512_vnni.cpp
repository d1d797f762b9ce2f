// AVX512-VNNI, image stems: tiles as in convolution_avx512_vnni.cpp, whose pixels lie at constant distances from three
// pointers.
#include <immintrin.h>

#include "kernels/convolution/convolution_avx512_finisher.h"
#include "kernels/convolution/convolution_avx512_tile.h"
#include "kernels/convolution/stem_kernel.h"

namespace itrt::kernels {
namespace {

// Every sixth byte from `bytes` on, of a tile's pixels, as the lowest bytes of 32-bit lanes. Two pixels are three lanes
// apart, so that even pixels are lanes of one load and odd ones those of another; reads 70 bytes.
inline __m512i every_sixth(const std::uint8_t* bytes) {
  static_assert(stem_step == 6 && stem_tile_pixels == 12);
  const __m512i even = _mm512_loadu_si512(bytes), odd = _mm512_loadu_si512(bytes + stem_step);
  const __m512i order = _mm512_setr_epi32(0, 16, 3, 19, 6, 22, 9, 25, 12, 28, 15, 31, 0, 0, 0, 0);
  return _mm512_permutex2var_epi32(even, order, odd);
}

inline __m512i select(std::int32_t bits, __m512i where_set, __m512i elsewhere) {
  return _mm512_ternarylogic_epi32(_mm512_set1_epi32(bits), where_set, elsewhere, 0xCA);
}

// The last byte of each run, of a tile's pixels: (row 0, row 1, row 2, any). Reading a row some bytes earlier puts its
// byte in its place.
inline __m512i last_quads(const std::uint8_t* const (&rows)[stem_rows]) {
  constexpr std::int64_t last = stem_run - 1;
  static_assert(last + stem_step + 64 <= stem_tile_bytes + stem_overrun);
  const __m512i first_two = select(0x00ff, every_sixth(rows[0] + last), every_sixth(rows[1] + last - 1));
  return select(0xffff, first_two, every_sixth(rows[2] + last - 2));
}

template <int pixels, int vectors>
[[gnu::always_inline]] inline void multiply(__m512i (&sum)[pixels * vectors], const std::byte* weights,
                                            const std::uint8_t* const (&rows)[stem_rows],
                                            const std::uint8_t* last_quad) {
  constexpr int quad_bytes = vectors * 64;  // of weights
#pragma GCC unroll 3
  for (int row = 0; row < stem_rows; ++row, weights += 2 * quad_bytes) {
    multiply_quad<pixels, vectors, stem_step>(sum, rows[row], weights);
    multiply_quad<pixels, vectors, stem_step>(sum, rows[row] + 4, weights + quad_bytes);
  }
  multiply_quad<pixels, vectors, 4>(sum, last_quad, weights);
}

// Not inlined: it needs every register. Nor cloned: it is long.
template <int vectors, ConvolutionResult result, bool contiguous>
[[gnu::noinline, gnu::noclone]] void run_tiles(const ConvolutionBlock& given, const StemTile* tiles,
                                               std::int64_t count) {
  constexpr int pixels = vectors <= 2 ? stem_tile_pixels : stem_tile_pixels / 2;  // whose sums fit into registers
  const ConvolutionBlock block = given;  // a copy: an output could change the caller's
  const Limits limits(block);
  for (std::int64_t t = 0; t < count; ++t) {
    const StemTile& tile = tiles[t];
    alignas(64) std::uint8_t last[64];
    _mm512_store_si512(last, last_quads(tile.rows));
    for (int part = 0; part < stem_tile_pixels; part += pixels) {
      asm("" : "+r"(part));  // or gcc would write the body twice
      const int bytes = part * stem_step;
      const std::uint8_t* const rows[stem_rows] = {tile.rows[0] + bytes, tile.rows[1] + bytes, tile.rows[2] + bytes};
      __m512i sum[pixels * vectors];
      start<pixels, vectors>(sum, block);
      multiply<pixels, vectors>(sum, block.weights, rows, last + part * 4);
      finish<pixels, vectors, result, contiguous>(sum, block, limits, tile.pixel + part);
    }
  }
}

// Results that few stems need: a tile leaves its sums in memory.
template <int vectors, ConvolutionResult result>
void run_tiles_by_sums(const ConvolutionBlock& block, const StemTile* tiles, std::int64_t count) {
  alignas(64) std::int32_t sums[stem_tile_pixels * vectors * lanes];
  ConvolutionBlock part = block;
  part.output = sums;
  part.output_stride = block.width;
  for (std::int64_t t = 0; t < count; ++t) {
    StemTile alone = tiles[t];
    alone.pixel = 0;
    run_tiles<vectors, ConvolutionResult::sum, false>(part, &alone, 1);
    Finisher<vectors, result> finisher(block, tiles[t].pixel);
    finisher.begin(sums, stem_tile_pixels);
    finisher.finish();
  }
}

template <int vectors, ConvolutionResult result>
void run_result(const ConvolutionBlock& block, const StemTile* tiles, std::int64_t count) {
  if constexpr (result == ConvolutionResult::sum) {
    run_tiles<vectors, result, false>(block, tiles, count);
  } else if constexpr (goes_by_sums(result)) {
    run_tiles_by_sums<vectors, result>(block, tiles, count);
  } else {
    // Adding a zero point of 0 is cheaper than twice the code.
    constexpr ConvolutionResult common = ConvolutionResult::saturating;
    if (vectors <= 2 && block.channels == block.width && block.output_stride == block.width) {
      run_tiles<vectors, common, vectors <= 2>(block, tiles, count);
    } else {
      run_tiles<vectors, common, false>(block, tiles, count);
    }
  }
}

void run(const ConvolutionBlock& block, const StemTile* tiles, std::int64_t count) {
  with_result(block, [&]<ConvolutionResult result>() {
    with_vectors(block, [&]<int vectors>() { run_result<vectors, result>(block, tiles, count); });
  });
}

}  // namespace

const StemKernel stem_avx512_vnni = {.name = "avx512_vnni_stem_12", .isa = Isa::avx512_vnni, .run = run};

}  // namespace itrt::kernels
