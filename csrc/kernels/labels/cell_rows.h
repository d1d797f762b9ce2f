// Rows of cells, one after another (labels.cpp).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "kernels/labels/labels.h"
#include "kernels/labels/tile_weights.h"

namespace itrt::kernels {

template <class Label>
class CellRows {
 public:
  CellRows(void (*resolve)(const LabelsCells& cells), const LabelsCall& call)
      : resolve_(resolve),
        call_(call),
        rows_(*call.rows),
        columns_(*call.columns),
        logits_width_(columns_.input_size()),
        width_(columns_.output_size()),
        weights_(rows_, columns_) {}

  // The rows of a run, as far as they lie within [first_row, last_row).
  void label(std::int64_t run, std::int64_t first_row, std::int64_t last_row) {
    const OutputSpan all = rows_.run(run), rows = {std::max(all.first, first_row), std::min(all.last, last_row)};
    if (rows.size() <= 0) return;
    const std::int64_t top = LabelsAxis::lower_input(run), bottom = LabelsAxis::upper_input(run);
    const Label* top_labels = static_cast<const Label*>(call_.argmax) + top * logits_width_;
    const Label* bottom_labels = static_cast<const Label*>(call_.argmax) + bottom * logits_width_;
    expand(top_labels, row(rows.first));
    for (std::int64_t y = rows.first + 1; y < rows.last; ++y) {
      std::memcpy(row(y), row(rows.first), static_cast<std::size_t>(width_) * sizeof(Label));
    }
    const std::int64_t logits_row = logits_width_ * call_.classes;
    cells_.top = call_.logits + top * logits_row;
    cells_.bottom = call_.logits + bottom * logits_row;
    for (std::int64_t first = 0; first < logits_width_; first += block) {
      std::array<std::int64_t, block> undecided;
      const std::int64_t count = find_undecided(top_labels, bottom_labels, first, undecided.data());
      if (count) resolve_cells(run, rows, top_labels, bottom_labels, undecided.data(), count);
    }
  }

 private:
  static constexpr std::int64_t block = 64;  // logit columns
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
  void resolve_cells(std::int64_t row_run, const OutputSpan& rows, const Label* top, const Label* bottom,
                     const std::int64_t* undecided, std::int64_t count) {
    for (const bool between : {false, true}) {
      std::array<std::int64_t, block> runs;
      std::size_t cells = 0;
      for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t column = undecided[i], run = 2 * column + between;
        runs[cells] = run;
        cells += (columns_.run(run).size() > 0) & (between | (top[column] != bottom[column]));
      }
      cells_.right_distance = between ? call_.classes : 0;
      for (std::size_t first = 0, last; first < cells; first = last) {
        const std::int32_t shape = columns_.shape(runs[first]);
        for (last = first + 1; last < cells && columns_.shape(runs[last]) == shape;) ++last;
        resolve_alike(row_run, rows, runs.data() + first, last - first);
      }
    }
  }

  // Cells of one shape, in tiles of whole rows of them, as far as these are not too long.
  void resolve_alike(std::int64_t row_run, const OutputSpan& rows, const std::int64_t* runs, std::size_t count) {
    std::array<std::int64_t, block> left;
    for (std::size_t i = 0; i < count; ++i) left[i] = LabelsAxis::lower_input(runs[i]) * call_.classes;
    cells_.left = left.data();
    cells_.count = static_cast<std::int64_t>(count);
    const OutputSpan columns = columns_.run(runs[0]);
    const std::int64_t width = std::min(columns.size(), labels_chunk);
    const std::int64_t height = static_cast<std::int32_t>(labels_chunk) / static_cast<std::int32_t>(width);
    for (std::int64_t y = rows.first; y < rows.last; y += height) {
      const RunPart tile_rows = part_of(rows_, row_run, {y, std::min(y + height, rows.last)});
      for (std::int64_t x = columns.first; x < columns.last; x += width) {
        resolve_tiles(tile_rows, part_of(columns_, runs[0], {x, std::min(x + width, columns.last)}), runs, count);
      }
    }
  }

  // The same tile of every cell; `columns` are those of the first.
  void resolve_tiles(const RunPart& rows, const RunPart& columns, const std::int64_t* runs, std::size_t count) {
    alignas(64) std::array<Label, block * labels_chunk> labels;
    weights_.make(rows, columns);
    const std::int64_t width = columns.outputs.size();
    cells_.pixels = rows.outputs.size() * width;
    cells_.labels = labels.data();
    resolve_(cells_);
    switch (width) {  // the widths of usual factors, for which a call of memcpy a row would take longest
      case 2:
        return copy_tiles<2>(labels.data(), rows, columns, runs, count);
      case 4:
        return copy_tiles<4>(labels.data(), rows, columns, runs, count);
      case 8:
        return copy_tiles<8>(labels.data(), rows, columns, runs, count);
      default:
        return copy_tiles<0>(labels.data(), rows, columns, runs, count);
    }
  }

  template <std::int64_t constant_width>
  void copy_tiles(const Label* labels, const RunPart& rows, const RunPart& columns, const std::int64_t* runs,
                  std::size_t count) const {
    const std::int64_t width = constant_width ? constant_width : columns.outputs.size(), pitch = width_;
    const std::int64_t height = rows.outputs.size();
    Label* out = row(rows.outputs.first) + columns.offset;
    const std::int32_t* edges = columns_.edges();
    for (std::size_t n = 0; n < count; ++n, labels += labels_chunk) {
      const Label* from = labels;
      Label* to = out + edges[runs[n]];
      for (std::int64_t y = 0; y < height; ++y, from += width, to += pitch) {
        std::memcpy(to, from, static_cast<std::size_t>(width) * sizeof(Label));
      }
    }
  }

  void (*resolve_)(const LabelsCells& cells);
  const LabelsCall& call_;
  const LabelsAxis& rows_;
  const LabelsAxis& columns_;
  std::int64_t logits_width_, width_;
  TileWeights weights_;
  LabelsCells cells_ = {.top = nullptr,
                        .bottom = nullptr,
                        .logits_end = call_.logits + rows_.input_size() * logits_width_ * call_.classes,
                        .classes = call_.classes,
                        .left = nullptr,
                        .right_distance = 0,
                        .count = 0,
                        .pixels = 0,
                        .top_weights = weights_.top(),
                        .bottom_weights = weights_.bottom(),
                        .labels = nullptr};
};

}  // namespace itrt::kernels
