// The weights of a rectangle of output pixels, row by row.
#pragma once

#include <array>
#include <cstdint>

#include "kernels/labels/labels.h"

namespace itrt::kernels {

// Consecutive outputs of a run.
struct RunPart {
  std::int32_t shape = -1;
  std::int64_t offset = 0;  // in the run
  OutputSpan outputs;

  bool has_weights_of(const RunPart& other) const {
    return shape == other.shape && offset == other.offset && outputs.size() == other.outputs.size();
  }
};

inline RunPart part_of(const LabelsAxis& axis, std::int64_t run, const OutputSpan& outputs) {
  return {axis.shape(run), outputs.first - axis.run(run).first, outputs};
}

class TileWeights {
 public:
  TileWeights(const LabelsAxis& rows, const LabelsAxis& columns)
      : vertical_pairs_(rows.weights()), horizontal_pairs_(columns.weights()) {}

  const std::uint32_t* top() const { return top_.data(); }
  const std::uint32_t* bottom() const { return bottom_.data(); }

  // At most labels_chunk pixels. Most tiles of an image have the weights of the one before.
  void make(const RunPart& rows, const RunPart& columns) {
    if (rows.has_weights_of(rows_) && columns.has_weights_of(columns_)) return;
    rows_ = rows;
    columns_ = columns;
    std::size_t pixel = 0;
    for (std::int64_t y = rows.outputs.first; y < rows.outputs.last; ++y) {
      const std::uint32_t vertical = vertical_pairs_[y];
      for (std::int64_t x = columns.outputs.first; x < columns.outputs.last; ++x, ++pixel) {
        // At most 128 * 128 a half, so one 32-bit multiplication does both.
        top_[pixel] = horizontal_pairs_[x] * (vertical & 0xffff);
        bottom_[pixel] = horizontal_pairs_[x] * (vertical >> 16);
      }
    }
  }

 private:
  const std::uint32_t *vertical_pairs_, *horizontal_pairs_;
  RunPart rows_, columns_;  // what the weights were made for
  alignas(64) std::array<std::uint32_t, labels_chunk> top_ = {};
  alignas(64) std::array<std::uint32_t, labels_chunk> bottom_ = {};
};

}  // namespace itrt::kernels
