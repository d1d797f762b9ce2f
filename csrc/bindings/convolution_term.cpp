#include "bindings/convolution_term.h"

#include <cstdlib>

namespace py = pybind11;

namespace itrt::bindings {
namespace {

constexpr std::int64_t largest_geometry = 65535;  // strides, dilations, paddings

std::int64_t axis_size(const std::string& name, std::int64_t padded, std::int64_t extent, std::int64_t stride) {
  if (padded < extent) fail(name, "at least " + std::to_string(extent) + " with padding", std::to_string(padded));
  return (padded - extent) / stride + 1;
}

}  // namespace

Term::Term(const py::object& weight, const py::object& zero_points, const Pair& stride, const Padding& padding,
           const Pair& dilation, std::int64_t groups)
    : weight_(checked<std::int8_t>("w_s8", weight, 4, 4)),
      zero_points_(checked<std::uint8_t>("x_zero_point", zero_points, 1, 1)),
      stride_(stride),
      padding_(padding),
      dilation_(dilation),
      groups_(groups) {
  check_geometry();
  check_channels();
}

void Term::check_geometry() const {
  check_range("stride", stride_.first, 1, largest_geometry);
  check_range("stride", stride_.second, 1, largest_geometry);
  check_range("dilation", dilation_.first, 1, largest_geometry);
  check_range("dilation", dilation_.second, 1, largest_geometry);
  for (const std::int64_t padding : padding_) check_range("padding", padding, 0, largest_geometry);
}

void Term::check_channels() const {
  check_range("groups", groups_, 1, out_channels());
  if (out_channels() % groups_) {
    fail("groups", "a divisor of " + std::to_string(out_channels()) + " output channels", std::to_string(groups_));
  }
  if (zero_points_.size() != 1 && zero_points_.size() != in_channels()) {
    fail("x_zero_point", "one or " + std::to_string(in_channels()) + " elements", shape_text(zero_points_));
  }
}

std::array<std::int64_t, 2> Term::output_size(const std::string& name, std::int64_t height, std::int64_t width) const {
  return {axis_size(name + ": height", height + padding_[0] + padding_[2], dilation_.first * (weight_.shape(1) - 1) + 1,
                    stride_.first),
          axis_size(name + ": width", width + padding_[1] + padding_[3], dilation_.second * (weight_.shape(2) - 1) + 1,
                    stride_.second)};
}

std::int64_t Term::largest_sum(std::int64_t channel) const {
  const std::int64_t products = weight_.size() / out_channels();
  const std::int8_t* weights = weight_.data() + channel * products;
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < products; ++i) sum += 255 * std::abs(std::int64_t{weights[i]});
  return sum;
}

kernels::ConvolutionTerm Term::view() const {
  return {.in_channels = in_channels(),
          .kernel_height = weight_.shape(1),
          .kernel_width = weight_.shape(2),
          .stride_height = stride_.first,
          .stride_width = stride_.second,
          .padding_top = padding_[0],
          .padding_left = padding_[1],
          .dilation_height = dilation_.first,
          .dilation_width = dilation_.second,
          .groups = groups_,
          .weight = {weight_.data(), static_cast<std::size_t>(weight_.size())},
          .zero_points = {zero_points_.data(), static_cast<std::size_t>(zero_points_.size())}};
}

}  // namespace itrt::bindings
