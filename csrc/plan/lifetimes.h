// A program's tensors -> buffers with lifetimes. The only file of the plan that sees the model.
//
// Time is the operators in file order: stem, block, head. The block is a loop, with the head run at will after an
// iteration, so what the block reads from outside lives until the end, and the state lives around the loop:
//
//            stem        block               head
//   features   [====================================)
//   state        [=======)      [===================)   dead between its last reader and the writer of the next state
//   temporaries           [==)[====)                    gone before the iteration ends
//
// An addition reads an element before it writes it, so it may write over an input that dies there: in place. The two
// tensors are one buffer, and so are the state and the next state. Where rows are written in order, a convolution may
// write over its input, too, some rows behind what it still reads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/program.h"
#include "model/sizes.h"
#include "plan/buffer.h"
#include "plan/sharing.h"

namespace itrt::plan {

struct TensorBuffers {
  std::vector<Buffer> buffers;
  std::vector<std::size_t> buffer_of_tensor;
  std::vector<std::int64_t> starts;  // of each tensor in its buffer, in bytes above the buffer's offset
  // The next state has a buffer of its own (the block reads the state after it has written the next one) and is copied
  // into the state's when the iteration ends.
  bool copies_state = false;
};

// A tensor of which a few rows are stored at a time (stripes.h).
struct LineBuffer {
  model::TensorIndex tensor = 0;
  std::int64_t rows = 0;
};

// Where the runtime departs from one operator after the other, each tensor stored.
struct Schedule {
  // Tensors that exist only while the operator behind their writer computes both (a resize inside of an addition): they
  // need no memory, and what their writer reads is read a step later.
  std::vector<model::TensorIndex> unstored = {};
  // Operators that run in turns, a stripe of rows each: whatever one of them reads or writes lives as long as they all.
  std::vector<Interval> striped = {};
  std::vector<LineBuffer> line_buffers = {};
  // Convolutions write their output from the first row to the last, so many rows at once, before they read what only
  // later rows need. 0: in another order, as the threads and tiles of a CPU do.
  std::int64_t rows_at_once = 0;
};

TensorBuffers tensor_buffers(const model::Program& program, std::span<const model::Size> sizes, std::int64_t alignment,
                             const Schedule& schedule = {});

}  // namespace itrt::plan
