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

namespace itrt::kernels {

struct LabelsCall {
  const std::uint8_t* logits = nullptr;  // (logits_height, logits_width, classes), input_slack bytes readable behind
  std::int64_t logits_height = 0, logits_width = 0;
  std::int64_t classes = 0;         // 1 .. 65536
  std::uint16_t* argmax = nullptr;  // (logits_height, logits_width), written by LabelsKernel::argmax, read by run
  void* labels = nullptr;           // (height, width), u8 up to 256 classes, else u16
  std::int64_t height = 0, width = 0;
  std::byte* scratch = nullptr;  // labels_scratch_bytes(width, classes), 64-byte aligned, this thread's own
};

std::size_t labels_scratch_bytes(std::int64_t width, std::int64_t classes);

struct LabelsKernel {
  const char* name;
  Isa isa;
  void (*argmax)(const LabelsCall& call, std::int64_t first_pixel, std::int64_t last_pixel);  // of the logits
  void (*run)(const LabelsCall& call, std::int64_t first_row, std::int64_t last_row);         // of the labels
};

// The labels of up to 64 pixels between four neighbouring logit pixels (top left, top right, bottom left, bottom
// right): the class with the largest top_weights * (left, right) + bottom_weights * (left, right). A weight pair is two
// 16-bit numbers, the left one in the low half; weights of `count` rounded up to 16 pixels are readable, labels
// writable.
inline constexpr std::int64_t labels_chunk = 64;
struct LabelsCell {
  const std::uint8_t* corners[4];
  std::int64_t classes;
  const std::uint32_t* top_weights;
  const std::uint32_t* bottom_weights;
  std::int64_t count;
  std::uint16_t* labels;
};

// The driver of all kernels' `run`.
void label_rows(void (*resolve)(const LabelsCell& cell), const LabelsCall& call, std::int64_t first_row,
                std::int64_t last_row);

extern const LabelsKernel labels_portable;
#if defined(ITRT_X86)
extern const LabelsKernel labels_avx2;
extern const LabelsKernel labels_avx512_vnni;
#endif

std::span<const LabelsKernel* const> labels_kernels();  // best first
const LabelsKernel& select_labels(Isa isa);

}  // namespace itrt::kernels
