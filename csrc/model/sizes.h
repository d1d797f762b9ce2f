// Heights and widths of all tensors for an image's size. The program holds none: they follow from the image.
#pragma once

#include <cstdint>
#include <vector>

#include "model/program.h"

namespace itrt::model {

struct Size {
  std::int64_t height = 0, width = 0;
  bool operator==(const Size&) const = default;
};

// One size a tensor. Throws InvalidArgument where the program does not fit this image size: an output without pixels,
// inputs of one operator that differ, a state that changes its size, or tensors above `max_tensor_bytes`.
std::vector<Size> infer_sizes(const Program& program, Size image);

// Of a pooling's output; an axis is 0 where not even one window fits.
Size pooled_size(const Pool& pool, Size input);

inline constexpr std::int64_t max_tensor_bytes = std::int64_t{1} << 33;

}  // namespace itrt::model
