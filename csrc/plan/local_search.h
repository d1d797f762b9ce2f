// Better orders for greedy placement, by small steps: for instances that are too large to search.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/function_ref.h"
#include "plan/buffer.h"

namespace itrt::plan {

// Hill climbing: a buffer at the top of the layout goes to a random earlier place in the order; kept where the layout
// is not higher. At most `steps` layouts beside the first; ends at height `enough`. Deterministic but for `cancel`.
Layout improve_order(std::span<const Buffer> buffers, std::vector<std::size_t> order, std::int64_t enough,
                     std::int64_t steps, FunctionRef<bool()> cancel);

}  // namespace itrt::plan
