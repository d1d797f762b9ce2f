// AVX512-VNNI: first the columns of a tile are interpolated, four classes in a vector, then its rows and all classes
// are compared, sixteen pixels in lanes:
//
//      logits of a class     vpmaddubsw      of each of 4 columns      vpdpwssd      4 rows of 4 columns
//      (left, right) x 2     ──────────►     (top, bottom)             ────────►     a maximum over the classes
//
// Sum and class are one number, of which the larger is the larger sum, and among equal sums the lower class.
#include <immintrin.h>

#include "kernels/labels/labels.h"

namespace itrt::kernels {
namespace {

// ---- argmax of logit pixels ----

constexpr std::int64_t argmax_classes = 16;  // a step
constexpr std::int64_t argmax_pixels = 16;

// Of each 128 bits, sixteen classes of a pixel: the larger of two 16-bit keys (logit, 15 - class), eight times. From
// one pixel to the next are `pitch` bytes.
inline __m512i larger_keys(const std::uint8_t* pixel, std::int64_t pitch, __mmask64 valid) {
  const auto load = [&](std::int64_t i) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(pixel + i * pitch));
  };
  __m512i logits = _mm512_inserti32x4(_mm512_castsi128_si512(load(0)), load(1), 1);
  logits = _mm512_inserti32x4(_mm512_inserti32x4(logits, load(2), 2), load(3), 3);
  logits = _mm512_maskz_mov_epi8(valid, logits);
  const __m512i index = _mm512_broadcast_i32x4(_mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
  return _mm512_max_epu16(_mm512_unpacklo_epi8(index, logits), _mm512_unpackhi_epi8(index, logits));
}

// The largest keys of sixteen pixels, whose logits lie `classes` apart.
inline __m256i largest_keys(const std::uint8_t* logits, std::int64_t classes, __mmask64 valid) {
  const auto keys = [&](std::int64_t pixel) { return larger_keys(logits + pixel * classes, 4 * classes, valid); };
  const __m512i keys0 = keys(0), keys1 = keys(1), keys2 = keys(2), keys3 = keys(3);
  const __m512i keys01 = _mm512_max_epu16(_mm512_unpacklo_epi16(keys0, keys1), _mm512_unpackhi_epi16(keys0, keys1));
  const __m512i keys23 = _mm512_max_epu16(_mm512_unpacklo_epi16(keys2, keys3), _mm512_unpackhi_epi16(keys2, keys3));
  const __m512i pairs = _mm512_max_epu16(_mm512_unpacklo_epi32(keys01, keys23), _mm512_unpackhi_epi32(keys01, keys23));
  const __m512i largest = _mm512_max_epu16(pairs, _mm512_unpackhi_epi64(pairs, pairs));
  return _mm512_castsi512_si256(_mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 0, 2, 4, 6), largest));
}

// A bit where one of `left` classes is, for four pixels.
inline __mmask64 valid_classes(std::int64_t left) {
  const std::uint64_t of_pixel = left < argmax_classes ? (1u << left) - 1 : 0xffff;
  return of_pixel * 0x0001000100010001u;
}

// The class in a key, counted from the step's first one.
inline __m256i class_of(__m256i key) { return _mm256_andnot_si256(key, _mm256_set1_epi16(argmax_classes - 1)); }

inline __m256i argmax_of_sixteen(const std::uint8_t* logits, std::int64_t classes, __mmask64 valid) {
  __m256i best = largest_keys(logits, classes, valid), label = class_of(best);
  for (std::int64_t k = argmax_classes; k < classes; k += argmax_classes) {
    const __m256i keys = largest_keys(logits + k, classes, valid_classes(classes - k));
    const __mmask16 larger = _mm256_cmpgt_epu16_mask(_mm256_srli_epi16(keys, 8), _mm256_srli_epi16(best, 8));
    best = _mm256_mask_mov_epi16(best, larger, keys);
    label = _mm256_mask_add_epi16(label, larger, class_of(keys), _mm256_set1_epi16(static_cast<std::int16_t>(k)));
  }
  return label;
}

void argmax(const LabelsCall& call, std::int64_t first_pixel, std::int64_t last_pixel) {
  const std::int64_t last = last_readable_pixel(call, last_pixel, argmax_classes);
  const __mmask64 valid = valid_classes(call.classes);
  std::int64_t pixel = first_pixel;
  for (; pixel + argmax_pixels <= last; pixel += argmax_pixels) {
    const __m256i labels = argmax_of_sixteen(call.logits + pixel * call.classes, call.classes, valid);
    if (call.classes <= 256) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(static_cast<std::uint8_t*>(call.argmax) + pixel),
                       _mm256_cvtepi16_epi8(labels));
    } else {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(static_cast<std::uint16_t*>(call.argmax) + pixel), labels);
    }
  }
  labels_avx2.argmax(call, pixel, last_pixel);
}

// ---- cells ----

constexpr int label_bits = 7;
constexpr std::int64_t classes_a_step = 1 << label_bits;
constexpr std::int64_t classes_a_vector = 4;
constexpr std::int64_t rows_a_vector = 4;

inline __m128i load_weights(const std::uint32_t* weights) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(weights));
}

// Each of the first four of sixteen 32-bit numbers four times.
inline __m512i four_times(__m128i numbers) {
  const __m512i index = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  return _mm512_permutexvar_epi32(index, _mm512_castsi128_si512(numbers));
}

// The weights of four columns as bytes, for the top and for the bottom.
inline __m512i byte_weights(const LabelsTiles& tiles) {
  const __m128i pairs = load_weights(tiles.horizontal.data());
  const __m128i bytes = _mm_packus_epi16(pairs, pairs);
  return _mm512_broadcast_i32x4(_mm_unpacklo_epi16(bytes, bytes));
}

// The vectors of (top, bottom) of four columns for some classes, a class after another.
constexpr std::int64_t vectors_of(std::int64_t classes) { return (classes + classes_a_vector - 1) / classes_a_vector; }

// Those of a span of tiles, one tile after another.
inline void interpolate_columns(const LabelsTiles& tiles, std::int64_t first, std::int64_t last,
                                std::int64_t first_class, std::int64_t classes, __m512i* columns) {
  const __m512i weights = byte_weights(tiles);
  for (std::int64_t k = 0; k < classes; k += 16) {
    const __mmask16 mask = static_cast<__mmask16>(classes - k < 16 ? (1 << (classes - k)) - 1 : 0xffff);
    const std::uint8_t *top = tiles.top + first_class + k, *bottom = tiles.bottom + first_class + k;
    const std::int64_t right = tiles.right_distance, vectors = vectors_of(classes - k);
    __m512i* to = columns + k / classes_a_vector;
    for (std::int64_t n = first; n < last; ++n, to += vectors_of(classes)) {
      const std::int64_t left = tiles.left[n];
      const __m128i top_left = _mm_maskz_loadu_epi8(mask, top + left);
      const __m128i top_right = _mm_maskz_loadu_epi8(mask, top + left + right);
      const __m128i bottom_left = _mm_maskz_loadu_epi8(mask, bottom + left);
      const __m128i bottom_right = _mm_maskz_loadu_epi8(mask, bottom + left + right);
      const __m128i top_low = _mm_unpacklo_epi8(top_left, top_right);
      const __m128i top_high = _mm_unpackhi_epi8(top_left, top_right);
      const __m128i bottom_low = _mm_unpacklo_epi8(bottom_left, bottom_right);
      const __m128i bottom_high = _mm_unpackhi_epi8(bottom_left, bottom_right);
      const auto put = [&](int i, __m128i logits) {
        if (i < vectors) _mm512_store_si512(to + i, _mm512_maddubs_epi16(four_times(logits), weights));
      };
      put(0, _mm_unpacklo_epi16(top_low, bottom_low));
      put(1, _mm_unpackhi_epi16(top_low, bottom_low));
      put(2, _mm_unpacklo_epi16(top_high, bottom_high));
      put(3, _mm_unpackhi_epi16(top_high, bottom_high));
    }
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

// Of sixteen pixels of each of some tiles, the largest of sum * 2^label_bits + precedence over the classes of a step;
// `weights` are 2^label_bits times those of the rows.
template <std::size_t tiles>
struct Keys {
  __m512i of[tiles];
};

template <std::size_t tiles>
inline Keys<tiles> largest_sums(const __m512i* const (&columns)[tiles], std::int64_t classes, __m512i weights) {
  Keys<tiles> largest = {};
  for (std::int64_t k = 0; k < classes; k += classes_a_vector) {  // beyond the last one they are 0
#pragma GCC unroll 4
    for (int i = 0; i < classes_a_vector; ++i) {
      const __m512i none = _mm512_set1_epi32(precedence.of[k + i]);
#pragma GCC unroll 2
      for (std::size_t n = 0; n < tiles; ++n) {
        const __m128i of_class = _mm_load_si128(reinterpret_cast<const __m128i*>(columns[n]) + k + i);
        largest.of[n] =
            _mm512_max_epi32(largest.of[n], _mm512_dpwssd_epi32(none, weights, _mm512_broadcast_i32x4(of_class)));
      }
    }
  }
  return largest;
}

struct RowWeights {
  __m512i of[LabelsTiles::most_rows / rows_a_vector];

  explicit RowWeights(const LabelsTiles& tiles) {
    for (std::int64_t row = 0; row < tiles.rows; row += rows_a_vector) {
      const __m128i pairs = load_weights(tiles.vertical.data() + row);
      of[row / rows_a_vector] = four_times(_mm_slli_epi32(pairs, label_bits));
    }
  }
};

// The label in a key that largest_sums has found, counted from the step's first class.
inline __m512i label_of(__m512i key) { return _mm512_andnot_si512(key, _mm512_set1_epi32(classes_a_step - 1)); }

inline void store_labels(const LabelsTiles& tiles, std::int64_t tile, std::int64_t row, __m512i labels) {
  const std::int64_t index = (tile * tiles.rows + row) * LabelsTiles::columns;
  if (tiles.classes <= 256) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(static_cast<std::uint8_t*>(tiles.labels) + index),
                     _mm512_cvtepi32_epi8(labels));
  } else {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(static_cast<std::uint16_t*>(tiles.labels) + index),
                        _mm512_cvtepi32_epi16(labels));
  }
}

// Classes of one step. The columns of several tiles are interpolated before any are read: a load from what was just
// stored has to wait.
void resolve_at_once(const LabelsTiles& tiles) {
  constexpr std::int64_t most_vectors = 2 * classes_a_step / classes_a_vector;
  __m512i columns[most_vectors];
  const std::int64_t vectors = vectors_of(tiles.classes), together = most_vectors / vectors;
  const RowWeights row_weights(tiles);
  for (std::int64_t first = 0; first < tiles.count; first += together) {
    const std::int64_t last = first + together < tiles.count ? first + together : tiles.count;
    interpolate_columns(tiles, first, last, 0, tiles.classes, columns);
    const __m512i* of_tile = columns;
    std::int64_t n = first;
    for (; n + 2 <= last; n += 2, of_tile += 2 * vectors) {
      for (std::int64_t row = 0; row < tiles.rows; row += rows_a_vector) {
        const auto keys =
            largest_sums({of_tile, of_tile + vectors}, tiles.classes, row_weights.of[row / rows_a_vector]);
        store_labels(tiles, n, row, label_of(keys.of[0]));
        store_labels(tiles, n + 1, row, label_of(keys.of[1]));
      }
    }
    for (std::int64_t row = 0; n < last && row < tiles.rows; row += rows_a_vector) {
      const auto keys = largest_sums({of_tile}, tiles.classes, row_weights.of[row / rows_a_vector]);
      store_labels(tiles, n, row, label_of(keys.of[0]));
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
void resolve_in_steps(const LabelsTiles& tiles) {
  __m512i columns[classes_a_step / classes_a_vector];
  const RowWeights row_weights(tiles);
  for (std::int64_t n = 0; n < tiles.count; ++n) {
    Best best[LabelsTiles::most_rows / rows_a_vector];
    for (std::int64_t first = 0; first < tiles.classes; first += classes_a_step) {
      const std::int64_t left = tiles.classes - first, classes = left < classes_a_step ? left : classes_a_step;
      interpolate_columns(tiles, n, n + 1, first, classes, columns);
      for (std::int64_t row = 0; row < tiles.rows; row += rows_a_vector) {
        const std::int64_t vector = row / rows_a_vector;
        best[vector].improve(largest_sums({columns}, classes, row_weights.of[vector]).of[0], first);
      }
    }
    for (std::int64_t row = 0; row < tiles.rows; row += rows_a_vector) {
      store_labels(tiles, n, row, best[row / rows_a_vector].label);
    }
  }
}

void resolve(const LabelsTiles& tiles) {
  return tiles.classes <= classes_a_step ? resolve_at_once(tiles) : resolve_in_steps(tiles);
}

void run(const LabelsCall& call, std::int64_t first_row, std::int64_t last_row) {
  label_rows(resolve, call, first_row, last_row);
}

}  // namespace

const LabelsKernel labels_avx512_vnni = {"avx512_vnni", Isa::avx512_vnni, argmax, run};

}  // namespace itrt::kernels
