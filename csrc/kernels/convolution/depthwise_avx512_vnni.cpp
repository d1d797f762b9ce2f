// AVX512-VNNI, depthwise: 64 channels of a pixel. Four taps are interleaved, so that a lane of a vector has the four
// bytes of one channel, and multiplied by one vpdpbusd a vector of sixteen channels:
//
//   tap 0  [a0 a1 a2 ...]   vpunpck{l,h}bw   [a0 b0 a1 b1 ...]   vpunpck{l,h}wd   [a0 b0 c0 d0 | a1 b1 c1 d1 | ...]
//   tap 1  [b0 b1 b2 ...]   ───────────────►                     ───────────────►   four vectors
//   tap 2  [c0 c1 c2 ...]                    [c0 d0 c1 d1 ...]
//   tap 3  [d0 d1 d2 ...]
//
// Unpacking works within 128 bits: lane l, element i of vector v is channel 16 l + 4 v + i (the transposed order), and
// packing sums to bytes puts them back. With the four taps a column of the kernel, an interleaved column of the input
// belongs to as many output pixels as the kernel is wide: it is interleaved once.
#include <immintrin.h>

#include "kernels/convolution/grouped_avx512.h"
#include "kernels/convolution/grouped_kernel.h"

namespace itrt::kernels {
namespace {

constexpr int quad = 4;  // taps

// As an instruction, since gcc copies and spills sums around _mm512_dpbusd_epi32; the weight by base and offset, since
// gcc would keep an address a weight. (Nothing in this file writes weights, so it needs no memory operand.)
template <int offset>
inline void dot(__m512i& sum, __m512i input, const std::byte* weights) {
  asm("vpdpbusd %c[offset](%[weights]), %[input], %[sum]"
      : [sum] "+v"(sum)
      : [input] "v"(input), [weights] "r"(weights), [offset] "i"(offset));
}

// 64 bytes such that interleaving gives the order of the sums: four-byte groups are a 4 x 4 transpose otherwise.
template <Result result>
[[gnu::always_inline]] inline __m512i load(const std::uint8_t* input) {
  const __m512i bytes = _mm512_loadu_si512(input);
  if constexpr (result != Result::sum) return bytes;
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, bytes);
}

// Channels from `first` on of the four pixels at taps[0 .. 3][pixel].
template <Result result>
[[gnu::always_inline]] inline void interleave(const std::uint8_t* const* const (&taps)[quad], std::int64_t pixel,
                                              std::int64_t first, __m512i (&column)[vectors]) {
  const __m512i a = load<result>(taps[0][pixel] + first), b = load<result>(taps[1][pixel] + first);
  const __m512i c = load<result>(taps[2][pixel] + first), d = load<result>(taps[3][pixel] + first);
  const __m512i ab_low = _mm512_unpacklo_epi8(a, b), ab_high = _mm512_unpackhi_epi8(a, b);
  const __m512i cd_low = _mm512_unpacklo_epi8(c, d), cd_high = _mm512_unpackhi_epi8(c, d);
  column[0] = _mm512_unpacklo_epi16(ab_low, cd_low);
  column[1] = _mm512_unpackhi_epi16(ab_low, cd_low);
  column[2] = _mm512_unpacklo_epi16(ab_high, cd_high);
  column[3] = _mm512_unpackhi_epi16(ab_high, cd_high);
}

// `group`: which four taps of those at `weights`.
template <int group>
[[gnu::always_inline]] inline void multiply(__m512i (&sum)[vectors], const __m512i (&column)[vectors],
                                            const std::byte* weights) {
  dot<group * 256>(sum[0], column[0], weights);
  dot<group * 256 + 64>(sum[1], column[1], weights);
  dot<group * 256 + 128>(sum[2], column[2], weights);
  dot<group * 256 + 192>(sum[3], column[3], weights);
}

// Any list of taps.
template <Result result>
void list_taps(const GroupedBlock& block, const Limits& limits) {
  for (std::int64_t pixel = 0; pixel < block.pixels; ++pixel) {
    __m512i sum[vectors];
    start(sum, block, pixel);
    const std::byte* weights = block.weights;
    const std::int64_t* offsets = block.offsets;
    for (std::int64_t tap = 0; tap < block.taps; tap += quad, offsets += quad, weights += vectors * 64) {
      const std::uint8_t* const* const taps[quad] = {block.pointers + offsets[0], block.pointers + offsets[1],
                                                     block.pointers + offsets[2], block.pointers + offsets[3]};
      __m512i column[vectors];
      interleave<result>(taps, pixel, block.first_channel, column);
      multiply<0>(sum, column, weights);
    }
    finish<result>(block, limits, pixel, sum);
  }
}

// Kernels three columns wide, stride 1. Of every input column, the products with the kernel's three columns go to the
// sums of three pixels, the first of which is then finished. The next column is interleaved before that: what waits
// for its sums would otherwise fill the CPU's scheduler.
template <Result result>
void slide(const GroupedBlock& block, const Limits& limits) {
  const std::uint8_t* const* const rows[quad] = {block.pointers + block.offsets[0], block.pointers + block.offsets[1],
                                                 block.pointers + block.offsets[2], block.pointers + block.offsets[3]};
  const std::int64_t pixels = block.pixels, last = pixels + 1;  // input column
  const std::int64_t channel = block.first_channel;
  const std::byte* weights = block.weights;
  __m512i taps[vectors], first[vectors], second[vectors], third[vectors];
  const auto step = [&](std::int64_t column, __m512i(&finished)[vectors], __m512i(&begun)[vectors],
                        __m512i(&started)[vectors]) __attribute__((always_inline)) {
    start(started, block, column < pixels ? column : 0);
    multiply<2>(finished, taps, weights);
    multiply<1>(begun, taps, weights);
    multiply<0>(started, taps, weights);
    interleave<result>(rows, column < last ? column + 1 : last, channel, taps);
    if (column >= 2) finish<result>(block, limits, column - 2, finished);
  };
#pragma GCC unroll 4
  for (int v = 0; v < vectors; ++v) first[v] = second[v] = third[v] = _mm512_setzero_si512();
  interleave<result>(rows, 0, channel, taps);
  for (std::int64_t column = 0;; column += 3) {
    step(column, first, second, third);
    if (column == last) return;
    step(column + 1, second, third, first);
    if (column + 1 == last) return;
    step(column + 2, third, first, second);
    if (column + 2 == last) return;
  }
}

void run(const GroupedBlock& block) {
  const Limits limits(block);
  with_result(
      block, [&]<Result result>() { block.sliding ? slide<result>(block, limits) : list_taps<result>(block, limits); });
}

// [four taps][lane][tap].
void pack(const std::int8_t* values, std::int64_t taps, bool in_order, std::byte* packed) {
  for (std::int64_t tap = 0; tap < taps; ++tap, values += width) {
    std::byte* quads = packed + tap / quad * width * quad + tap % quad;
    for (std::int64_t c = 0; c < width; ++c) {
      const std::int64_t place = in_order ? c : c % 4 + c / 4 % 4 * 16 + c / 16 * 4;
      quads[place * quad] = static_cast<std::byte>(values[c]);
    }
  }
}

}  // namespace

const GroupedKernel depthwise_avx512_vnni = {
    "avx512_vnni_depthwise", Isa::avx512_vnni, width, 1, quad, 3, 1, known, pack, run,
};

}  // namespace itrt::kernels
