// What no layout can be lower than.
#pragma once

#include <cstdint>
#include <span>

#include "plan/buffer.h"

namespace itrt::plan {

// The largest sum of sizes that live at one time. Where all alignments have a common divisor, every buffer but the
// uppermost ends at a multiple of it, so rounded sizes are added.
std::int64_t lower_bound(std::span<const Buffer> buffers);

}  // namespace itrt::plan
