// A program's tensors -> buffers with lifetimes. The only file of the plan that sees the model.
//
// Time is the operators in file order: stem, block, head. The block is a loop, with the head run at will after an
// iteration, so what the block reads from outside lives until the end, and the state lives around the loop:
//
//            stem        block               head
//   features   [====================================)
//   state        [=======)      [===================)   dead between its last reader and the writer of the next state
//   temporaries           [==)[====)                    gone before the iteration ends
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/program.h"
#include "model/sizes.h"
#include "plan/buffer.h"

namespace itrt::plan {

struct TensorBuffers {
  std::vector<Buffer> buffers;
  std::vector<std::size_t> buffer_of_tensor;
  // The next state has a buffer of its own (the block reads the state after it has written the next one) and is copied
  // into the state's when the iteration ends.
  bool copies_state = false;
};

// `unstored`: tensors that exist only while the operator behind their writer computes both (a resize inside of an
// addition): they need no memory, and what their writer reads is read a step later.
TensorBuffers tensor_buffers(const model::Program& program, std::span<const model::Size> sizes, std::int64_t alignment,
                             std::span<const model::TensorIndex> unstored = {});

}  // namespace itrt::plan
