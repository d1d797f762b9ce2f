// Operations on one element of each input: a table, a product.
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/isa.h"
#include "bindings/arguments.h"
#include "bindings/kernel_call.h"
#include "bindings/module.h"
#include "kernels/lookup/lookup.h"
#include "kernels/multiply/multiply.h"
#include "runtime/thread_pool.h"

namespace py = pybind11;

namespace itrt::bindings {
namespace {

constexpr std::int64_t pixel_grain = 64;

class LookupCall final : public KernelCall {
 public:
  LookupCall(const kernels::LookupKernel& kernel, const std::vector<std::uint8_t>& tables, bool one_table,
             const Array<std::uint8_t>& image, int threads)
      : KernelCall({image.shape(0), image.shape(1), image.shape(2)}, py::dtype::of<std::uint8_t>()),
        kernel_(kernel),
        tables_(tables),
        memory_(with_slack(image)),
        pixels_(image.shape(0) * image.shape(1)),
        threads_(threads) {
    arguments_ = {.input = memory_.as<std::uint8_t>(),
                  .channels = image.shape(2),
                  .tables = tables_.data(),
                  .one_table = one_table,
                  .output = output()};
  }

 private:
  void execute() override {
    const auto body = [&](int, std::int64_t first, std::int64_t last) { kernel_.run(arguments_, first, last); };
    ThreadPool::shared().parallel_for(threads_, pixels_, pixel_grain, body);
  }

  const kernels::LookupKernel& kernel_;
  std::vector<std::uint8_t> tables_;
  AlignedBuffer memory_;
  std::int64_t pixels_;
  kernels::LookupCall arguments_;
  int threads_;
};

class Lookup {
 public:
  Lookup(const py::object& table, const std::optional<std::string>& isa)
      : kernel_(kernels::select_lookup(select_isa(isa))) {
    const auto array = checked<std::uint8_t>("table", table, 2, 2);
    if (array.shape(1) != kernels::lookup_table_size) fail("table", "256 columns", "shape " + shape_text(array));
    tables_.assign(array.data(), array.data() + array.size());
  }

  std::string kernel() const { return kernel_.name; }

  std::unique_ptr<KernelCall> bind(const std::vector<py::object>& inputs, int threads) const {
    check_threads(threads);
    const Array<std::uint8_t> image = only_image(inputs);
    const auto tables = static_cast<std::int64_t>(tables_.size()) / kernels::lookup_table_size;
    if (tables != 1 && tables != image.shape(2)) {
      fail("input 0", std::to_string(tables) + " channels, one a table", "shape " + shape_text(image));
    }
    return std::make_unique<LookupCall>(kernel_, tables_, tables == 1, image, threads);
  }

 private:
  const kernels::LookupKernel& kernel_;
  std::vector<std::uint8_t> tables_;
};

struct Shape {
  std::int64_t height, width, channels;
};

class MultiplyCall final : public KernelCall {
 public:
  MultiplyCall(const kernels::MultiplyKernel& kernel, const kernels::MultiplyCall& arguments, const Shape& shape,
               const std::vector<Array<std::uint8_t>>& arrays, int threads)
      : KernelCall({shape.height, shape.width, shape.channels}, py::dtype::of<std::uint8_t>()),
        kernel_(kernel),
        arguments_(arguments),
        pixels_(shape.height * shape.width),
        threads_(threads) {
    for (std::size_t n = 0; n < arguments_.inputs.size(); ++n) {
      memory_.push_back(with_slack(arrays[n]));
      kernels::MultiplyInput& input = arguments_.inputs[n];
      input.data = memory_[n].as<std::uint8_t>();
      input.one_pixel = arrays[n].shape(0) != shape.height || arrays[n].shape(1) != shape.width;
      input.one_channel = arrays[n].shape(2) != shape.channels;
    }
    arguments_.channels = shape.channels;
    arguments_.output = output();
  }

 private:
  void execute() override {
    const auto body = [&](int, std::int64_t first, std::int64_t last) { kernel_.run(arguments_, first, last); };
    ThreadPool::shared().parallel_for(threads_, pixels_, pixel_grain, body);
  }

  const kernels::MultiplyKernel& kernel_;
  kernels::MultiplyCall arguments_;
  std::vector<AlignedBuffer> memory_;
  std::int64_t pixels_;
  int threads_;
};

class Multiply {
 public:
  Multiply(const Pair& zero_points, std::int64_t multiplier, std::int64_t shift, std::int64_t y_zero_point,
           const Pair& clamp, const std::optional<std::string>& isa)
      : kernel_(kernels::select_multiply(select_isa(isa))) {
    check_range("zero_points", zero_points.first, 0, 255);
    check_range("zero_points", zero_points.second, 0, 255);
    check_range("multiplier", multiplier, 1, 32767);
    check_range("shift", shift, 0, kernels::largest_multiply_shift);
    check_range("y_zero_point", y_zero_point, 0, 255);
    check_clamp(clamp);
    arguments_.inputs[0].zero_point = static_cast<std::int32_t>(zero_points.first);
    arguments_.inputs[1].zero_point = static_cast<std::int32_t>(zero_points.second);
    arguments_.multiplier = static_cast<std::int32_t>(multiplier);
    arguments_.shift = static_cast<std::int32_t>(shift);
    arguments_.output_zero_point = static_cast<std::int32_t>(y_zero_point);
    arguments_.clamp_lower = static_cast<std::int32_t>(clamp.first);
    arguments_.clamp_upper = static_cast<std::int32_t>(clamp.second);
  }

  std::string kernel() const { return kernel_.name; }

  std::unique_ptr<KernelCall> bind(const std::vector<py::object>& inputs, int threads) const {
    check_threads(threads);
    check_count("inputs", inputs.size(), arguments_.inputs.size());
    std::vector<Array<std::uint8_t>> arrays;
    for (std::size_t n = 0; n < inputs.size(); ++n) {
      arrays.push_back(checked<std::uint8_t>("input " + std::to_string(n), inputs[n], 3, 3));
    }
    const Shape shape = product_shape(arrays[0], arrays[1]);
    return std::make_unique<MultiplyCall>(kernel_, arguments_, shape, arrays, threads);
  }

 private:
  // The larger one's pixels and the larger count of channels, to which both must fit.
  static Shape product_shape(const Array<std::uint8_t>& a, const Array<std::uint8_t>& b) {
    const Array<std::uint8_t>& larger = a.shape(0) * a.shape(1) > 1 ? a : b;
    const Shape shape = {larger.shape(0), larger.shape(1), std::max<std::int64_t>(a.shape(2), b.shape(2))};
    for (const Array<std::uint8_t>* each : {&a, &b}) {
      const bool one_pixel = each->shape(0) == 1 && each->shape(1) == 1;
      const bool fits = one_pixel || (each->shape(0) == shape.height && each->shape(1) == shape.width);
      if (!fits || (each->shape(2) != 1 && each->shape(2) != shape.channels)) {
        fail("inputs", "equal sizes or one pixel, equal channels or one",
             "shapes " + shape_text(a) + " and " + shape_text(b));
      }
    }
    return shape;
  }

  const kernels::MultiplyKernel& kernel_;
  kernels::MultiplyCall arguments_;  // its inputs' data is that of a call
};

}  // namespace

void register_pointwise(py::module_& module) {
  using IsaName = const std::optional<std::string>&;
  operation_class<Lookup>(module, "Lookup", "A table for all channels, or one a channel.")
      .def(py::init<const py::object&, IsaName>(), py::arg("table"), py::arg("isa"));
  operation_class<Multiply>(module, "Multiply", "A product of quantized arrays.")
      .def(py::init<const Pair&, std::int64_t, std::int64_t, std::int64_t, const Pair&, IsaName>(),
           py::arg("zero_points"), py::arg("multiplier"), py::arg("shift"), py::arg("y_zero_point"), py::arg("clamp"),
           py::arg("isa"));
}

}  // namespace itrt::bindings
