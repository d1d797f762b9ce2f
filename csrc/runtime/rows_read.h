// Which rows of its inputs an operator reads for a row of its output.
#pragma once

#include <span>
#include <vector>

#include "model/sizes.h"
#include "plan/stripes.h"
#include "runtime/program.h"

namespace itrt {

struct InputRows {
  model::TensorIndex input = 0;
  plan::RowsRead rows;
};

// One entry an input, as often as the operator names it. `sizes`: one a tensor.
std::vector<InputRows> rows_read(const PreparedOperator& op, std::span<const model::Size> sizes);

}  // namespace itrt
