// AVX512-VNNI: sixteen pixels of a cell in lanes; a class costs two vpdpwssd, a comparison and two masked moves.
#include <immintrin.h>

#include "kernels/labels/labels.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t classes_a_step = 16;

// The lowest class with the largest logit. A 16-bit key is (255 - logit, class within the step), and vphminposuw finds
// the smallest of eight keys.
void argmax(const LabelsCall& call, std::int64_t first_pixel, std::int64_t last_pixel) {
  const __m128i index = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m128i ones = _mm_set1_epi8(-1);
  for (std::int64_t pixel = first_pixel; pixel < last_pixel; ++pixel) {
    const std::uint8_t* logits = call.logits + pixel * call.classes;
    std::uint32_t best = 256;  // the inverted logit
    std::int64_t label = 0;
    for (std::int64_t k = 0; k < call.classes; k += classes_a_step) {
      const std::int64_t left = call.classes - k;
      const __mmask16 mask =
          left >= classes_a_step ? static_cast<__mmask16>(0xffff) : static_cast<__mmask16>((1 << left) - 1);
      const __m128i inverted =
          _mm_xor_si128(_mm_maskz_loadu_epi8(mask, logits + k), ones);  // 255 behind the last class
      const __m128i keys = _mm_min_epu16(_mm_unpacklo_epi8(index, inverted), _mm_unpackhi_epi8(index, inverted));
      const std::uint32_t key = static_cast<std::uint32_t>(_mm_cvtsi128_si32(_mm_minpos_epu16(keys))) & 0xffff;
      if (key >> 8 < best) {
        best = key >> 8;
        label = k + (key & 0xff);
      }
    }
    call.argmax[pixel] = static_cast<std::uint16_t>(label);
  }
}

void resolve(const LabelsCell& cell) {
  for (std::int64_t first = 0; first < cell.count; first += 16) {
    const __m512i top = _mm512_loadu_si512(cell.top_weights + first);
    const __m512i bottom = _mm512_loadu_si512(cell.bottom_weights + first);
    __m512i best = _mm512_set1_epi32(-1), label = _mm512_setzero_si512();
    for (std::int64_t k = 0; k < cell.classes; ++k) {
      const int top_pair = cell.corners[0][k] | cell.corners[1][k] << 16;
      const int bottom_pair = cell.corners[2][k] | cell.corners[3][k] << 16;
      const __m512i sum =
          _mm512_dpwssd_epi32(_mm512_dpwssd_epi32(_mm512_setzero_si512(), top, _mm512_set1_epi32(top_pair)), bottom,
                              _mm512_set1_epi32(bottom_pair));
      const __mmask16 larger = _mm512_cmpgt_epi32_mask(sum, best);
      best = _mm512_mask_mov_epi32(best, larger, sum);
      label = _mm512_mask_set1_epi32(label, larger, static_cast<int>(k));
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(cell.labels + first), _mm512_cvtepi32_epi16(label));
  }
}

void run(const LabelsCall& call, std::int64_t first_row, std::int64_t last_row) {
  label_rows(resolve, call, first_row, last_row);
}

}  // namespace

const LabelsKernel labels_avx512_vnni = {"avx512_vnni", Isa::avx512_vnni, argmax, run};

}  // namespace itrt::kernels
