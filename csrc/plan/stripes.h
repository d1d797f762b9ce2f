// Operators that run in turns, a stripe of rows each, so that a tensor between them needs a few rows at a time: a line
// buffer. Plain data in, plain data out; knows neither kernels nor networks.
//
// Two 3x3 convolutions, a -> b -> c, stripes of two rows of c; + computed in this stripe, = kept from the one before:
//
//              stripe 0        stripe 1        stripe 2
//   row of b 0 +
//            1 +  ──► c 0      = ──┐
//            2 +  ──► c 1      = ──┤► c 2      .
//            3                 +   │► c 3      = ──┐
//            4                 +  ─┘           = ──┤► c 4
//            5                                 +   │► c 5
//            6                                 +  ─┘
//
// Rows that no later stripe reads are let go; those that one still reads (the halo) move to the front of the line
// buffer, and the new rows are written behind them: no row is computed twice. The line buffer of b has four rows,
// whatever b's height.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace itrt::plan {

// Half open: [first, last).
struct Rows {
  std::int64_t first = 0, last = 0;
  std::int64_t count() const { return last - first; }
  bool operator==(const Rows&) const = default;
};

// Which rows of an input an operator reads for a row o of its output: `window` rows from
// floor((numerator * o + offset) / denominator) on. At the input's border the window is cut, or moved inside.
//
//   convolution     stride * o - padding_top             window: dilation * (kernel_height - 1) + 1     cut
//   bilinear        ((2 o + 1) * in - out) / (2 out)     window: 2 (docs/numerics.md)                   moved
//   aligned corners o * (in - 1) / (out - 1)             window: 2                                      moved
//   nearest         o * in / out                         window: 1
//   divided         o * in / out                         window: at most ceil(in / out) + 1             cut
//   padded          o - top                              window: 1, and what may be mirrored            cut
//   replicated      o - top                              window: 1                                      moved
//   blocks          o / block_height                     window: 1
//   elementwise     o                                    window: 1
//   everything      0                                    window: in
//
// A window may be larger than what is read: a stripe then waits for rows that it would not need, and is as right.
struct RowsRead {
  std::int64_t numerator = 1, offset = 0, denominator = 1;
  std::int64_t window = 1;
  bool moves_inside = false;

  static RowsRead elementwise() { return {}; }
  static RowsRead convolution(std::int64_t kernel, std::int64_t stride, std::int64_t padding_top,
                              std::int64_t dilation);
  static RowsRead bilinear(std::int64_t input_height, std::int64_t output_height);
  static RowsRead aligned_corners(std::int64_t input_height, std::int64_t output_height);
  static RowsRead nearest(std::int64_t input_height, std::int64_t output_height);
  static RowsRead divided(std::int64_t input_height, std::int64_t output_height);
  // `mirrored`: the most rows that are mirrored at a border, 0 where none are.
  static RowsRead padded(std::int64_t top, std::int64_t mirrored);
  static RowsRead replicated(std::int64_t top);
  static RowsRead blocks(std::int64_t block_height);
  static RowsRead everything(std::int64_t input_height);

  // For output rows [output.first, output.last) of an input of `height` rows; empty where the border is all they read.
  Rows of(Rows output, std::int64_t height) const;
};

struct StripedTensor {
  std::int64_t height = 0;
  // Stored whole: it is there before, or somebody behind the group reads it.
  bool whole = false;
};

struct StripedInput {
  std::size_t tensor = 0;
  RowsRead rows = {};
};

struct StripedOperator {
  std::size_t output = 0;
  std::vector<StripedInput> inputs;
};

// Operators in the order of execution, each output written once; the last one's output is whole.
struct StripeGroup {
  std::vector<StripedTensor> tensors;
  std::vector<StripedOperator> operators;
};

// Rows between two stripes that both need: kept in the line buffer (which makes it rolling), or computed again.
enum class Halo { kept, recomputed };

struct StripePlan {
  std::vector<std::vector<Rows>> computed;  // [stripe][operator]: rows of its output, maybe none
  // [stripe][tensor]: rows that lie in its line buffer, from the front on, when the stripe's operators have run; of
  // whole tensors and inputs: all rows.
  std::vector<std::vector<Rows>> held;
  std::vector<std::int64_t> buffer_rows;  // [tensor]: the line buffer's; of whole tensors the height
  std::int64_t recomputed_rows = 0;       // beyond the first time; 0 where halos are kept
};

// `rows`: of the last operator's output a stripe. Throws InvalidArgument for rows < 1, for a group without operators,
// for tensors that it has not or that are read before they are written, and for heights or geometries out of range
// (2^30 rows).
StripePlan plan_stripes(const StripeGroup& group, std::int64_t rows, Halo halo = Halo::kept);

}  // namespace itrt::plan
