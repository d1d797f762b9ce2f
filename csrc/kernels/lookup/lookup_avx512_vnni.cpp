// AVX-512: vpermi2w picks one of 64 words, which are 128 bytes of the table; the lowest bit of q then says which byte
// of the word, the highest one which half of the table. Even and odd bytes take turns, as words.
#include <immintrin.h>

#include "kernels/lookup/lookup.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t lanes = 64;

struct Table {
  __m512i part[4];

  explicit Table(const std::uint8_t* table) {
    for (std::int64_t n = 0; n < 4; ++n) part[n] = _mm512_loadu_si512(table + n * lanes);
  }

  // For words below 256: the table's byte in the low half; the high half has any.
  __m512i of(__m512i values) const {
    const __m512i words = _mm512_srli_epi16(values, 1);
    const __m512i low = _mm512_permutex2var_epi16(part[0], words, part[1]);
    const __m512i high = _mm512_permutex2var_epi16(part[2], words, part[3]);
    const __mmask32 is_high = _mm512_test_epi16_mask(values, _mm512_set1_epi16(0x80));
    const __m512i is_odd = _mm512_and_si512(values, _mm512_set1_epi16(1));
    return _mm512_srlv_epi16(_mm512_mask_blend_epi16(is_high, low, high), _mm512_slli_epi16(is_odd, 3));
  }
};

inline __m512i look_up(const Table& table, __m512i bytes) {
  const __m512i even = table.of(_mm512_and_si512(bytes, _mm512_set1_epi16(0xff)));
  const __m512i odd = table.of(_mm512_srli_epi16(bytes, 8));
  return _mm512_mask_blend_epi8(0xaaaaaaaaaaaaaaaa, even, _mm512_slli_epi16(odd, 8));
}

void one_table(const std::uint8_t* table, const std::uint8_t* input, std::int64_t count, std::uint8_t* output) {
  const Table parts(table);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    _mm512_storeu_si512(output + i, look_up(parts, _mm512_loadu_si512(input + i)));
  }
  if (i == count) return;
  const __mmask64 mask = (__mmask64{1} << (count - i)) - 1;
  _mm512_mask_storeu_epi8(output + i, mask, look_up(parts, _mm512_maskz_loadu_epi8(mask, input + i)));
}

}  // namespace

const LookupKernel lookup_avx512_vnni = {"avx512_vnni", Isa::avx512_vnni, one_table};

}  // namespace itrt::kernels
