// AVX2: vpshufb looks a byte up in 16, and gives 0 where the index has its highest bit. Half a table, 128 bytes, is
// eight such rows, whose results are combined by exclusive or.
//
// Row h is asked for q - 16 h, which stays negative where q is below: rows 0 to n answer for a q of row n, and those
// behind it give 0. The rows are therefore stored as differences: row h has what brings row h - 1 of the table to row
// h. For the half that q is not in, q is negative from the beginning.
#include <immintrin.h>

#include "kernels/lookup/lookup.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t lanes = 32, row_size = 16, row_count = 8;

inline __m128i load_row(const std::uint8_t* table, std::int64_t row) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(table + row * row_size));
}

struct HalfTable {
  __m256i row[row_count];

  explicit HalfTable(const std::uint8_t* table) {
    row[0] = _mm256_broadcastsi128_si256(load_row(table, 0));
    for (std::int64_t h = 1; h < row_count; ++h) {
      row[h] = _mm256_broadcastsi128_si256(_mm_xor_si128(load_row(table, h), load_row(table, h - 1)));
    }
  }

  // 0 for indices that are negative as signed bytes.
  __m256i of(__m256i index) const {
    const __m256i next_row = _mm256_set1_epi8(row_size);
    __m256i result = _mm256_shuffle_epi8(row[0], index);
    for (std::int64_t h = 1; h < row_count; ++h) {
      index = _mm256_subs_epi8(index, next_row);  // saturated: what is negative stays negative
      result = _mm256_xor_si256(result, _mm256_shuffle_epi8(row[h], index));
    }
    return result;
  }
};

void one_table(const std::uint8_t* table, const std::uint8_t* input, std::int64_t count, std::uint8_t* output) {
  const HalfTable lower(table), upper(table + row_count * row_size);
  const __m256i half = _mm256_set1_epi8(static_cast<char>(0x80));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(input + i));
    const __m256i result = _mm256_or_si256(lower.of(bytes), upper.of(_mm256_xor_si256(bytes, half)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(output + i), result);
  }
  for (; i < count; ++i) output[i] = table[input[i]];
}

}  // namespace

const LookupKernel lookup_avx2 = {"avx2", Isa::avx2, one_table};

}  // namespace itrt::kernels
