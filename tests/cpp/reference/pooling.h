// Pooling of docs/numerics.md typed out, naive on purpose: one output value at a time, from whole tensors.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/pool/pool.h"

namespace itrt::reference {

// The places of an axis that window `o` covers, inside the input or not: first, first + dilation, ...
inline std::vector<std::int64_t> places(const kernels::PoolAxis& axis, std::int64_t o) {
  std::vector<std::int64_t> result;
  if (axis.divides) {
    for (std::int64_t place = 0; place < axis.input; ++place) {
      // first <= place < last, with first = floor(o in / out) and last = ceil((o + 1) in / out)
      if ((place + 1) * axis.output > o * axis.input && place * axis.output < (o + 1) * axis.input) {
        result.push_back(place);
      }
    }
    return result;
  }
  for (std::int64_t tap = 0; tap < axis.kernel; ++tap) {
    const std::int64_t place = o * axis.stride + tap * axis.dilation - axis.padding_before;
    if (place < axis.input + axis.padding_behind) result.push_back(place);  // what ceil adds is not there
  }
  return result;
}

// The whole output of a call whose input has all its rows.
inline std::vector<std::uint8_t> pool(const kernels::PoolCall& call) {
  const auto floor_divide = [](std::int64_t a, std::int64_t b) { return a / b - (a % b != 0 && a < 0); };
  std::vector<std::uint8_t> result;
  for (std::int64_t y = 0; y < call.vertical.output; ++y) {
    for (std::int64_t x = 0; x < call.horizontal.output; ++x) {
      for (std::int64_t c = 0; c < call.channels; ++c) {
        std::int64_t largest = 0, sum = 0, counted = 0;
        for (const std::int64_t row : places(call.vertical, y)) {
          for (const std::int64_t column : places(call.horizontal, x)) {
            const bool inside = row >= 0 && row < call.vertical.input && column >= 0 && column < call.horizontal.input;
            if (call.average && (inside || call.average->count_padding)) ++counted;
            if (!inside) continue;
            const std::int64_t value = call.input[(row * call.horizontal.input + column) * call.channels + c];
            largest = std::max(largest, value);
            if (call.average) sum += value - call.average->input_zero_point;
          }
        }
        std::int64_t value = largest;
        if (call.average) {
          const std::int64_t steps = counted << call.average->shift;
          value = floor_divide(2 * sum * call.average->multiplier + steps, 2 * steps) + call.average->output_zero_point;
        }
        result.push_back(static_cast<std::uint8_t>(std::clamp<std::int64_t>(value, 0, 255)));
      }
    }
  }
  return result;
}

}  // namespace itrt::reference
