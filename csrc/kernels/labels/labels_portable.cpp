#include "kernels/labels/labels.h"

namespace itrt::kernels {
namespace {

template <class Label>
void argmax_as(const LabelsCall& call, std::int64_t first_pixel, std::int64_t last_pixel) {
  for (std::int64_t pixel = first_pixel; pixel < last_pixel; ++pixel) {
    const std::uint8_t* logits = call.logits + pixel * call.classes;
    std::int64_t best = 0;
    for (std::int64_t k = 1; k < call.classes; ++k) {
      if (logits[k] > logits[best]) best = k;
    }
    static_cast<Label*>(call.argmax)[pixel] = static_cast<Label>(best);
  }
}

void argmax(const LabelsCall& call, std::int64_t first_pixel, std::int64_t last_pixel) {
  const auto compute = call.classes <= 256 ? argmax_as<std::uint8_t> : argmax_as<std::uint16_t>;
  compute(call, first_pixel, last_pixel);
}

template <class Label>
void resolve_cell(const LabelsCells& cells, const std::uint8_t* top_left, const std::uint8_t* bottom_left,
                  Label* labels) {
  constexpr std::uint32_t low = 0xffff;
  const std::uint8_t *top_right = top_left + cells.right_distance, *bottom_right = bottom_left + cells.right_distance;
  std::int32_t best[labels_chunk];
  for (std::int64_t i = 0; i < cells.pixels; ++i) best[i] = -1;
  for (std::int64_t k = 0; k < cells.classes; ++k) {
    const std::uint32_t top0 = top_left[k], top1 = top_right[k], bottom0 = bottom_left[k], bottom1 = bottom_right[k];
    for (std::int64_t i = 0; i < cells.pixels; ++i) {
      const std::uint32_t top = cells.top_weights[i], bottom = cells.bottom_weights[i];
      const std::int32_t sum = static_cast<std::int32_t>((top & low) * top0 + (top >> 16) * top1 +
                                                         (bottom & low) * bottom0 + (bottom >> 16) * bottom1);
      if (sum > best[i]) {
        best[i] = sum;
        labels[i] = static_cast<Label>(k);
      }
    }
  }
}

template <class Label>
void resolve_as(const LabelsCells& cells) {
  for (std::int64_t n = 0; n < cells.count; ++n) {
    resolve_cell(cells, cells.top + cells.left[n], cells.bottom + cells.left[n],
                 static_cast<Label*>(cells.labels) + n * labels_chunk);
  }
}

void resolve(const LabelsCells& cells) {
  const auto compute = cells.classes <= 256 ? resolve_as<std::uint8_t> : resolve_as<std::uint16_t>;
  compute(cells);
}

void run(const LabelsCall& call, std::int64_t first_row, std::int64_t last_row) {
  label_rows(resolve, call, first_row, last_row);
}

}  // namespace

const LabelsKernel labels_portable = {"portable", Isa::portable, argmax, run};

}  // namespace itrt::kernels
