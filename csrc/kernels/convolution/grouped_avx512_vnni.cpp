// AVX512-VNNI, groups of 4, 8 and 16 channels: 64 bytes of a pixel are multiplied with `group` vectors of weights, one
// an output channel of every group. A quad of the input meets only weights of its own group, so no lane is idle:
//
//   groups of 8    64 bytes         [ quad 0 quad 1 | quad 2 quad 3 | ... ]   two quads a group
//                  weights of o     [ group 0       | group 1       | ... ]   o = 0 .. 7
//                  sums of o        [ part 0 part 1 | part 0 part 1 | ... ]   vpdpbusd; parts are added at the end
//
// The sums of all o are then brought to the transposed order, within 128 bits.
#include "kernels/convolution/grouped_avx512.h"
#include "kernels/convolution/grouped_kernel.h"

namespace itrt::kernels {
namespace {

// As an instruction, since gcc copies and spills sums around _mm512_dpbusd_epi32.
inline void dot(__m512i& sum, __m512i input, __m512i weight) {
  asm("vpdpbusd %[weight], %[input], %[sum]" : [sum] "+v"(sum) : [input] "v"(input), [weight] "v"(weight));
}

// Elements 0 2 0 2 and 1 3 1 3, of `a` and then of `b`, in every 128 bits.
inline __m512i even(__m512i a, __m512i b) {
  return _mm512_castps_si512(_mm512_shuffle_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), 0x88));
}
inline __m512i odd(__m512i a, __m512i b) {
  return _mm512_castps_si512(_mm512_shuffle_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), 0xdd));
}

// Neighbours added: a0 + a1, a2 + a3, b0 + b1, b2 + b3 in every 128 bits.
inline __m512i add_pairs(__m512i a, __m512i b) { return _mm512_add_epi32(even(a, b), odd(a, b)); }

// Sums of a pixel, one vector an output channel of the groups -> transposed order.
[[gnu::always_inline]] inline void combine(const __m512i (&sum)[4], __m512i (&v)[vectors]) {
  const __m512i low01 = _mm512_unpacklo_epi32(sum[0], sum[1]), high01 = _mm512_unpackhi_epi32(sum[0], sum[1]);
  const __m512i low23 = _mm512_unpacklo_epi32(sum[2], sum[3]), high23 = _mm512_unpackhi_epi32(sum[2], sum[3]);
  v[0] = _mm512_unpacklo_epi64(low01, low23);
  v[1] = _mm512_unpackhi_epi64(low01, low23);
  v[2] = _mm512_unpacklo_epi64(high01, high23);
  v[3] = _mm512_unpackhi_epi64(high01, high23);
}

[[gnu::always_inline]] inline void combine(const __m512i (&sum)[8], __m512i (&v)[vectors]) {
  for (int half = 0; half < 2; ++half) {
    const __m512i low = add_pairs(sum[4 * half], sum[4 * half + 1]);
    const __m512i high = add_pairs(sum[4 * half + 2], sum[4 * half + 3]);
    v[half] = even(low, high);
    v[half + 2] = odd(low, high);
  }
}

[[gnu::always_inline]] inline void combine(const __m512i (&sum)[16], __m512i (&v)[vectors]) {
#pragma GCC unroll 4
  for (int i = 0; i < vectors; ++i) {
    v[i] = add_pairs(add_pairs(sum[4 * i], sum[4 * i + 1]), add_pairs(sum[4 * i + 2], sum[4 * i + 3]));
  }
}

template <Result result, int group>
[[gnu::always_inline]] inline void store(const GroupedBlock& block, const Limits& limits, std::int64_t pixel,
                                         const __m512i (&sum)[group]) {
  __m512i v[vectors], from[vectors];
  combine(sum, v);
  if constexpr (result == Result::sum) transpose_lanes(v);
  start(from, block, pixel);
#pragma GCC unroll 4
  for (int i = 0; i < vectors; ++i) v[i] = _mm512_add_epi32(v[i], from[i]);
  finish<result>(block, limits, pixel, v);
}

// Not inlined: a tile needs every register.
template <Result result, int group, int pixels>
[[gnu::noinline]] void tile(const GroupedBlock& block, const Limits& limits, std::int64_t first) {
  __m512i sum[pixels][group];
#pragma GCC unroll 8
  for (int p = 0; p < pixels; ++p) {
#pragma GCC unroll 16
    for (int o = 0; o < group; ++o) sum[p][o] = _mm512_setzero_si512();
  }
  const std::byte* weights = block.weights;
  for (std::int64_t tap = 0; tap < block.taps; ++tap, weights += group * 64) {
    const std::uint8_t* const* pointers = block.pointers + block.offsets[tap] + first;
    __m512i input[pixels];
#pragma GCC unroll 8
    for (int p = 0; p < pixels; ++p) input[p] = _mm512_loadu_si512(pointers[p] + block.first_channel);
#pragma GCC unroll 16
    for (int o = 0; o < group; ++o) {
      const __m512i weight = _mm512_load_si512(weights + o * 64);
#pragma GCC unroll 8
      for (int p = 0; p < pixels; ++p) dot(sum[p][o], input[p], weight);
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < pixels; ++p) store<result, group>(block, limits, first + p, sum[p]);
}

// Tiles over the pixels; the rest in smaller ones.
template <Result result, int group, int pixels>
void tiles(const GroupedBlock& block, const Limits& limits, std::int64_t first = 0) {
  for (; first + pixels <= block.pixels; first += pixels) tile<result, group, pixels>(block, limits, first);
  if constexpr (pixels > 1) {
    if (first < block.pixels) tiles<result, group, pixels / 2>(block, limits, first);
  }
}

// Results that few networks need: tiles leave their sums in memory, which is slower and saves a third of the code.
template <Result result, int group, int pixels>
void tiles_by_sums(const GroupedBlock& block, const Limits& limits) {
  constexpr std::int64_t together = 24;
  alignas(64) std::int32_t sums[together * width];
  GroupedBlock part = block;
  part.output = sums;
  part.output_stride = width;
  for (std::int64_t first = 0; first < block.pixels; first += together) {
    part.pixels = block.pixels - first < together ? block.pixels - first : together;
    tiles<Result::sum_transposed, group, pixels>(part, limits);
    for (std::int64_t p = 0; p < part.pixels; ++p) {
      __m512i v[vectors];
#pragma GCC unroll 4
      for (int i = 0; i < vectors; ++i) v[i] = _mm512_load_si512(sums + p * width + i * 16);
      finish<result>(block, limits, first + p, v);
    }
    part.pointers += together;
    part.initial += together * part.initial_stride;
  }
}

template <int group>
void run(const GroupedBlock& block) {
  constexpr int pixels = group == 16 ? 1 : 24 / group;  // 24 sums; with 32 no register would be left
  const Limits limits(block);
  with_result(block, [&]<Result result>() {
    if constexpr (result == Result::general || result == Result::fixed) {
      tiles_by_sums<result, group, pixels>(block, limits);
    } else {
      tiles<result, group, pixels>(block, limits);
    }
  });
}

// [tap][output channel of the group][input channel]: the order of the sums does not show in the weights.
template <int group>
void pack(const std::int8_t* values, std::int64_t taps, bool, std::byte* packed) {
  for (std::int64_t tap = 0; tap < taps; ++tap, values += group * width) {
    for (std::int64_t o = 0; o < group; ++o) {
      for (std::int64_t c = 0; c < width; ++c) {
        *packed++ = static_cast<std::byte>(values[c % group * width + c / group * group + o]);
      }
    }
  }
}

template <int group>
constexpr GroupedKernel kernel(const char* name) {
  return {name, Isa::avx512_vnni, width, group, 1, 0, 1, known, pack<group>, run<group>};
}

}  // namespace

const GroupedKernel groups_of_4_avx512_vnni = kernel<4>("avx512_vnni_groups_of_4");
const GroupedKernel groups_of_8_avx512_vnni = kernel<8>("avx512_vnni_groups_of_8");
const GroupedKernel groups_of_16_avx512_vnni = kernel<16>("avx512_vnni_groups_of_16");

}  // namespace itrt::kernels
