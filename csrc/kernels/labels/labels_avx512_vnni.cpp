// AVX512-VNNI: sixteen pixels of a cell in lanes. A class costs two vpdpwssd and a maximum, because sum and class are
// one number: the larger sum, and among equal sums the lower class, is the larger number.
#include <immintrin.h>

#include "kernels/labels/labels.h"

namespace itrt::kernels {
namespace {

constexpr int label_bits = 7;
constexpr std::int64_t classes_a_step = 1 << label_bits;
constexpr std::int64_t pixels_a_step = 16;

// The logits (left, right) of a step's classes as 16-bit numbers, times 2^label_bits.
struct Pairs {
  alignas(64) std::int32_t top[classes_a_step], bottom[classes_a_step];
};

inline __m512i make_pairs(const std::uint8_t* left, const std::uint8_t* right, __mmask16 mask) {
  const __m512i low = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, left));
  const __m512i high = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, right));
  return _mm512_slli_epi32(_mm512_or_si512(low, _mm512_slli_epi32(high, 16)), label_bits);
}

inline void make_pairs(const std::uint8_t* top, const std::uint8_t* bottom, std::int64_t right_distance,
                       std::int64_t classes, Pairs& pairs) {
  for (std::int64_t k = 0; k < classes; k += 16) {
    const __mmask16 mask = static_cast<__mmask16>(classes - k < 16 ? (1 << (classes - k)) - 1 : 0xffff);
    _mm512_store_si512(pairs.top + k, make_pairs(top + k, top + k + right_distance, mask));
    _mm512_store_si512(pairs.bottom + k, make_pairs(bottom + k, bottom + k + right_distance, mask));
  }
}

// What a class adds to its sums: classes_a_step - 1 - class. From memory, because broadcasts of what is loaded cost the
// vector units nothing, and they have the most to do here.
struct Precedence {
  std::int32_t of[classes_a_step];
};
constexpr Precedence precedence = [] {
  Precedence result = {};
  for (int k = 0; k < classes_a_step; ++k) result.of[k] = static_cast<int>(classes_a_step) - 1 - k;
  return result;
}();

// Of sixteen pixels, the largest of sum * 2^label_bits + precedence over the classes of a step.
inline __m512i largest_sums(const LabelsCells& cells, const Pairs& pairs, std::int64_t classes, std::int64_t pixel) {
  const __m512i top = _mm512_loadu_si512(cells.top_weights + pixel);
  const __m512i bottom = _mm512_loadu_si512(cells.bottom_weights + pixel);
  __m512i largest = _mm512_setzero_si512();
  for (std::int64_t k = 0; k < classes; k += 4) {  // beyond the last one they are 0, which comes after all others
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const __m512i half =
          _mm512_dpwssd_epi32(_mm512_set1_epi32(precedence.of[k + i]), top, _mm512_set1_epi32(pairs.top[k + i]));
      largest = _mm512_max_epi32(largest, _mm512_dpwssd_epi32(half, bottom, _mm512_set1_epi32(pairs.bottom[k + i])));
    }
  }
  return largest;
}

// The label in a key that largest_sums has found, counted from the step's first class.
inline __m512i label_of(__m512i key) { return _mm512_andnot_si512(key, _mm512_set1_epi32(classes_a_step - 1)); }

inline void store_labels(const LabelsCells& cells, std::int64_t pixel, __m512i labels) {
  if (cells.classes <= 256) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(static_cast<std::uint8_t*>(cells.labels) + pixel),
                     _mm512_cvtepi32_epi8(labels));
  } else {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(static_cast<std::uint16_t*>(cells.labels) + pixel),
                        _mm512_cvtepi32_epi16(labels));
  }
}

// Classes of one step.
void resolve_at_once(const LabelsCells& cells) {
  Pairs pairs;
  for (std::int64_t n = 0; n < cells.count; ++n) {
    make_pairs(cells.top + cells.left[n], cells.bottom + cells.left[n], cells.right_distance, cells.classes, pairs);
    for (std::int64_t pixel = 0; pixel < cells.pixels; pixel += pixels_a_step) {
      store_labels(cells, n * labels_chunk + pixel, label_of(largest_sums(cells, pairs, cells.classes, pixel)));
    }
  }
}

struct Best {
  __m512i sum = _mm512_set1_epi32(-1), label = _mm512_setzero_si512();

  void improve(__m512i key, std::int64_t first_class) {
    const __m512i next = _mm512_srli_epi32(key, label_bits);
    const __mmask16 larger = _mm512_cmpgt_epi32_mask(next, sum);
    sum = _mm512_mask_mov_epi32(sum, larger, next);
    label = _mm512_mask_add_epi32(label, larger, label_of(key), _mm512_set1_epi32(static_cast<int>(first_class)));
  }
};

// Any number of classes.
void resolve_in_steps(const LabelsCells& cells) {
  Pairs pairs;
  for (std::int64_t n = 0; n < cells.count; ++n) {
    const std::uint8_t *top = cells.top + cells.left[n], *bottom = cells.bottom + cells.left[n];
    Best best[labels_chunk / pixels_a_step];
    for (std::int64_t first = 0; first < cells.classes; first += classes_a_step) {
      const std::int64_t left = cells.classes - first, classes = left < classes_a_step ? left : classes_a_step;
      make_pairs(top + first, bottom + first, cells.right_distance, classes, pairs);
      for (std::int64_t pixel = 0; pixel < cells.pixels; pixel += pixels_a_step) {
        best[pixel / pixels_a_step].improve(largest_sums(cells, pairs, classes, pixel), first);
      }
    }
    for (std::int64_t pixel = 0; pixel < cells.pixels; pixel += pixels_a_step) {
      store_labels(cells, n * labels_chunk + pixel, best[pixel / pixels_a_step].label);
    }
  }
}

void resolve(const LabelsCells& cells) {
  return cells.classes <= classes_a_step ? resolve_at_once(cells) : resolve_in_steps(cells);
}

void argmax(const LabelsCall& call, std::int64_t first_pixel, std::int64_t last_pixel) {
  labels_avx2.argmax(call, first_pixel, last_pixel);
}

void run(const LabelsCall& call, std::int64_t first_row, std::int64_t last_row) {
  label_rows(resolve, call, first_row, last_row);
}

}  // namespace

const LabelsKernel labels_avx512_vnni = {"avx512_vnni", Isa::avx512_vnni, argmax, run};

}  // namespace itrt::kernels
