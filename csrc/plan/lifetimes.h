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
// An elementwise operator (an addition, a product, a table) reads an element before it writes it, so it may write over
// an input that dies there: in place. The two tensors are one buffer, and so are the state and the next state. Where
// rows are written in order, a convolution may write over its input, too, some rows behind what it still reads
// (aliasing.h).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/program.h"
#include "model/sizes.h"
#include "plan/buffer.h"
#include "plan/schedule.h"

namespace itrt::plan {

struct TensorBuffers {
  std::vector<Buffer> buffers;
  std::vector<std::size_t> buffer_of_tensor;
  std::vector<std::size_t> buffer_of_sums;  // Schedule::loop_sums
  std::vector<std::int64_t> starts;         // of each tensor in its buffer, in bytes above the buffer's offset
  std::vector<std::int64_t> pixel_bytes;    // from one pixel of a tensor to the next: its channels, or, of a view, more
  // The next state has a buffer of its own (the block reads the state after it has written the next one) and is copied
  // into the state's when the iteration ends.
  bool copies_state = false;
};

TensorBuffers tensor_buffers(const model::Program& program, std::span<const model::Size> sizes, std::int64_t alignment,
                             const Schedule& schedule = {});

}  // namespace itrt::plan
