// AVX2: as labels_avx512_vnni.cpp does it, eight pixels in lanes. A class costs a vpmaddwd, an addition and a maximum.
#include <immintrin.h>

#include "kernels/labels/labels.h"

namespace itrt::kernels {
namespace {

inline __m128i load(const void* data) { return _mm_loadu_si128(static_cast<const __m128i*>(data)); }

// Eight labels of 16 bits, from `index` on.
inline void store_eight(__m128i words, std::int64_t classes, void* labels, std::int64_t index) {
  if (classes <= 256) {
    auto* bytes = static_cast<std::uint8_t*>(labels) + index;
    _mm_storel_epi64(reinterpret_cast<__m128i*>(bytes), _mm_packus_epi16(words, words));
  } else {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(static_cast<std::uint16_t*>(labels) + index), words);
  }
}

// ---- argmax of logit pixels ----

constexpr std::int64_t argmax_classes = 16;  // a step
constexpr std::int64_t argmax_pixels = 8;

// Of each 128 bits, sixteen classes of a pixel: the larger of two 16-bit keys (logit, 15 - class), eight times.
inline __m256i larger_keys(const std::uint8_t* pixel, const std::uint8_t* fourth_next, __m256i valid, __m256i index) {
  const __m256i logits =
      _mm256_and_si256(_mm256_inserti128_si256(_mm256_castsi128_si256(load(pixel)), load(fourth_next), 1), valid);
  return _mm256_max_epu16(_mm256_unpacklo_epi8(index, logits), _mm256_unpackhi_epi8(index, logits));
}

// The largest keys of eight pixels, whose logits lie `classes` apart.
inline __m128i largest_keys(const std::uint8_t* logits, std::int64_t classes, __m256i valid) {
  const __m256i index =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
  const auto keys = [&](std::int64_t pixel) {
    return larger_keys(logits + pixel * classes, logits + (pixel + 4) * classes, valid, index);
  };
  const __m256i keys0 = keys(0), keys1 = keys(1), keys2 = keys(2), keys3 = keys(3);
  const __m256i keys01 = _mm256_max_epu16(_mm256_unpacklo_epi16(keys0, keys1), _mm256_unpackhi_epi16(keys0, keys1));
  const __m256i keys23 = _mm256_max_epu16(_mm256_unpacklo_epi16(keys2, keys3), _mm256_unpackhi_epi16(keys2, keys3));
  const __m256i pairs = _mm256_max_epu16(_mm256_unpacklo_epi32(keys01, keys23), _mm256_unpackhi_epi32(keys01, keys23));
  const __m256i largest = _mm256_max_epu16(pairs, _mm256_unpackhi_epi64(pairs, pairs));
  return _mm_unpacklo_epi64(_mm256_castsi256_si128(largest), _mm256_extracti128_si256(largest, 1));
}

// All ones where one of `left` classes is.
inline __m256i valid_classes(std::int64_t left) {
  const __m128i class_index = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const char count = static_cast<char>(left < argmax_classes ? left : argmax_classes);
  return _mm256_broadcastsi128_si256(_mm_cmpgt_epi8(_mm_set1_epi8(count), class_index));
}

inline __m128i argmax_of_eight(const std::uint8_t* logits, std::int64_t classes, __m256i valid) {
  const __m128i low_byte = _mm_set1_epi16(0xff);
  __m128i best = largest_keys(logits, classes, valid);
  __m128i label = _mm_sub_epi16(_mm_set1_epi16(15), _mm_and_si128(best, low_byte));
  for (std::int64_t k = argmax_classes; k < classes; k += argmax_classes) {
    const __m128i keys = largest_keys(logits + k, classes, valid_classes(classes - k));
    const __m128i larger = _mm_cmpgt_epi16(_mm_srli_epi16(keys, 8), _mm_srli_epi16(best, 8));
    const __m128i last = _mm_set1_epi16(static_cast<std::int16_t>(k + 15));
    best = _mm_blendv_epi8(best, keys, larger);
    label = _mm_blendv_epi8(label, _mm_sub_epi16(last, _mm_and_si128(keys, low_byte)), larger);
  }
  return label;
}

void argmax(const LabelsCall& call, std::int64_t first_pixel, std::int64_t last_pixel) {
  const std::int64_t last = last_readable_pixel(call, last_pixel, argmax_classes);
  const __m256i valid = valid_classes(call.classes);
  std::int64_t pixel = first_pixel;
  for (; pixel + argmax_pixels <= last; pixel += argmax_pixels) {
    const __m128i labels = argmax_of_eight(call.logits + pixel * call.classes, call.classes, valid);
    store_eight(labels, call.classes, call.argmax, pixel);
  }
  labels_portable.argmax(call, pixel, last_pixel);
}

// ---- cells ----

constexpr int label_bits = 7;
constexpr std::int64_t classes_a_step = 1 << label_bits;
constexpr std::int64_t classes_a_vector = 2, rows_a_vector = 2;

// Eight bytes, or `left` of them where there are no more.
inline __m128i load_eight(const std::uint8_t* data, const std::uint8_t* end, std::int64_t left) {
  if (end - data >= 8) return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(data));
  alignas(16) std::uint8_t bytes[16] = {};
  for (std::int64_t i = 0; i < left; ++i) bytes[i] = data[i];
  return load(bytes);
}

// The first two of four 32-bit numbers, each four times.
inline __m256i four_times(__m128i numbers) {
  return _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(numbers), _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1));
}

// The weights of four columns as bytes, for the top and for the bottom.
inline __m256i byte_weights(const LabelsTiles& tiles) {
  const __m128i pairs = load(tiles.horizontal.data());
  const __m128i bytes = _mm_packus_epi16(pairs, pairs);
  return _mm256_broadcastsi128_si256(_mm_unpacklo_epi16(bytes, bytes));
}

// (top, bottom) of four columns for a step's classes, a class after another, as 16-bit numbers.
struct Columns {
  __m256i of[classes_a_step / classes_a_vector];
};

inline void interpolate_columns(const LabelsTiles& tiles, const std::uint8_t* top, const std::uint8_t* bottom,
                                std::int64_t classes, __m256i weights, Columns& columns) {
  for (std::int64_t k = 0; k < classes; k += 8) {
    const auto pairs = [&](const std::uint8_t* logits) {
      return _mm_unpacklo_epi8(load_eight(logits + k, tiles.logits_end, classes - k),
                               load_eight(logits + k + tiles.right_distance, tiles.logits_end, classes - k));
    };
    const __m128i above = pairs(top), below = pairs(bottom);
    const __m128i low = _mm_unpacklo_epi16(above, below), high = _mm_unpackhi_epi16(above, below);
    __m256i* to = columns.of + k / classes_a_vector;
    const auto put = [&](int i, __m128i logits) { to[i] = _mm256_maddubs_epi16(four_times(logits), weights); };
    put(0, low);
    put(1, _mm_unpackhi_epi64(low, low));
    put(2, high);
    put(3, _mm_unpackhi_epi64(high, high));
  }
}

// Of two rows, the largest of sum * 2^label_bits + (classes_a_step - 1 - class) over the classes of a step; `weights`
// are 2^label_bits times those of the rows.
inline __m256i largest_sums(const Columns& columns, std::int64_t classes, __m256i weights) {
  __m256i largest = _mm256_setzero_si256(), index = _mm256_set1_epi32(classes_a_step - 1);
  const auto* of_class = reinterpret_cast<const __m128i*>(columns.of);
  for (std::int64_t k = 0; k < classes; ++k, index = _mm256_sub_epi32(index, _mm256_set1_epi32(1))) {
    const __m256i sum = _mm256_madd_epi16(weights, _mm256_broadcastsi128_si256(load(of_class + k)));
    largest = _mm256_max_epi32(largest, _mm256_add_epi32(sum, index));
  }
  return largest;
}

struct Best {
  __m256i sum, label;
};

// What a step finds for two rows; its first class is `first`.
inline Best find(const LabelsTiles& tiles, const Columns& columns, std::int64_t first, std::int64_t classes,
                 std::int64_t row) {
  const __m128i pairs =
      _mm_loadl_epi64(reinterpret_cast<const __m128i*>(tiles.vertical.data() + static_cast<std::size_t>(row)));
  const __m256i keys = largest_sums(columns, classes, four_times(_mm_slli_epi32(pairs, label_bits)));
  const __m256i last = _mm256_set1_epi32(static_cast<int>(first + classes_a_step - 1));
  return {_mm256_srli_epi32(keys, label_bits),
          _mm256_sub_epi32(last, _mm256_and_si256(keys, _mm256_set1_epi32(classes_a_step - 1)))};
}

inline void improve(Best& best, const Best& next) {
  const __m256i larger = _mm256_cmpgt_epi32(next.sum, best.sum);
  best = {_mm256_max_epi32(best.sum, next.sum), _mm256_blendv_epi8(best.label, next.label, larger)};
}

inline void store_labels(const LabelsTiles& tiles, std::int64_t tile, std::int64_t row, __m256i labels) {
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(labels), _mm256_extracti128_si256(labels, 1));
  store_eight(words, tiles.classes, tiles.labels, (tile * tiles.rows + row) * LabelsTiles::columns);
}

void resolve(const LabelsTiles& tiles) {
  Columns columns;
  const __m256i weights = byte_weights(tiles);
  Best best[LabelsTiles::most_rows / rows_a_vector];
  for (std::int64_t n = 0; n < tiles.count; ++n) {
    const std::uint8_t *top = tiles.top + tiles.left[n], *bottom = tiles.bottom + tiles.left[n];
    for (std::int64_t first = 0; first < tiles.classes; first += classes_a_step) {
      const std::int64_t left = tiles.classes - first, classes = left < classes_a_step ? left : classes_a_step;
      interpolate_columns(tiles, top + first, bottom + first, classes, weights, columns);
      for (std::int64_t row = 0; row < tiles.rows; row += rows_a_vector) {
        const Best found = find(tiles, columns, first, classes, row);
        Best& now = best[row / rows_a_vector];
        if (first == 0) {
          now = found;
        } else {
          improve(now, found);
        }
      }
    }
    for (std::int64_t row = 0; row < tiles.rows; row += rows_a_vector) {
      store_labels(tiles, n, row, best[row / rows_a_vector].label);
    }
  }
}

void run(const LabelsCall& call, std::int64_t first_row, std::int64_t last_row) {
  label_rows(resolve, call, first_row, last_row);
}

}  // namespace

const LabelsKernel labels_avx2 = {"avx2", Isa::avx2, argmax, run};

}  // namespace itrt::kernels
