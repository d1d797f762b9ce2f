// The driver: output rows and columns are grouped by the logit pixels that they lie between, and a group is a CELL:
//
//      logits (i, j)      o───────o (i, j + 1)     the output pixels inside share four neighbours: one comparison of
//                         │ · · · │                four argmaxes labels them all, or their sums are computed together,
//                         │ · · · │                pixels in vector lanes, a loop over the classes
//                         o───────o
//
// Of a row of cells every pixel first gets the label of its top left neighbour; then the undecided cells are resolved.
#include "kernels/labels/labels.h"

#include <algorithm>

#include "base/checked.h"
#include "kernels/labels/cell_rows.h"
#include "kernels/select.h"

namespace itrt::kernels {
namespace {

template <class Label>
void label_rows_as(void (*resolve)(const LabelsTiles& tiles), const LabelsCall& call, std::int64_t first_row,
                   std::int64_t last_row) {
  CellRows<Label> cell_rows(resolve, call);
  for (std::int64_t run = 0; run < call.rows->run_count(); ++run) cell_rows.label(run, first_row, last_row);
}

constexpr const LabelsKernel* kernel_rows[] = {
#if defined(ITRT_X86)
    &labels_avx512_vnni,
    &labels_avx2,
#endif
    &labels_portable,
};

}  // namespace

void label_rows(void (*resolve)(const LabelsTiles& tiles), const LabelsCall& call, std::int64_t first_row,
                std::int64_t last_row) {
  if (call.classes <= 256) {
    label_rows_as<std::uint8_t>(resolve, call, first_row, last_row);
  } else {
    label_rows_as<std::uint16_t>(resolve, call, first_row, last_row);
  }
}

std::int64_t last_readable_pixel(const LabelsCall& call, std::int64_t last, std::int64_t step) {
  const std::int64_t pixels = call.rows->input_size() * call.columns->input_size();
  const std::int64_t unused = round_up(call.classes, step) - call.classes;  // bytes read behind a pixel
  return std::min(last, (pixels * call.classes - unused) / call.classes);
}

std::span<const LabelsKernel* const> labels_kernels() { return kernel_rows; }

const LabelsKernel& select_labels(Isa isa) { return best_of<LabelsKernel>(kernel_rows, isa); }

}  // namespace itrt::kernels
