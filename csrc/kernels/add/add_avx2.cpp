// AVX2: vpmaddwd multiplies and adds pairs of inputs, 32 elements a step; the last few pass through a buffer.
#include <immintrin.h>

#include "kernels/add/add.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t lanes = 32;

// Multipliers of inputs n and n + 1, in every pair of words; the second is 0 where there is no such input.
inline __m256i multiplier_pair(const AddElements& add, std::size_t n) {
  const std::int32_t second = n + 1 < add.input_count ? add.inputs[n + 1].multiplier : 0;
  return _mm256_set1_epi32((add.inputs[n].multiplier & 0xffff) |
                           static_cast<std::int32_t>(static_cast<std::uint32_t>(second) << 16));
}

// Four vectors of sums, eight elements each, as unpacking leaves them: its halves of 128 bits, then of 64.
struct Sums {
  __m256i part[4];
};

inline void accumulate(Sums& sums, __m256i first, __m256i second, __m256i multipliers) {
  const __m256i zero = _mm256_setzero_si256();
  const auto step = [&](__m256i& part, __m256i pairs) {
    part = _mm256_add_epi32(part, _mm256_madd_epi16(pairs, multipliers));
  };
  const __m256i low = _mm256_unpacklo_epi8(first, second), high = _mm256_unpackhi_epi8(first, second);
  step(sums.part[0], _mm256_unpacklo_epi8(low, zero));
  step(sums.part[1], _mm256_unpackhi_epi8(low, zero));
  step(sums.part[2], _mm256_unpacklo_epi8(high, zero));
  step(sums.part[3], _mm256_unpackhi_epi8(high, zero));
}

// In registers, and by value: for all that the compiler knows, outputs overlap what `add` points to.
struct Constants {
  __m256i start, first_pair, shift, zero_point, lower, upper;

  explicit Constants(const AddElements& add)
      : start(_mm256_set1_epi32(add.start)),
        first_pair(multiplier_pair(add, 0)),
        shift(_mm256_set1_epi32(add.shift)),
        zero_point(_mm256_set1_epi16(static_cast<short>(add.zero_point))),
        lower(_mm256_set1_epi8(static_cast<char>(add.lower))),
        upper(_mm256_set1_epi8(static_cast<char>(add.upper))) {}
};

// Packing undoes what unpacking did. A shift by a count for each lane keeps the port of the shuffles free.
inline __m256i finish(const Sums& sums, const Constants& constants) {
  const auto words = [&](__m256i low, __m256i high) {
    const __m256i packed =
        _mm256_packs_epi32(_mm256_srav_epi32(low, constants.shift), _mm256_srav_epi32(high, constants.shift));
    return _mm256_adds_epi16(packed, constants.zero_point);
  };
  const __m256i bytes = _mm256_packus_epi16(words(sums.part[0], sums.part[1]), words(sums.part[2], sums.part[3]));
  return _mm256_min_epu8(_mm256_max_epu8(bytes, constants.lower), constants.upper);
}

// The other inputs of an addition of more than two. `load(data)`: 32 bytes of an input.
template <class Load>
void accumulate_others(Sums& sums, const AddElements& add, const Load& load) {
  for (std::size_t n = 2; n < add.input_count; n += 2) {
    const __m256i second = n + 1 < add.input_count ? load(add.inputs[n + 1].data) : _mm256_setzero_si256();
    accumulate(sums, load(add.inputs[n].data), second, multiplier_pair(add, n));
  }
}

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
    const __m256i bytes = sum(
        [&](const std::uint8_t* data) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + first)); });
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(output + first), bytes);
  }
  if (first == last) return;
  const auto load_tail = [&](const std::uint8_t* data) {
    alignas(32) std::uint8_t tail[lanes] = {};
    for (std::int64_t i = 0; first + i < last; ++i) tail[i] = data[first + i];
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(tail));
  };
  alignas(32) std::uint8_t out[lanes];
  _mm256_store_si256(reinterpret_cast<__m256i*>(out), sum(load_tail));
  for (std::int64_t i = 0; first + i < last; ++i) output[first + i] = out[i];
}

}  // namespace

const AddKernel add_avx2 = {"avx2", Isa::avx2, elements};

}  // namespace itrt::kernels
