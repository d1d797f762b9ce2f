// The formulas of docs/numerics.md typed out, naive on purpose, apart from the product: no kernel header is included
// here but for the plain structs that state a problem.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/add/add.h"
#include "kernels/convolution/convolution.h"

namespace itrt::reference {

inline std::uint8_t requantize(float value, std::int32_t zero_point, std::int32_t lower, std::int32_t upper) {
  const float low = static_cast<float>(lower - zero_point), high = static_cast<float>(upper - zero_point);
  const float clamped = std::min(std::max(value, low), high);
  return static_cast<std::uint8_t>(static_cast<std::int32_t>(std::nearbyintf(clamped)) + zero_point);
}

// In binary64, which holds every product of a sum and a multiplier, and its division by a power of two, exactly.
inline std::uint8_t requantize_fixed(std::int64_t sum, std::int32_t multiplier, std::int32_t shift,
                                     std::int32_t zero_point, std::int32_t lower, std::int32_t upper) {
  const double rounded = std::nearbyint(std::ldexp(static_cast<double>(sum * multiplier), -shift));
  return static_cast<std::uint8_t>(std::clamp<double>(rounded + zero_point, lower, upper));
}

struct Convolution {
  std::span<const kernels::ConvolutionTerm> terms;
  std::span<const kernels::ConvolutionInput> inputs;
  std::int64_t out_channels = 0, output_height = 0, output_width = 0;
  std::span<const std::int32_t> bias;
  std::span<const float> scale;
  std::span<const std::int16_t> multiplier;  // with a shift, in place of the scale
  std::span<const std::uint8_t> shift;
  std::int32_t zero_point = 0, lower = 0, upper = 255;
};

inline std::int64_t accumulate(const Convolution& problem, std::int64_t y, std::int64_t x, std::int64_t o) {
  std::int64_t sum = problem.bias[static_cast<std::size_t>(o)];
  for (std::size_t n = 0; n < problem.terms.size(); ++n) {
    const kernels::ConvolutionTerm& term = problem.terms[n];
    const kernels::ConvolutionInput& input = problem.inputs[n];
    const std::int64_t per_group = term.in_channels / term.groups;
    const std::int64_t first = o / (problem.out_channels / term.groups) * per_group;
    for (std::int64_t i = 0; i < term.kernel_height; ++i) {
      for (std::int64_t j = 0; j < term.kernel_width; ++j) {
        const std::int64_t row = y * term.stride_height + i * term.dilation_height - term.padding_top;
        const std::int64_t column = x * term.stride_width + j * term.dilation_width - term.padding_left;
        if (row < 0 || row >= input.height || column < 0 || column >= input.width) continue;
        for (std::int64_t c = 0; c < per_group; ++c) {
          const std::int64_t zero_point =
              term.zero_points[term.zero_points.size() == 1 ? 0 : static_cast<std::size_t>(first + c)];
          const std::int64_t value = input.data[(row * input.width + column) * term.in_channels + first + c];
          const std::int64_t weight = term.weight[static_cast<std::size_t>(
              ((o * term.kernel_height + i) * term.kernel_width + j) * per_group + c)];
          sum += weight * (value - zero_point);
        }
      }
    }
  }
  return sum;
}

inline std::vector<std::uint8_t> convolve(const Convolution& problem) {
  std::vector<std::uint8_t> out;
  for (std::int64_t y = 0; y < problem.output_height; ++y) {
    for (std::int64_t x = 0; x < problem.output_width; ++x) {
      for (std::int64_t o = 0; o < problem.out_channels; ++o) {
        const std::int64_t sum = accumulate(problem, y, x, o);
        const auto channel = static_cast<std::size_t>(o);
        if (!problem.multiplier.empty()) {
          out.push_back(requantize_fixed(sum, problem.multiplier[channel], problem.shift[channel], problem.zero_point,
                                         problem.lower, problem.upper));
          continue;
        }
        const float value = static_cast<float>(static_cast<std::int32_t>(sum)) * problem.scale[channel];
        out.push_back(requantize(value, problem.zero_point, problem.lower, problem.upper));
      }
    }
  }
  return out;
}

inline std::vector<std::uint8_t> add(std::span<const kernels::AddInput> inputs, std::int64_t count, std::int32_t shift,
                                     std::int32_t zero_point, std::int32_t lower, std::int32_t upper) {
  std::vector<std::uint8_t> out;
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t sum = 0;
    for (const kernels::AddInput& input : inputs) sum += input.multiplier * (input.data[i] - input.zero_point);
    const double rounded = std::floor(std::ldexp(static_cast<double>(sum), -shift) + 0.5);
    out.push_back(static_cast<std::uint8_t>(std::clamp<double>(rounded + zero_point, lower, upper)));
  }
  return out;
}

// The sum of the four neighbours, 16384 times the value.
inline std::int64_t bilinear(const std::uint8_t* input, std::int64_t height, std::int64_t width, std::int64_t channels,
                             std::int64_t y, std::int64_t x, std::int64_t c, std::int64_t output_height,
                             std::int64_t output_width) {
  struct Axis {
    std::int64_t index[2], weight[2];
  };
  const auto axis = [](std::int64_t o, std::int64_t in, std::int64_t out) {
    const std::int64_t n = std::max<std::int64_t>((2 * o + 1) * in - out, 0);
    const std::int64_t i0 = std::min(n / (2 * out), in - 1), i1 = std::min(i0 + 1, in - 1);
    const std::int64_t w1 = (128 * (n % (2 * out)) + out) / (2 * out);
    return Axis{{i0, i1}, {128 - w1, w1}};
  };
  const Axis v = axis(y, height, output_height), h = axis(x, width, output_width);
  std::int64_t sum = 0;
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 2; ++j) {
      sum += v.weight[i] * h.weight[j] * input[(v.index[i] * width + h.index[j]) * channels + c];
    }
  }
  return sum;
}

}  // namespace itrt::reference
