#include "kernels/labels/labels.h"

namespace itrt::kernels {
namespace {

void argmax(const LabelsCall& call, std::int64_t first_pixel, std::int64_t last_pixel) {
  for (std::int64_t pixel = first_pixel; pixel < last_pixel; ++pixel) {
    const std::uint8_t* logits = call.logits + pixel * call.classes;
    std::int64_t best = 0;
    for (std::int64_t k = 1; k < call.classes; ++k) {
      if (logits[k] > logits[best]) best = k;
    }
    call.argmax[pixel] = static_cast<std::uint16_t>(best);
  }
}

void resolve(const LabelsCell& cell) {
  constexpr std::uint32_t low = 0xffff;
  std::int32_t best[labels_chunk];
  for (std::int64_t i = 0; i < cell.count; ++i) best[i] = -1;
  for (std::int64_t k = 0; k < cell.classes; ++k) {
    const std::uint32_t top_left = cell.corners[0][k], top_right = cell.corners[1][k];
    const std::uint32_t bottom_left = cell.corners[2][k], bottom_right = cell.corners[3][k];
    for (std::int64_t i = 0; i < cell.count; ++i) {
      const std::uint32_t top = cell.top_weights[i], bottom = cell.bottom_weights[i];
      const std::int32_t sum = static_cast<std::int32_t>((top & low) * top_left + (top >> 16) * top_right +
                                                         (bottom & low) * bottom_left + (bottom >> 16) * bottom_right);
      if (sum > best[i]) {
        best[i] = sum;
        cell.labels[i] = static_cast<std::uint16_t>(k);
      }
    }
  }
}

void run(const LabelsCall& call, std::int64_t first_row, std::int64_t last_row) {
  label_rows(resolve, call, first_row, last_row);
}

}  // namespace

const LabelsKernel labels_portable = {"portable", Isa::portable, argmax, run};

}  // namespace itrt::kernels
