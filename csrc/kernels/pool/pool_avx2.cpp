// AVX2: 32 channels of a maximum, 16 of an average a step; sums are 16-bit words for up to 256 taps, then 32 bits. The
// last few channels pass through a buffer.
#include <immintrin.h>

#include "kernels/pool/pool.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t max_lanes = 32, average_lanes = 16;
constexpr std::int64_t most_words = 256;  // 256 * 255 fit into 16 bits

void maximum(const PoolWindow& window, std::int64_t channels, std::uint8_t* output) {
  // `load(tap)`: its channels from c on.
  const auto largest = [&](std::int64_t c, const auto& load) {
    __m256i result = _mm256_setzero_si256();
    for (std::int64_t y = 0; y < window.rows; ++y) {
      const std::uint8_t* tap = window.first + y * window.row_step + c;
      for (std::int64_t x = 0; x < window.columns; ++x, tap += window.column_step) {
        result = _mm256_max_epu8(result, load(tap));
      }
    }
    return result;
  };
  std::int64_t c = 0;
  for (; c + max_lanes <= channels; c += max_lanes) {
    const auto load = [](const std::uint8_t* tap) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(tap)); };
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(output + c), largest(c, load));
  }
  if (c == channels) return;
  const std::int64_t left = channels - c;
  const auto load_tail = [&](const std::uint8_t* tap) {
    alignas(32) std::uint8_t tail[max_lanes] = {};
    for (std::int64_t i = 0; i < left; ++i) tail[i] = tap[i];
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(tail));
  };
  alignas(32) std::uint8_t out[max_lanes];
  _mm256_store_si256(reinterpret_cast<__m256i*>(out), largest(c, load_tail));
  for (std::int64_t i = 0; i < left; ++i) output[c + i] = out[i];
}

// Sums of 16 channels: the first eight, the last eight.
struct Sums {
  __m256i low = _mm256_setzero_si256(), high = _mm256_setzero_si256();

  void add(__m256i words) {
    low = _mm256_add_epi32(low, _mm256_cvtepu16_epi32(_mm256_castsi256_si128(words)));
    high = _mm256_add_epi32(high, _mm256_cvtepu16_epi32(_mm256_extracti128_si256(words, 1)));
  }
};

template <class Load>
Sums sum(const PoolWindow& window, std::int64_t c, const Load& load) {
  Sums sums;
  __m256i words = _mm256_setzero_si256();
  std::int64_t room = most_words;
  for (std::int64_t y = 0; y < window.rows; ++y) {
    const std::uint8_t* tap = window.first + y * window.row_step + c;
    for (std::int64_t x = 0; x < window.columns; ++x, tap += window.column_step) {
      words = _mm256_add_epi16(words, _mm256_cvtepu8_epi16(load(tap)));
      if (--room == 0) {
        sums.add(words);
        words = _mm256_setzero_si256();
        room = most_words;
      }
    }
  }
  sums.add(words);
  return sums;
}

// Four results as 32-bit numbers, not yet clamped.
inline __m128i round_four(__m128i sums, const AverageFactors& factors) {
  const __m256d value = _mm256_add_pd(_mm256_mul_pd(_mm256_cvtepi32_pd(sums), _mm256_set1_pd(factors.factor)),
                                      _mm256_set1_pd(factors.offset));
  return _mm_add_epi32(_mm256_cvttpd_epi32(_mm256_floor_pd(value)), _mm_set1_epi32(factors.zero_point));
}

inline __m128i round_eight(__m256i sums, const AverageFactors& factors) {
  return _mm_packs_epi32(round_four(_mm256_castsi256_si128(sums), factors),
                         round_four(_mm256_extracti128_si256(sums, 1), factors));
}

void average(const PoolWindow& window, const AverageFactors& factors, std::int64_t channels, std::uint8_t* output) {
  const auto bytes = [&](const Sums& sums) {
    return _mm_packus_epi16(round_eight(sums.low, factors), round_eight(sums.high, factors));
  };
  std::int64_t c = 0;
  for (; c + average_lanes <= channels; c += average_lanes) {
    const auto load = [](const std::uint8_t* tap) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(tap)); };
    _mm_storeu_si128(reinterpret_cast<__m128i*>(output + c), bytes(sum(window, c, load)));
  }
  if (c == channels) return;
  const std::int64_t left = channels - c;
  const auto load_tail = [&](const std::uint8_t* tap) {
    alignas(16) std::uint8_t tail[average_lanes] = {};
    for (std::int64_t i = 0; i < left; ++i) tail[i] = tap[i];
    return _mm_load_si128(reinterpret_cast<const __m128i*>(tail));
  };
  alignas(16) std::uint8_t out[average_lanes];
  _mm_store_si128(reinterpret_cast<__m128i*>(out), bytes(sum(window, c, load_tail)));
  for (std::int64_t i = 0; i < left; ++i) output[c + i] = out[i];
}

}  // namespace

const PoolKernel pool_avx2 = {"avx2", Isa::avx2, maximum, average, complete_in_binary64};

}  // namespace itrt::kernels
