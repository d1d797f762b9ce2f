// AVX2: eight pixels of a cell in lanes; a class costs two vpmaddwd, an addition, a comparison, a maximum and a blend.
#include <immintrin.h>

#include "kernels/labels/labels.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t classes_a_step = 16;

// The lowest class with the largest logit. A 16-bit key is (255 - logit, class within the step), and vphminposuw finds
// the smallest of eight keys.
void argmax(const LabelsCall& call, std::int64_t first_pixel, std::int64_t last_pixel) {
  const __m128i index = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (std::int64_t pixel = first_pixel; pixel < last_pixel; ++pixel) {
    const std::uint8_t* logits = call.logits + pixel * call.classes;
    std::uint32_t best = 256;  // the inverted logit
    std::int64_t label = 0;
    for (std::int64_t k = 0; k < call.classes; k += classes_a_step) {
      const std::int64_t left = call.classes - k;
      const __m128i none = left >= classes_a_step
                               ? _mm_setzero_si128()  // lanes behind the last class: the largest inverted logit
                               : _mm_cmpgt_epi8(index, _mm_set1_epi8(static_cast<char>(left - 1)));
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(logits + k));
      const __m128i inverted = _mm_or_si128(_mm_xor_si128(bytes, _mm_set1_epi8(-1)), none);
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
  for (std::int64_t first = 0; first < cell.count; first += 8) {
    const __m256i top = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(cell.top_weights + first));
    const __m256i bottom = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(cell.bottom_weights + first));
    __m256i best = _mm256_set1_epi32(-1), label = _mm256_setzero_si256();
    for (std::int64_t k = 0; k < cell.classes; ++k) {
      const int top_pair = cell.corners[0][k] | cell.corners[1][k] << 16;
      const int bottom_pair = cell.corners[2][k] | cell.corners[3][k] << 16;
      const __m256i sum = _mm256_add_epi32(_mm256_madd_epi16(top, _mm256_set1_epi32(top_pair)),
                                           _mm256_madd_epi16(bottom, _mm256_set1_epi32(bottom_pair)));
      const __m256i larger = _mm256_cmpgt_epi32(sum, best);
      best = _mm256_max_epi32(best, sum);
      label = _mm256_blendv_epi8(label, _mm256_set1_epi32(static_cast<int>(k)), larger);
    }
    const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(label), _mm256_extracti128_si256(label, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(cell.labels + first), words);
  }
}

void run(const LabelsCall& call, std::int64_t first_row, std::int64_t last_row) {
  label_rows(resolve, call, first_row, last_row);
}

}  // namespace

const LabelsKernel labels_avx2 = {"avx2", Isa::avx2, argmax, run};

}  // namespace itrt::kernels
