#include "runtime/pool_call.h"

namespace itrt {
namespace {

kernels::PoolCall call_of(const PooledTensors& tensors) {
  kernels::PoolCall call;
  call.vertical = {.input = tensors.input.height, .output = tensors.output.height};
  call.horizontal = {.input = tensors.input.width, .output = tensors.output.width};
  call.channels = tensors.channels;
  return call;
}

kernels::PoolAverage average_of(const model::AverageScale& scale, const PooledTensors& tensors) {
  return {.multiplier = scale.multiplier,
          .shift = scale.shift,
          .input_zero_point = tensors.input_zero_point,
          .output_zero_point = tensors.output_zero_point};
}

}  // namespace

kernels::PoolCall pool_call(const model::Pool& pool, const PooledTensors& tensors) {
  kernels::PoolCall call = call_of(tensors);
  for (const std::size_t axis : {std::size_t{0}, std::size_t{1}}) {
    kernels::PoolAxis& of = axis == 0 ? call.vertical : call.horizontal;
    of.kernel = pool.kernel[axis];
    of.stride = pool.stride[axis];
    of.padding_before = pool.padding[axis];
    of.padding_behind = pool.padding[axis + 2];
    of.dilation = pool.dilation[axis];
  }
  if (pool.mode == model::Pool::Mode::average) {
    call.average = average_of(pool.scale, tensors);
    call.average->count_padding = pool.count_padding;
  }
  return call;
}

kernels::PoolCall pool_call(const model::AdaptivePool& pool, const PooledTensors& tensors) {
  kernels::PoolCall call = call_of(tensors);
  call.vertical.divides = call.horizontal.divides = true;
  call.average = average_of(pool.scale, tensors);
  return call;
}

}  // namespace itrt
