// Pooling operators as their kernels see them.
#pragma once

#include "kernels/pool/pool.h"
#include "model/sizes.h"

namespace itrt {

struct PooledTensors {
  model::Size input, output;
  std::int64_t channels = 0;
  std::int32_t input_zero_point = 0, output_zero_point = 0;
};

// Everything but the memory.
kernels::PoolCall pool_call(const model::Pool& pool, const PooledTensors& tensors);
kernels::PoolCall pool_call(const model::AdaptivePool& pool, const PooledTensors& tensors);

}  // namespace itrt
