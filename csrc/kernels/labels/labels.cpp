// The driver: output rows and columns are grouped by the logit pixels they lie between, and a group is a CELL:
//
//      logits (i, j)      o───────o (i, j + 1)     the output pixels inside share four neighbours: one comparison of
//                         │ · · · │                four argmaxes labels them all, or their sums are computed together,
//                         │ · · · │                pixels in vector lanes, a loop over the classes
//                         o───────o
#include "kernels/labels/labels.h"

#include <algorithm>
#include <cstring>

#include "kernels/resize/resize.h"
#include "kernels/select.h"

namespace itrt::kernels {
namespace {

struct Span {
  std::int32_t first, last;     // output indices
  std::int32_t index0, index1;  // logit indices; the same where only one has weight
};

// A neighbour without weight is none.
ResizeTap tap_of(std::int64_t index, std::int64_t input_size, std::int64_t output_size) {
  ResizeTap tap = resize_tap(index, input_size, output_size);
  if (tap.weight1 == 0) tap.index1 = tap.index0;
  if (tap.weight0 == 0) tap.index0 = tap.index1;
  return tap;
}

// A row's tables in the scratch memory.
struct Columns {
  Span* spans;
  std::int32_t* undecided;      // indices of spans whose four argmaxes differ
  std::uint32_t* weight_pairs;  // an output column each: left weight, right weight << 16
  std::int64_t span_count = 0;
};

Columns make_columns(const LabelsCall& call) {
  Columns columns;
  columns.spans = reinterpret_cast<Span*>(call.scratch);
  columns.undecided = reinterpret_cast<std::int32_t*>(columns.spans + call.width);
  columns.weight_pairs = reinterpret_cast<std::uint32_t*>(columns.undecided + call.width);
  for (std::int64_t x = 0; x < call.width; ++x) {
    const ResizeTap tap = tap_of(x, call.logits_width, call.width);
    columns.weight_pairs[x] = static_cast<std::uint32_t>(tap.weight0) | (static_cast<std::uint32_t>(tap.weight1) << 16);
    if (columns.span_count) {
      Span& span = columns.spans[columns.span_count - 1];
      if (span.index0 == tap.index0 && span.index1 == tap.index1) {
        ++span.last;
        continue;
      }
    }
    const std::int32_t column = static_cast<std::int32_t>(x);
    columns.spans[columns.span_count++] = {column, column + 1, tap.index0, tap.index1};
  }
  return columns;
}

template <class Label>
class Rows {
 public:
  Rows(void (*resolve)(const LabelsCell& cell), const LabelsCall& call, const Columns& columns)
      : resolve_(resolve), call_(call), columns_(columns) {}

  // Output rows [first, last), all between logit rows row0 and row1.
  void label(std::int64_t first, std::int64_t last, const ResizeTap& tap) {
    weights_first_ = -1;
    Label* out = row(first);
    const std::uint16_t* top = call_.argmax + tap.index0 * call_.logits_width;
    const std::uint16_t* bottom = call_.argmax + tap.index1 * call_.logits_width;
    std::int64_t undecided = 0;
    for (std::int64_t s = 0; s < columns_.span_count; ++s) {
      const Span& span = columns_.spans[s];
      const std::uint16_t label = top[span.index0];
      columns_.undecided[undecided] = static_cast<std::int32_t>(s);
      undecided += (label != top[span.index1]) | (label != bottom[span.index0]) | (label != bottom[span.index1]);
      for (std::int32_t x = span.first; x < span.last; ++x) out[x] = static_cast<Label>(label);
    }
    for (std::int64_t y = first + 1; y < last; ++y) {
      std::memcpy(row(y), out, static_cast<std::size_t>(call_.width) * sizeof(Label));
    }
    for (std::int64_t i = 0; i < undecided; ++i) resolve_cell(first, last, tap, columns_.spans[columns_.undecided[i]]);
  }

 private:
  Label* row(std::int64_t y) const { return static_cast<Label*>(call_.labels) + y * call_.width; }

  // The pixels of a cell in chunks, row by row.
  void resolve_cell(std::int64_t first, std::int64_t last, const ResizeTap& tap, const Span& span) {
    const std::int64_t columns = span.last - span.first, pixels = (last - first) * columns;
    const auto logits = [&](std::int64_t y, std::int64_t x) {
      return call_.logits + (y * call_.logits_width + x) * call_.classes;
    };
    alignas(64) std::uint16_t labels[labels_chunk];
    LabelsCell cell = {.corners = {logits(tap.index0, span.index0), logits(tap.index0, span.index1),
                                   logits(tap.index1, span.index0), logits(tap.index1, span.index1)},
                       .classes = call_.classes,
                       .top_weights = top_weights_,
                       .bottom_weights = bottom_weights_,
                       .count = 0,
                       .labels = labels};
    for (std::int64_t done = 0; done < pixels; done += cell.count) {
      cell.count = std::min(pixels - done, labels_chunk);
      make_weights(first, span, columns, done, cell.count);
      resolve_(cell);
      std::int64_t y = first + done / columns, x = done % columns;
      Label* out = row(y) + span.first;
      for (std::int64_t i = 0; i < cell.count; ++i) {
        out[x] = static_cast<Label>(labels[i]);
        if (++x == columns) x = 0, out += call_.width;
      }
    }
  }

  // Both weights of a pair times a vertical weight: at most 128 * 128 a half, so one 32-bit multiplication does both.
  // Most cells of an image have the weights of their left neighbour.
  void make_weights(std::int64_t first, const Span& span, std::int64_t columns, std::int64_t done, std::int64_t count) {
    const std::uint32_t* pairs = columns_.weight_pairs + span.first;
    if (done == 0 && weights_first_ >= 0 && weights_count_ == count && weights_columns_ == columns &&
        std::equal(pairs, pairs + columns, columns_.weight_pairs + weights_first_)) {
      return;
    }
    weights_first_ = done == 0 ? span.first : -1;
    weights_count_ = count;
    weights_columns_ = columns;
    std::int64_t y = first + done / columns, x = done % columns;
    ResizeTap tap = tap_of(y, call_.logits_height, call_.height);
    for (std::int64_t i = 0; i < count; ++i) {
      top_weights_[i] = pairs[x] * static_cast<std::uint32_t>(tap.weight0);
      bottom_weights_[i] = pairs[x] * static_cast<std::uint32_t>(tap.weight1);
      if (++x == columns) x = 0, tap = tap_of(++y, call_.logits_height, call_.height);
    }
  }

  void (*resolve_)(const LabelsCell& cell);
  const LabelsCall& call_;
  const Columns& columns_;
  alignas(64) std::uint32_t top_weights_[labels_chunk] = {};
  alignas(64) std::uint32_t bottom_weights_[labels_chunk] = {};
  std::int64_t weights_first_ = -1, weights_count_ = 0, weights_columns_ = 0;  // what the weights were made for
};

template <class Label>
void label_rows_as(void (*resolve)(const LabelsCell& cell), const LabelsCall& call, std::int64_t first_row,
                   std::int64_t last_row) {
  const Columns columns = make_columns(call);
  Rows<Label> rows(resolve, call, columns);
  while (first_row < last_row) {
    const ResizeTap tap = tap_of(first_row, call.logits_height, call.height);
    std::int64_t end = first_row + 1;
    for (; end < last_row; ++end) {
      const ResizeTap next = tap_of(end, call.logits_height, call.height);
      if (next.index0 != tap.index0 || next.index1 != tap.index1) break;
    }
    rows.label(first_row, end, tap);
    first_row = end;
  }
}

constexpr const LabelsKernel* kernel_rows[] = {
#if defined(ITRT_X86)
    &labels_avx512_vnni,
    &labels_avx2,
#endif
    &labels_portable,
};

}  // namespace

std::size_t labels_scratch_bytes(std::int64_t width, std::int64_t) {
  return static_cast<std::size_t>(width) * (sizeof(Span) + sizeof(std::int32_t) + sizeof(std::uint32_t));
}

void label_rows(void (*resolve)(const LabelsCell& cell), const LabelsCall& call, std::int64_t first_row,
                std::int64_t last_row) {
  if (call.classes <= 256) {
    label_rows_as<std::uint8_t>(resolve, call, first_row, last_row);
  } else {
    label_rows_as<std::uint16_t>(resolve, call, first_row, last_row);
  }
}

std::span<const LabelsKernel* const> labels_kernels() { return kernel_rows; }

const LabelsKernel& select_labels(Isa isa) { return best_of<LabelsKernel>(kernel_rows, isa); }

}  // namespace itrt::kernels
