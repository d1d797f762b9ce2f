// AVX-512: 64 channels of a maximum, 128 or 32 of an average a step; sums are 16-bit words for up to 256 taps, then 32
// bits. The last channels are masked.
#include <immintrin.h>

#include "kernels/pool/pool.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t max_lanes = 64, average_lanes = 32;
constexpr std::int64_t most_words = 256;  // 256 * 255 fit into 16 bits

inline __mmask64 first_bytes(std::int64_t count) {
  return count >= max_lanes ? ~__mmask64{0} : (__mmask64{1} << count) - 1;
}
inline __mmask32 first_words(std::int64_t count) {
  return count >= average_lanes ? ~__mmask32{0} : static_cast<__mmask32>((1u << count) - 1);
}

void maximum(const PoolWindow& window, std::int64_t channels, std::uint8_t* output) {
  for (std::int64_t c = 0; c < channels; c += max_lanes) {
    const __mmask64 mask = first_bytes(channels - c);
    __m512i largest = _mm512_setzero_si512();
    for (std::int64_t y = 0; y < window.rows; ++y) {
      const std::uint8_t* tap = window.first + y * window.row_step + c;
      for (std::int64_t x = 0; x < window.columns; ++x, tap += window.column_step) {
        largest = _mm512_max_epu8(largest, _mm512_maskz_loadu_epi8(mask, tap));
      }
    }
    _mm512_mask_storeu_epi8(output + c, mask, largest);
  }
}

// Sums of 32 channels: the first sixteen, the last sixteen.
struct Sums {
  __m512i low = _mm512_setzero_si512(), high = _mm512_setzero_si512();

  void add(__m512i words) {
    low = _mm512_add_epi32(low, _mm512_cvtepu16_epi32(_mm512_castsi512_si256(words)));
    high = _mm512_add_epi32(high, _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(words, 1)));
  }
};

// Of `vectors` times 32 channels. More than one at a time, since a pass over a large image misses the caches, those of
// addresses, too.
template <int vectors>
void sum(const PoolWindow& window, std::int64_t c, __mmask32 mask, Sums (&sums)[vectors]) {
  __m512i words[vectors] = {};
  std::int64_t room = most_words;
  const auto carry = [&] {
    for (int v = 0; v < vectors; ++v) {
      sums[v].add(words[v]);
      words[v] = _mm512_setzero_si512();
    }
    room = most_words;
  };
  for (std::int64_t y = 0; y < window.rows; ++y) {
    const std::uint8_t* tap = window.first + y * window.row_step + c;
    for (std::int64_t x = 0; x < window.columns; ++x, tap += window.column_step) {
      for (int v = 0; v < vectors; ++v) {
        const __m256i bytes = _mm256_maskz_loadu_epi8(mask, tap + v * average_lanes);
        words[v] = _mm512_add_epi16(words[v], _mm512_cvtepu8_epi16(bytes));
      }
      if (--room == 0) carry();
    }
  }
  carry();
}

// Eight results as 32-bit numbers, not yet clamped.
inline __m256i round_eight(__m256i sums, const AverageFactors& factors) {
  const __m512d value =
      _mm512_fmadd_pd(_mm512_cvtepi32_pd(sums), _mm512_set1_pd(factors.factor), _mm512_set1_pd(factors.offset));
  const __m512d whole = _mm512_roundscale_pd(value, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  return _mm256_add_epi32(_mm512_cvttpd_epi32(whole), _mm256_set1_epi32(factors.zero_point));
}

inline __m128i round_sixteen(__m512i sums, const AverageFactors& factors) {
  const __m256i low = round_eight(_mm512_castsi512_si256(sums), factors);
  const __m256i high = round_eight(_mm512_extracti64x4_epi64(sums, 1), factors);
  const __m512i values = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  return _mm512_cvtusepi32_epi8(_mm512_max_epi32(values, _mm512_setzero_si512()));
}

template <int vectors>
void average_vectors(const PoolWindow& window, const AverageFactors& factors, std::int64_t c, __mmask32 mask,
                     std::uint8_t* output) {
  Sums sums[vectors];
  sum<vectors>(window, c, mask, sums);
  for (int v = 0; v < vectors; ++v) {
    const __m256i bytes = _mm256_inserti128_si256(_mm256_castsi128_si256(round_sixteen(sums[v].low, factors)),
                                                  round_sixteen(sums[v].high, factors), 1);
    _mm256_mask_storeu_epi8(output + c + v * average_lanes, mask, bytes);
  }
}

void average(const PoolWindow& window, const AverageFactors& factors, std::int64_t channels, std::uint8_t* output) {
  constexpr int several = 4;
  std::int64_t c = 0;
  for (; c + several * average_lanes <= channels; c += several * average_lanes) {
    average_vectors<several>(window, factors, c, ~__mmask32{0}, output);
  }
  for (; c < channels; c += average_lanes) average_vectors<1>(window, factors, c, first_words(channels - c), output);
}

}  // namespace

const PoolKernel pool_avx512_vnni = {"avx512_vnni", Isa::avx512_vnni, maximum, average, complete_in_binary64};

}  // namespace itrt::kernels
