// Where the execution of a program departs from one operator after the other, each tensor stored by itself.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "model/program.h"
#include "plan/sharing.h"

namespace itrt::plan {

// A tensor of which a few rows are stored at a time (stripes.h).
struct LineBuffer {
  model::TensorIndex tensor = 0;
  std::int64_t rows = 0;
};

struct Schedule {
  // Tensors that exist only while the operator behind their writer computes both (a convolution inside of an addition):
  // they need no memory, and what their writer reads is read a step later.
  std::vector<model::TensorIndex> unstored = {};
  // Operators that run in turns, a stripe of rows each: whatever one of them reads or writes lives as long as they all.
  std::vector<Interval> striped = {};
  std::vector<LineBuffer> line_buffers = {};
  // Sums that are computed before the loop, in bytes: there from the block's first operator on, to the end.
  std::vector<std::int64_t> loop_sums = {};
  // Convolutions and pools write their output from the first row to the last, so many rows at once, before they read
  // what only later rows need. 0: in another order, as the threads and tiles of a CPU do.
  std::int64_t rows_at_once = 0;
  // Operators may leave bytes between one pixel's channels and the next one's, so a concatenation can hold its inputs
  // and a split be a part of its input (aliasing.h).
  bool views = false;

  bool is_unstored(model::TensorIndex index) const {
    return std::find(unstored.begin(), unstored.end(), index) != unstored.end();
  }
  bool is_stored_in_part(model::TensorIndex index) const {
    return std::any_of(line_buffers.begin(), line_buffers.end(),
                       [&](const LineBuffer& line) { return line.tensor == index; });
  }
  bool is_striped(std::int64_t time) const {
    return std::any_of(striped.begin(), striped.end(),
                       [&](const Interval& turns) { return turns.begin <= time && time < turns.end; });
  }
};

}  // namespace itrt::plan
