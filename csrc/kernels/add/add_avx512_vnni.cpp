// AVX512-VNNI: vpdpwssd multiplies and adds pairs of inputs, 64 elements a step; the last few are masked.
#include <immintrin.h>

#include "kernels/add/add.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t lanes = 64;
constexpr std::int64_t prefetch_distance = 2048;  // a third less time where inputs leave the second level's cache

// Multipliers of inputs n and n + 1, in every pair of words; the second is 0 where there is no such input.
inline __m512i multiplier_pair(const AddElements& add, std::size_t n) {
  const std::int32_t second = n + 1 < add.input_count ? add.inputs[n + 1].multiplier : 0;
  return _mm512_set1_epi32((add.inputs[n].multiplier & 0xffff) |
                           static_cast<std::int32_t>(static_cast<std::uint32_t>(second) << 16));
}

// Four vectors of sums, sixteen elements each, as unpacking leaves them.
struct Sums {
  __m512i part[4];
};

inline void accumulate(Sums& sums, __m512i first, __m512i second, __m512i multipliers) {
  const __m512i zero = _mm512_setzero_si512();
  const __m512i low = _mm512_unpacklo_epi8(first, second), high = _mm512_unpackhi_epi8(first, second);
  sums.part[0] = _mm512_dpwssd_epi32(sums.part[0], _mm512_unpacklo_epi8(low, zero), multipliers);
  sums.part[1] = _mm512_dpwssd_epi32(sums.part[1], _mm512_unpackhi_epi8(low, zero), multipliers);
  sums.part[2] = _mm512_dpwssd_epi32(sums.part[2], _mm512_unpacklo_epi8(high, zero), multipliers);
  sums.part[3] = _mm512_dpwssd_epi32(sums.part[3], _mm512_unpackhi_epi8(high, zero), multipliers);
}

// In registers, and by value: for all that the compiler knows, outputs overlap what `add` points to.
struct Constants {
  __m512i start, first_pair, shift, zero_point, lower, upper;

  explicit Constants(const AddElements& add)
      : start(_mm512_set1_epi32(add.start)),
        first_pair(multiplier_pair(add, 0)),
        shift(_mm512_set1_epi32(add.shift)),
        zero_point(_mm512_set1_epi16(static_cast<short>(add.zero_point))),
        lower(_mm512_set1_epi8(static_cast<char>(add.lower))),
        upper(_mm512_set1_epi8(static_cast<char>(add.upper))) {}
};

// Packing undoes what unpacking did. A shift by a count for each lane keeps the port of the shuffles free, which has
// the most to do here; a shift by one count for all would use it.
inline __m512i finish(const Sums& sums, const Constants& constants) {
  const auto words = [&](__m512i low, __m512i high) {
    const __m512i packed =
        _mm512_packs_epi32(_mm512_srav_epi32(low, constants.shift), _mm512_srav_epi32(high, constants.shift));
    return _mm512_adds_epi16(packed, constants.zero_point);
  };
  const __m512i bytes = _mm512_packus_epi16(words(sums.part[0], sums.part[1]), words(sums.part[2], sums.part[3]));
  return _mm512_min_epu8(_mm512_max_epu8(bytes, constants.lower), constants.upper);
}

// The other inputs of an addition of more than two. `load(data)`: 64 bytes of an input.
template <class Load>
void accumulate_others(Sums& sums, const AddElements& add, const Load& load) {
  for (std::size_t n = 2; n < add.input_count; n += 2) {
    const __m512i second = n + 1 < add.input_count ? load(add.inputs[n + 1].data) : _mm512_setzero_si512();
    accumulate(sums, load(add.inputs[n].data), second, multiplier_pair(add, n));
  }
}

// Whole vectors are read without a mask: a masked read would wait for an input that was written just before.
void elements(const AddElements& add, std::int64_t first, std::int64_t last) {
  const Constants constants(add);
  const std::uint8_t* const input0 = add.inputs[0].data;
  const std::uint8_t* const input1 = add.inputs[add.input_count > 1 ? 1 : 0].data;  // its multiplier may be 0
  std::uint8_t* const output = add.output;
  const bool others = add.input_count > 2;
  const auto sum = [&](const auto& load) {
    Sums sums = {{constants.start, constants.start, constants.start, constants.start}};
    accumulate(sums, load(input0), load(input1), constants.first_pair);
    if (others) accumulate_others(sums, add, load);
    return finish(sums, constants);
  };
  for (; first + lanes <= last; first += lanes) {
    if (first + prefetch_distance < last) {
      __builtin_prefetch(input0 + first + prefetch_distance);
      __builtin_prefetch(input1 + first + prefetch_distance);
      __builtin_prefetch(output + first + prefetch_distance);
    }
    const __m512i bytes = sum([&](const std::uint8_t* data) { return _mm512_loadu_si512(data + first); });
    _mm512_storeu_si512(output + first, bytes);
  }
  if (first == last) return;
  const __mmask64 mask = (__mmask64{1} << (last - first)) - 1;
  const __m512i bytes = sum([&](const std::uint8_t* data) { return _mm512_maskz_loadu_epi8(mask, data + first); });
  _mm512_mask_storeu_epi8(output + first, mask, bytes);
}

}  // namespace

const AddKernel add_avx512_vnni = {"avx512_vnni", Isa::avx512_vnni, elements};

}  // namespace itrt::kernels
