// One summand of a convolution, as Python passes it.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "bindings/arguments.h"
#include "kernels/convolution/convolution.h"

namespace itrt::bindings {

// Checked as far as it can be without the other terms and without an input.
class Term {
 public:
  using Padding = std::array<std::int64_t, 4>;  // top, left, bottom, right

  Term(const pybind11::object& weight, const pybind11::object& zero_points, const Pair& stride, const Padding& padding,
       const Pair& dilation, std::int64_t groups);

  std::int64_t out_channels() const { return weight_.shape(0); }
  std::int64_t in_channels() const { return weight_.shape(3) * groups_; }

  // The output's height and width for an input of this size; `name` is the input's.
  std::array<std::int64_t, 2> output_size(const std::string& name, std::int64_t height, std::int64_t width) const;

  // The largest sum that this term can add to an accumulator of an output channel, whatever the input.
  std::int64_t largest_sum(std::int64_t channel) const;

  kernels::ConvolutionTerm view() const;

 private:
  void check_geometry() const;
  void check_channels() const;

  Array<std::int8_t> weight_;
  Array<std::uint8_t> zero_points_;
  Pair stride_;
  Padding padding_;
  Pair dilation_;
  std::int64_t groups_;
};

}  // namespace itrt::bindings
