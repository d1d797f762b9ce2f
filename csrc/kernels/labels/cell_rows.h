// Rows of cells, one after another (labels.cpp).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "base/checked.h"
#include "base/prefetch.h"
#include "kernels/labels/labels.h"

namespace itrt::kernels {

template <class Label>
class CellRows {
 public:
  CellRows(void (*resolve)(const LabelsTiles& tiles), const LabelsCall& call)
      : resolve_(resolve),
        call_(call),
        rows_(*call.rows),
        columns_(*call.columns),
        logits_width_(columns_.input_size()),
        width_(columns_.output_size()) {}

  // The rows of a run, as far as they lie within [first_row, last_row).
  void label(std::int64_t run, std::int64_t first_row, std::int64_t last_row) {
    const OutputSpan all = rows_.run(run), rows = {std::max(all.first, first_row), std::min(all.last, last_row)};
    if (rows.size() <= 0) return;
    const std::int64_t top = LabelsAxis::lower_input(run), bottom = LabelsAxis::upper_input(run);
    const Label* top_labels = static_cast<const Label*>(call_.argmax) + top * logits_width_;
    const Label* bottom_labels = static_cast<const Label*>(call_.argmax) + bottom * logits_width_;
    const std::int64_t next_rows = std::min(rows.size(), last_row - rows.last);
    prefetch(row(rows.last), next_rows * width_ * static_cast<std::int64_t>(sizeof(Label)));
    expand(top_labels, row(rows.first));
    for (std::int64_t y = rows.first + 1; y < rows.last; ++y) {
      std::memcpy(row(y), row(rows.first), static_cast<std::size_t>(width_) * sizeof(Label));
    }
    const std::int64_t logits_row = logits_width_ * call_.classes;
    tiles_.top = call_.logits + top * logits_row;
    tiles_.bottom = call_.logits + bottom * logits_row;
    for (std::int64_t first = 0; first < logits_width_; first += block) {
      std::array<std::int64_t, block> undecided;
      const std::int64_t count = find_undecided(top_labels, bottom_labels, first, undecided.data());
      if (count) resolve_cells(rows, top_labels, bottom_labels, undecided.data(), count);
    }
  }

 private:
  static constexpr std::int64_t block = 128;  // logit columns
  static constexpr std::int64_t labels_a_word = sizeof(std::uint64_t) / sizeof(Label);
  static constexpr std::uint64_t ones = ~std::uint64_t{0} / static_cast<Label>(-1);  // a 1 in every label of a word

  // The first label in the low bits: x86 and ARM are little-endian.
  static std::uint64_t word_at(const Label* labels) {
    std::uint64_t word;
    std::memcpy(&word, labels, sizeof(word));
    return word;
  }

  Label* row(std::int64_t y) const { return static_cast<Label*>(call_.labels) + y * width_; }

  // Every pixel gets the label of the logit pixel on its left.
  void expand(const Label* labels, Label* out) const {
    const std::int32_t* edges = columns_.edges();
    std::int64_t j = 0;
    for (; j + labels_a_word <= logits_width_; j += labels_a_word) {
      if (word_at(labels + j) == ones * labels[j]) {
        std::fill(out + edges[2 * j], out + edges[2 * (j + labels_a_word)], labels[j]);
      } else {
        expand(labels, j, j + labels_a_word, out);
      }
    }
    expand(labels, j, logits_width_, out);
  }

  // Those of the columns [first, last). Eight bytes are written for each of these at least, as far as they fit, and the
  // next one writes over what is too much.
  void expand(const Label* labels, std::int64_t first, std::int64_t last, Label* out) const {
    const std::int32_t* edges = columns_.edges();
    for (std::int64_t j = first; j < last; ++j) {
      const std::int32_t begin = edges[2 * j], end = edges[2 * j + 2];
      if (end - begin <= labels_a_word && begin + labels_a_word <= width_) {
        const std::uint64_t repeated = ones * labels[j];
        std::memcpy(out + begin, &repeated, sizeof(repeated));
      } else {
        std::fill(out + begin, out + end, labels[j]);
      }
    }
  }

  // The columns of a block that have more than one label among their two pixels and the next column's; their number.
  // A word of labels at a time, as far as all of these columns have a next one.
  std::int64_t find_undecided(const Label* top, const Label* bottom, std::int64_t first, std::int64_t* columns) const {
    constexpr int label_bits = 8 * sizeof(Label);
    const std::int64_t last = std::min(first + block, logits_width_);
    std::int64_t count = 0, j = first;
    for (; j + labels_a_word <= std::min(last, logits_width_ - 1); j += labels_a_word) {
      const std::uint64_t label = word_at(top + j);
      std::uint64_t differ =
          (label ^ word_at(top + j + 1)) | (label ^ word_at(bottom + j)) | (label ^ word_at(bottom + j + 1));
      for (int shift = label_bits / 2; shift > 0; shift /= 2) differ |= differ >> shift;
      for (differ &= ones; differ != 0; differ &= differ - 1) {  // the lowest bit of every label that is not 0
        columns[count++] = j + std::countr_zero(differ) / label_bits;
      }
    }
    for (; j < last; ++j) {
      const std::int64_t right = std::min(j + 1, logits_width_ - 1);
      columns[count] = j;
      count += (top[j] != top[right]) | (top[j] != bottom[j]) | (top[j] != bottom[right]);
    }
    return count;
  }

  // The cells on undecided columns, then those between them and their next ones.
  void resolve_cells(const OutputSpan& rows, const Label* top, const Label* bottom, const std::int64_t* undecided,
                     std::int64_t count) {
    std::array<std::int64_t, block> on;
    std::int64_t count_on = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t column = undecided[i];
      on[static_cast<std::size_t>(count_on)] = column;
      count_on += (columns_.run(LabelsAxis::run_of(column, false)).size() > 0) & (top[column] != bottom[column]);
    }
    tiles_.right_distance = 0;
    resolve_runs(rows, on.data(), count_on, false);
    tiles_.right_distance = call_.classes;
    resolve_runs(rows, undecided, count, true);
  }

  // Of each column, the run on it, or between it and the next one.
  void resolve_runs(const OutputSpan& rows, const std::int64_t* columns, std::int64_t count, bool between) {
    for (std::int64_t first = 0, last; first < count; first = last) {
      const std::int32_t shape = columns_.shape(LabelsAxis::run_of(columns[first], between));
      last = first + 1;
      while (last < count && columns_.shape(LabelsAxis::run_of(columns[last], between)) == shape) ++last;
      resolve_alike(rows, columns + first, last - first, between);
    }
  }

  // Runs of one shape.
  void resolve_alike(const OutputSpan& rows, const std::int64_t* of_columns, std::int64_t count, bool between) {
    constexpr std::int64_t tile_rows = LabelsTiles::most_rows, tile_columns = LabelsTiles::columns;
    alignas(64) std::array<Label, block * tile_rows * tile_columns> labels;
    std::array<std::int64_t, block> left, begin;
    for (std::int64_t i = 0; i < count; ++i) {
      left[static_cast<std::size_t>(i)] = of_columns[i] * call_.classes;
      begin[static_cast<std::size_t>(i)] = columns_.run(LabelsAxis::run_of(of_columns[i], between)).first;
    }
    tiles_.left = left.data();
    tiles_.count = count;
    tiles_.labels = labels.data();
    const OutputSpan columns = columns_.run(LabelsAxis::run_of(of_columns[0], between));
    for (std::int64_t x = columns.first; x < columns.last; x += tile_columns) {
      const OutputSpan some_columns = {x, std::min(x + tile_columns, columns.last)};
      weights_of(columns_, some_columns, tiles_.horizontal);
      for (std::int64_t y = rows.first; y < rows.last; y += tile_rows) {
        const OutputSpan some_rows = {y, std::min(y + tile_rows, rows.last)};
        weights_of(rows_, some_rows, tiles_.vertical);
        tiles_.rows = round_up(some_rows.size(), LabelsTiles::rows_step);
        resolve_(tiles_);
        copy_tiles(labels.data(), some_rows, begin.data(), x - columns.first, some_columns.size());
      }
    }
  }

  // Beyond the last output, its own.
  template <std::size_t count>
  static void weights_of(const LabelsAxis& axis, const OutputSpan& outputs, std::array<std::uint32_t, count>& weights) {
    for (std::size_t i = 0; i < count; ++i) {
      weights[i] = axis.weights()[std::min(outputs.first + static_cast<std::int64_t>(i), outputs.last - 1)];
    }
  }

  // Constant widths, as a call of memcpy a row would take longest.
  void copy_tiles(const Label* labels, const OutputSpan& rows, const std::int64_t* begin, std::int64_t offset,
                  std::int64_t width) const {
    switch (width) {
      case 1:
        return copy_tiles<1>(labels, rows, begin, offset);
      case 2:
        return copy_tiles<2>(labels, rows, begin, offset);
      case 3:
        return copy_tiles<3>(labels, rows, begin, offset);
      default:
        return copy_tiles<4>(labels, rows, begin, offset);
    }
  }

  // To the columns that lie `offset` behind `begin`.
  template <std::size_t width>
  void copy_tiles(const Label* labels, const OutputSpan& rows, const std::int64_t* begin, std::int64_t offset) const {
    constexpr std::int64_t pitch = LabelsTiles::columns;
    Label* out = row(rows.first) + offset;
    for (std::int64_t n = 0; n < tiles_.count; ++n, labels += tiles_.rows * pitch) {
      for (std::int64_t y = 0; y < rows.size(); ++y) {
        std::memcpy(out + begin[n] + y * width_, labels + y * pitch, width * sizeof(Label));
      }
    }
  }

  void (*resolve_)(const LabelsTiles& tiles);
  const LabelsCall& call_;
  const LabelsAxis& rows_;
  const LabelsAxis& columns_;
  std::int64_t logits_width_, width_;
  LabelsTiles tiles_ = {.top = nullptr,
                        .bottom = nullptr,
                        .logits_end = call_.logits + rows_.input_size() * logits_width_ * call_.classes,
                        .classes = call_.classes,
                        .left = nullptr,
                        .right_distance = 0,
                        .count = 0,
                        .rows = 0,
                        .horizontal = {},
                        .vertical = {},
                        .labels = nullptr};
};

}  // namespace itrt::kernels
