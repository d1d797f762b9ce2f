// Labels at any size from low-resolution u8 logits: bilinear resampling that is never rounded, then argmax
// (docs/numerics.md). The lowest class wins ties.
//
// Most output pixels need no arithmetic: where the four logit pixels around one have the same argmax, that is its
// label, since a sum with non-negative weights keeps an order that holds in all four. So: argmax once at the logits'
// own size (`argmax`), then rows of labels (`run`), computing sums only where the four differ.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/isa.h"
#include "kernels/labels/labels_axis.h"

namespace itrt::kernels {

// A label is u8 up to 256 classes, else u16.
constexpr std::size_t label_bytes(std::int64_t classes) { return classes <= 256 ? 1 : 2; }

struct LabelsCall {
  const std::uint8_t* logits = nullptr;  // (rows->input_size(), columns->input_size(), classes); no byte more is read
  std::int64_t classes = 0;              // 1 .. 65536
  const LabelsAxis* rows = nullptr;
  const LabelsAxis* columns = nullptr;
  void* argmax = nullptr;  // labels of the logits' pixels, written by LabelsKernel::argmax, read by run
  void* labels = nullptr;  // (rows->output_size(), columns->output_size())
};

struct LabelsKernel {
  const char* name;
  Isa isa;
  void (*argmax)(const LabelsCall& call, std::int64_t first_pixel, std::int64_t last_pixel);  // of the logits
  void (*run)(const LabelsCall& call, std::int64_t first_row, std::int64_t last_row);         // of the labels
};

// The end of the pixels up to `last` whose classes may be read `step` at a time.
std::int64_t last_readable_pixel(const LabelsCall& call, std::int64_t last, std::int64_t step);

// Tiles with the same weights of cells between two rows of logits: four columns and up to sixteen rows of output
// pixels, which lie between four neighbouring logit pixels each. A pixel's label is the class with the largest
//
//      top * (left * top left + right * top right) + bottom * (left * bottom left + right * bottom right)
//
// A pair of weights is two 16-bit numbers, the left or top one in the low half; they add up to 128, and neither is 128.
struct LabelsTiles {
  static constexpr std::int64_t columns = 4, rows_step = 4, most_rows = 16;

  const std::uint8_t* top;
  const std::uint8_t* bottom;
  const std::uint8_t* logits_end;  // no byte from here on is read
  std::int64_t classes;
  const std::int64_t* left;                       // for each tile, the offset of its left logit pixels in their rows,
  std::int64_t right_distance;                    // and from there that of the right ones
  std::int64_t count;                             // of tiles
  std::int64_t rows;                              // a multiple of rows_step
  std::array<std::uint32_t, columns> horizontal;  // pairs (left, right)
  std::array<std::uint32_t, most_rows> vertical;  // pairs (top, bottom)
  void* labels;                                   // (count, rows, columns)
};

// The driver of all kernels' `run`.
void label_rows(void (*resolve)(const LabelsTiles& tiles), const LabelsCall& call, std::int64_t first_row,
                std::int64_t last_row);

extern const LabelsKernel labels_portable;
#if defined(ITRT_X86)
extern const LabelsKernel labels_avx2;
extern const LabelsKernel labels_avx512_vnni;
#endif

std::span<const LabelsKernel* const> labels_kernels();  // best first
const LabelsKernel& select_labels(Isa isa);

}  // namespace itrt::kernels
