// The lowest height of tiny instances, by trying every offset. Naive on purpose, with nothing of the solver but its
// structs.
#pragma once

#include <cstdint>
#include <span>

#include "plan/validator.h"

namespace itrt::test {

inline bool fits_by_force(std::span<const plan::Buffer> buffers, std::int64_t height, std::size_t placed,
                          plan::Layout& layout) {
  if (placed == buffers.size()) return true;
  for (std::int64_t offset = 0; offset <= height; offset += buffers[placed].alignment) {
    layout.offsets.resize(placed);
    layout.offsets.push_back(offset);
    layout.height = height;
    if (plan::find_conflict(buffers.first(placed + 1), layout)) continue;
    if (fits_by_force(buffers, height, placed + 1, layout)) return true;
  }
  return false;
}

inline std::int64_t lowest_height(std::span<const plan::Buffer> buffers) {
  plan::Layout layout;
  std::int64_t height = 0;
  while (!fits_by_force(buffers, height, 0, layout)) ++height;
  return height;
}

}  // namespace itrt::test
