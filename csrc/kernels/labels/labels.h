// Labels at any size from low-resolution u8 logits: bilinear resampling that is never rounded, then argmax
// (docs/numerics.md). The lowest class wins ties.
//
// Most output pixels need no arithmetic: where the four logit pixels around one have the same argmax, that is its
// label, since a sum with non-negative weights keeps an order that holds in all four. So: argmax once at the logits'
// own size (`argmax`), then rows of labels (`run`), computing sums only where the four differ.
#pragma once

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

// Cells with the same weights, between two rows of logits: for up to 64 pixels between four neighbouring logit pixels
// each, the class with the largest top_weights * (top left, top right) + bottom_weights * (bottom left, bottom right).
// A weight pair is two 16-bit numbers, the left one in the low half; the four weights of a pixel add up to 16384.
// Weights of `pixels` rounded up to 16 are readable.
inline constexpr std::int64_t labels_chunk = 64;
struct LabelsCells {
  const std::uint8_t* top;
  const std::uint8_t* bottom;
  const std::uint8_t* logits_end;  // no byte from here on is read
  std::int64_t classes;
  const std::int64_t* left;     // for each cell, the offset of its left logit pixels in their rows,
  std::int64_t right_distance;  // and from there that of the right ones
  std::int64_t count;
  std::int64_t pixels;
  const std::uint32_t* top_weights;
  const std::uint32_t* bottom_weights;
  void* labels;  // those of the next cell are labels_chunk further
};

// The driver of all kernels' `run`.
void label_rows(void (*resolve)(const LabelsCells& cells), const LabelsCall& call, std::int64_t first_row,
                std::int64_t last_row);

extern const LabelsKernel labels_portable;
#if defined(ITRT_X86)
extern const LabelsKernel labels_avx2;
extern const LabelsKernel labels_avx512_vnni;
#endif

std::span<const LabelsKernel* const> labels_kernels();  // best first
const LabelsKernel& select_labels(Isa isa);

}  // namespace itrt::kernels
