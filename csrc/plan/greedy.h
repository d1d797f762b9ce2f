// Layouts without search: buffers in some order, each at the lowest offset where it meets nothing that lies there.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/function_ref.h"
#include "plan/buffer.h"

namespace itrt::plan {

// `order`: every index of `buffers` once. `cancel` is asked now and then; from when it says true, the rest is stacked
// on top, so that there is a layout in any case.
Layout place_in_order(std::span<const Buffer> buffers, std::span<const std::size_t> order, FunctionRef<bool()> cancel);
Layout place_in_order(std::span<const Buffer> buffers, std::span<const std::size_t> order);

// The largest first: what TensorFlow Lite for Microcontrollers does.
std::vector<std::size_t> order_by_size(std::span<const Buffer> buffers);
// The longest life first; of equal ones the largest.
std::vector<std::size_t> order_by_lifetime(std::span<const Buffer> buffers);
// The largest product of both first.
std::vector<std::size_t> order_by_area(std::span<const Buffer> buffers);

}  // namespace itrt::plan
