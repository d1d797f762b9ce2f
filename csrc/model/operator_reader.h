// Operators as the JSON has them (docs/format.md): fields in, plain structs out.
#pragma once

#include <cstdint>

#include "model/container.h"
#include "model/field.h"
#include "model/program.h"

namespace itrt::model {

inline constexpr std::int64_t max_index = INT32_MAX;
// Channels, kernels, strides: far above any network, far below an overflow.
inline constexpr std::int64_t max_extent = 1 << 16;

TensorIndex read_index(const Field& field);

// Throws ModelFileError for what is no operator. Whether it fits the program is for validate.
Operator read_operator(const Field& field, const Container& container);

}  // namespace itrt::model
