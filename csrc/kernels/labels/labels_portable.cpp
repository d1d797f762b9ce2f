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

// A pair of weights on two logits.
inline std::int32_t weighted(std::uint32_t weights, std::int32_t first, std::int32_t second) {
  return static_cast<std::int32_t>(weights & 0xffff) * first + static_cast<std::int32_t>(weights >> 16) * second;
}

template <class Label>
void resolve_tile(const LabelsTiles& tiles, const std::uint8_t* top, const std::uint8_t* bottom, Label* labels) {
  constexpr std::int64_t columns = LabelsTiles::columns;
  std::int32_t best[LabelsTiles::most_rows * columns];
  for (std::int64_t i = 0; i < tiles.rows * columns; ++i) best[i] = -1;
  for (std::int64_t k = 0; k < tiles.classes; ++k) {
    std::int32_t above[columns], below[columns];
    for (std::size_t x = 0; x < columns; ++x) {
      above[x] = weighted(tiles.horizontal[x], top[k], top[k + tiles.right_distance]);
      below[x] = weighted(tiles.horizontal[x], bottom[k], bottom[k + tiles.right_distance]);
    }
    for (std::int64_t i = 0; i < tiles.rows * columns; ++i) {
      const std::uint32_t vertical = tiles.vertical[static_cast<std::size_t>(i / columns)];
      const std::int32_t sum = weighted(vertical, above[i % columns], below[i % columns]);
      if (sum > best[i]) {
        best[i] = sum;
        labels[i] = static_cast<Label>(k);
      }
    }
  }
}

template <class Label>
void resolve_as(const LabelsTiles& tiles) {
  for (std::int64_t n = 0; n < tiles.count; ++n) {
    resolve_tile(tiles, tiles.top + tiles.left[n], tiles.bottom + tiles.left[n],
                 static_cast<Label*>(tiles.labels) + n * tiles.rows * LabelsTiles::columns);
  }
}

void resolve(const LabelsTiles& tiles) {
  const auto compute = tiles.classes <= 256 ? resolve_as<std::uint8_t> : resolve_as<std::uint16_t>;
  compute(tiles);
}

void run(const LabelsCall& call, std::int64_t first_row, std::int64_t last_row) {
  label_rows(resolve, call, first_row, last_row);
}

}  // namespace

const LabelsKernel labels_portable = {"portable", Isa::portable, argmax, run};

}  // namespace itrt::kernels
