// The kernels one by one, as itrt.kernels shows them to tests and benchmarks: arguments checked, inputs copied to
// memory with the slack that kernels may read, the rest is csrc/kernels.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/errors.h"
#include "base/isa.h"
#include "bindings/module.h"
#include "kernels/add/add.h"
#include "kernels/convolution/convolution.h"
#include "kernels/convolution/convolution_kernel.h"
#include "kernels/labels/labels.h"
#include "kernels/registry.h"
#include "kernels/resize/resize.h"
#include "runtime/thread_pool.h"

namespace py = pybind11;

namespace itrt::bindings {
namespace {

using Pair = std::pair<std::int64_t, std::int64_t>;
template <class T>
using Array = py::array_t<T, py::array::c_style>;

constexpr std::int64_t largest_geometry = 65535;  // strides, dilations, paddings
constexpr int largest_threads = 1024;

[[noreturn]] void fail(const std::string& name, const std::string& expected, const std::string& found) {
  throw InvalidArgument(name + ": expected " + expected + ", found " + found);
}

std::string shape_text(const py::array& array) {
  std::string text = "(";
  for (py::ssize_t i = 0; i < array.ndim(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(array.shape(i));
  }
  return text + (array.ndim() == 1 ? ",)" : ")");
}

// A contiguous array of exactly this type with one of these ranks and at least one element.
template <class T>
Array<T> checked(const char* name, const py::object& object, py::ssize_t fewest_axes, py::ssize_t most_axes) {
  const std::string type = py::str(py::dtype::of<T>());
  if (!py::isinstance<py::array>(object)) {
    fail(name, "a " + type + " array", py::str(py::type::of(object).attr("__name__")));
  }
  const py::array array = py::reinterpret_borrow<py::array>(object);
  if (!py::isinstance<py::array_t<T>>(object)) fail(name, "a " + type + " array", py::str(array.dtype()));
  if (array.ndim() < fewest_axes || array.ndim() > most_axes) {
    const std::string axes = std::to_string(fewest_axes);
    fail(name, fewest_axes == most_axes ? axes + " axes" : axes + " to " + std::to_string(most_axes) + " axes",
         "shape " + shape_text(array));
  }
  if (array.size() == 0) fail(name, "no axis of length 0", "shape " + shape_text(array));
  return Array<T>::ensure(object);
}

void check_range(const char* name, std::int64_t value, std::int64_t lowest, std::int64_t highest) {
  if (value >= lowest && value <= highest) return;
  fail(name, std::to_string(lowest) + " .. " + std::to_string(highest), std::to_string(value));
}

void check_clamp(const Pair& clamp) {
  check_range("clamp", clamp.first, 0, 255);
  check_range("clamp", clamp.second, clamp.first, 255);
}

AlignedBuffer with_slack(const Array<std::uint8_t>& array) {
  AlignedBuffer copy(static_cast<std::size_t>(array.size()) + kernels::input_slack);
  std::memcpy(copy.data(), array.data(), static_cast<std::size_t>(array.size()));
  return copy;
}

// Scratch memory for every thread of a parallel_for.
class Scratch {
 public:
  Scratch(std::size_t bytes, int threads)
      : stride_((bytes + cache_line - 1) / cache_line * cache_line),
        memory_(stride_ * static_cast<std::size_t>(threads)) {}
  std::byte* of(int thread) { return memory_.data() + stride_ * static_cast<std::size_t>(thread); }

 private:
  std::size_t stride_;
  AlignedBuffer memory_;
};

py::list list_kernels() {
  const Isa selected = select_isa();
  py::list rows;
  std::string done;  // operation whose best usable kernel has been seen
  for (const kernels::KernelRow& kernel : kernels::registered_kernels()) {
    if (!is_detected(kernel.isa)) continue;
    const bool runs_now = includes(selected, kernel.isa) && done != kernel.operation;
    if (runs_now) done = kernel.operation;
    py::dict row;
    row["operation"] = kernel.operation;
    row["isa"] = isa_name(kernel.isa);
    row["name"] = kernel.name;
    row["selected"] = runs_now;
    rows.append(row);
  }
  return rows;
}

// Throws where a sum could leave 31 bits.
void check_accumulators(const kernels::PackedConvolution& packed, const Array<std::int32_t>& bias) {
  for (std::size_t o = 0; o < packed.zero_point_sum.size(); ++o) {
    const std::int64_t folded = std::int64_t{bias.data()[o]} - packed.zero_point_sum[o];
    const std::int64_t largest = std::abs(folded) + packed.highest_sum[o] - packed.lowest_sum[o];
    if (largest > INT32_MAX) {
      fail("w_s8", "accumulators of at most 31 bits", std::to_string(largest) + " in channel " + std::to_string(o));
    }
  }
}

struct Geometry {
  Pair stride, dilation;
  std::array<std::int64_t, 4> padding;  // top, left, bottom, right
  std::int64_t groups;
};

// One axis of the output.
std::int64_t output_size(const char* axis, std::int64_t size, std::int64_t padding, std::int64_t kernel,
                         std::int64_t dilation, std::int64_t stride) {
  const std::int64_t room = size + padding - dilation * (kernel - 1) - 1;
  if (room < 0) {
    fail("x_u8", "a padded " + std::string(axis) + " of at least " + std::to_string(dilation * (kernel - 1) + 1),
         std::to_string(size + padding));
  }
  return room / stride + 1;
}

void check_geometry(const Geometry& geometry) {
  check_range("stride", geometry.stride.first, 1, largest_geometry);
  check_range("stride", geometry.stride.second, 1, largest_geometry);
  check_range("dilation", geometry.dilation.first, 1, largest_geometry);
  check_range("dilation", geometry.dilation.second, 1, largest_geometry);
  for (const std::int64_t padding : geometry.padding) check_range("padding", padding, 0, largest_geometry);
}

py::array conv2d(const py::object& x_object, const py::object& weight_object, const py::object& bias_object,
                 const py::object& scale_object, const py::object& zero_points_object, std::int64_t y_zero_point,
                 const Geometry& geometry, const Pair& clamp, const std::optional<std::string>& isa, int threads) {
  const auto x = checked<std::uint8_t>("x_u8", x_object, 3, 4);
  const auto weight = checked<std::int8_t>("w_s8", weight_object, 4, 4);
  const auto bias = checked<std::int32_t>("bias_i32", bias_object, 1, 1);
  const auto scale = checked<float>("scale_f32", scale_object, 1, 1);
  const auto zero_points = checked<std::uint8_t>("x_zero_point", zero_points_object, 1, 1);
  check_range("y_zero_point", y_zero_point, 0, 255);
  check_range("threads", threads, 1, largest_threads);
  check_geometry(geometry);
  check_clamp(clamp);

  const py::ssize_t axis = x.ndim() - 3;
  const std::int64_t images = axis ? x.shape(0) : 1;
  const std::int64_t height = x.shape(axis), width = x.shape(axis + 1), in_channels = x.shape(axis + 2);
  const std::int64_t out_channels = weight.shape(0);
  check_range("groups", geometry.groups, 1, std::min(in_channels, out_channels));
  if (in_channels % geometry.groups || out_channels % geometry.groups) {
    fail("groups", "a divisor of " + std::to_string(in_channels) + " and " + std::to_string(out_channels) + " channels",
         std::to_string(geometry.groups));
  }
  if (weight.shape(3) != in_channels / geometry.groups) {
    fail("w_s8", std::to_string(in_channels / geometry.groups) + " input channels", "shape " + shape_text(weight));
  }
  if (bias.size() != out_channels) fail("bias_i32", std::to_string(out_channels) + " elements", shape_text(bias));
  if (scale.size() != out_channels) fail("scale_f32", std::to_string(out_channels) + " elements", shape_text(scale));
  for (std::int64_t o = 0; o < out_channels; ++o) {
    if (!std::isfinite(scale.at(o))) fail("scale_f32", "finite numbers", std::to_string(scale.at(o)));
  }
  if (zero_points.size() != 1 && zero_points.size() != in_channels) {
    fail("x_zero_point", "one or " + std::to_string(in_channels) + " elements", shape_text(zero_points));
  }
  const std::int64_t output_height = output_size("height", height, geometry.padding[0] + geometry.padding[2],
                                                 weight.shape(1), geometry.dilation.first, geometry.stride.first);
  const std::int64_t output_width = output_size("width", width, geometry.padding[1] + geometry.padding[3],
                                                weight.shape(2), geometry.dilation.second, geometry.stride.second);

  const kernels::ConvolutionTerm term = {
      .in_channels = in_channels,
      .kernel_height = weight.shape(1),
      .kernel_width = weight.shape(2),
      .stride_height = geometry.stride.first,
      .stride_width = geometry.stride.second,
      .padding_top = geometry.padding[0],
      .padding_left = geometry.padding[1],
      .dilation_height = geometry.dilation.first,
      .dilation_width = geometry.dilation.second,
      .groups = geometry.groups,
      .weight = {weight.data(), static_cast<std::size_t>(weight.size())},
      .zero_points = {zero_points.data(), static_cast<std::size_t>(zero_points.size())}};
  const kernels::PackedConvolution packed =
      kernels::pack(kernels::select_convolution(select_isa(isa)), out_channels, {&term, 1});
  const kernels::PackedRequantization requantization =
      kernels::pack(packed, {.bias = {bias.data(), static_cast<std::size_t>(bias.size())},
                             .scale = {scale.data(), static_cast<std::size_t>(scale.size())},
                             .output_zero_point = static_cast<std::int32_t>(y_zero_point),
                             .clamp_lower = static_cast<std::int32_t>(clamp.first),
                             .clamp_upper = static_cast<std::int32_t>(clamp.second)});
  check_accumulators(packed, bias);

  std::vector<py::ssize_t> shape = {output_height, output_width, out_channels};
  if (axis) shape.insert(shape.begin(), images);
  Array<std::uint8_t> result(shape);
  std::uint8_t* output = result.mutable_data();
  const AlignedBuffer input = with_slack(x);
  {
    py::gil_scoped_release release;
    Scratch scratch(kernels::scratch_bytes(packed), threads);
    for (std::int64_t image = 0; image < images; ++image) {
      const kernels::ConvolutionInput view = {input.as<std::uint8_t>() + image * height * width * in_channels, height,
                                              width};
      const kernels::ConvolutionCall call = {.inputs = {&view, 1},
                                             .requantization = &requantization,
                                             .output = output + image * output_height * output_width * out_channels,
                                             .output_height = output_height,
                                             .output_width = output_width};
      const auto body = [&](int thread, std::int64_t first, std::int64_t last) {
        kernels::ConvolutionCall mine = call;
        mine.scratch = scratch.of(thread);
        kernels::convolve(packed, mine, first, last);
      };
      ThreadPool::shared().parallel_for(threads, output_height * output_width, kernels::pixel_granule, body);
    }
  }
  return result;
}

py::array add(const std::vector<py::object>& objects, const std::vector<std::int64_t>& zero_points,
              const std::vector<float>& multipliers, std::int64_t y_zero_point, const Pair& clamp,
              const std::optional<std::string>& isa, int threads) {
  if (objects.empty()) fail("inputs", "at least one array", "none");
  if (zero_points.size() != objects.size()) {
    fail("zero_points", std::to_string(objects.size()) + " elements", std::to_string(zero_points.size()));
  }
  if (multipliers.size() != objects.size()) {
    fail("multipliers", std::to_string(objects.size()) + " elements", std::to_string(multipliers.size()));
  }
  check_range("y_zero_point", y_zero_point, 0, 255);
  check_range("threads", threads, 1, largest_threads);
  check_clamp(clamp);
  std::vector<Array<std::uint8_t>> arrays;
  std::vector<kernels::AddInput> inputs;
  for (std::size_t n = 0; n < objects.size(); ++n) {
    arrays.push_back(checked<std::uint8_t>("inputs", objects[n], 1, 32));
    if (shape_text(arrays[n]) != shape_text(arrays[0])) {
      fail("inputs", "shape " + shape_text(arrays[0]), "shape " + shape_text(arrays[n]));
    }
    check_range("zero_points", zero_points[n], 0, 255);
    if (!std::isfinite(multipliers[n])) fail("multipliers", "finite numbers", std::to_string(multipliers[n]));
    inputs.push_back({arrays[n].data(), static_cast<std::int32_t>(zero_points[n]), multipliers[n]});
  }
  const kernels::AddKernel& kernel = kernels::select_add(select_isa(isa));
  Array<std::uint8_t> result(std::vector<py::ssize_t>(arrays[0].shape(), arrays[0].shape() + arrays[0].ndim()));
  const kernels::AddCall call = {.inputs = inputs,
                                 .output_zero_point = static_cast<std::int32_t>(y_zero_point),
                                 .clamp_lower = static_cast<std::int32_t>(clamp.first),
                                 .clamp_upper = static_cast<std::int32_t>(clamp.second),
                                 .output = result.mutable_data()};
  const std::int64_t count = result.size();
  {
    py::gil_scoped_release release;
    const auto body = [&](int, std::int64_t first, std::int64_t last) { kernel.run(call, first, last); };
    ThreadPool::shared().parallel_for(threads, count, 4096, body);
  }
  return result;
}

py::array resize(const py::object& x_object, std::int64_t height, std::int64_t width,
                 const std::optional<std::string>& isa, int threads) {
  const auto x = checked<std::uint8_t>("x_u8", x_object, 3, 3);
  check_range("height", height, 1, INT32_MAX);
  check_range("width", width, 1, INT32_MAX);
  check_range("threads", threads, 1, largest_threads);
  const kernels::ResizeKernel& kernel = kernels::select_resize(select_isa(isa));
  const std::int64_t channels = x.shape(2);
  Array<std::uint8_t> result({height, width, channels});
  const kernels::ResizeCall call = {.input = x.data(),
                                    .input_height = x.shape(0),
                                    .input_width = x.shape(1),
                                    .channels = channels,
                                    .output = result.mutable_data(),
                                    .output_height = height,
                                    .output_width = width};
  {
    py::gil_scoped_release release;
    Scratch scratch(kernels::resize_scratch_bytes(call.input_width, width, channels), threads);
    const auto body = [&](int thread, std::int64_t first, std::int64_t last) {
      kernels::ResizeCall mine = call;
      mine.scratch = scratch.of(thread);
      kernel.run(mine, first, last);
    };
    ThreadPool::shared().parallel_for(threads, height, 1, body);
  }
  return result;
}

py::array labels(const py::object& logits_object, std::int64_t height, std::int64_t width,
                 const std::optional<std::string>& isa, int threads) {
  const auto logits = checked<std::uint8_t>("logits", logits_object, 3, 3);
  check_range("classes", logits.shape(2), 1, 65536);
  check_range("height", height, 1, INT32_MAX);
  check_range("width", width, 1, INT32_MAX);
  check_range("threads", threads, 1, largest_threads);
  const kernels::LabelsKernel& kernel = kernels::select_labels(select_isa(isa));
  const py::dtype type = logits.shape(2) <= 256 ? py::dtype::of<std::uint8_t>() : py::dtype::of<std::uint16_t>();
  py::array result(type, std::vector<py::ssize_t>{height, width});
  const AlignedBuffer input = with_slack(logits);
  kernels::LabelsCall call = {.logits = input.as<std::uint8_t>(),
                              .logits_height = logits.shape(0),
                              .logits_width = logits.shape(1),
                              .classes = logits.shape(2),
                              .labels = result.mutable_data(),
                              .height = height,
                              .width = width};
  {
    py::gil_scoped_release release;
    const std::int64_t pixels = call.logits_height * call.logits_width;
    std::vector<std::uint16_t> argmax(static_cast<std::size_t>(pixels));
    call.argmax = argmax.data();
    Scratch scratch(kernels::labels_scratch_bytes(width, call.classes), threads);
    const auto first_pass = [&](int, std::int64_t first, std::int64_t last) { kernel.argmax(call, first, last); };
    ThreadPool::shared().parallel_for(threads, pixels, 256, first_pass);
    const auto second_pass = [&](int thread, std::int64_t first, std::int64_t last) {
      kernels::LabelsCall mine = call;
      mine.scratch = scratch.of(thread);
      kernel.run(mine, first, last);
    };
    ThreadPool::shared().parallel_for(threads, height, 8, second_pass);
  }
  return result;
}

}  // namespace

void register_kernels(py::module_& module) {
  py::module_ kernels_module = module.def_submodule("kernels", "Single kernels, for tests and benchmarks.");
  kernels_module.def("list_kernels", list_kernels);
  kernels_module.def(
      "conv2d",
      [](const py::object& x, const py::object& w, const py::object& bias, const py::object& scale,
         const py::object& x_zero_points, std::int64_t y_zero_point, const Pair& stride,
         const std::array<std::int64_t, 4>& padding, const Pair& dilation, std::int64_t groups, const Pair& clamp,
         const std::optional<std::string>& isa, int threads) {
        return conv2d(x, w, bias, scale, x_zero_points, y_zero_point, {stride, dilation, padding, groups}, clamp, isa,
                      threads);
      },
      py::arg("x"), py::arg("w"), py::arg("bias"), py::arg("scale"), py::arg("x_zero_points"), py::arg("y_zero_point"),
      py::arg("stride"), py::arg("padding"), py::arg("dilation"), py::arg("groups"), py::arg("clamp"), py::arg("isa"),
      py::arg("threads"));
  kernels_module.def("add", add, py::arg("inputs"), py::arg("zero_points"), py::arg("multipliers"),
                     py::arg("y_zero_point"), py::arg("clamp"), py::arg("isa"), py::arg("threads"));
  kernels_module.def("resize", resize, py::arg("x"), py::arg("height"), py::arg("width"), py::arg("isa"),
                     py::arg("threads"));
  kernels_module.def("labels", labels, py::arg("logits"), py::arg("height"), py::arg("width"), py::arg("isa"),
                     py::arg("threads"));
}

}  // namespace itrt::bindings
