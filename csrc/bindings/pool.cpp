// Maximum and average of windows.
#include "kernels/pool/pool.h"

#include <pybind11/stl.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/isa.h"
#include "bindings/arguments.h"
#include "bindings/kernel_call.h"
#include "bindings/module.h"
#include "runtime/pool_call.h"
#include "runtime/thread_pool.h"

namespace py = pybind11;

namespace itrt::bindings {
namespace {

constexpr std::int64_t largest_extent = 1 << 16;

class PoolCall final : public KernelCall {
 public:
  PoolCall(const kernels::PoolKernel& kernel, const kernels::PoolCall& arguments, const Array<std::uint8_t>& image,
           int threads)
      : KernelCall({arguments.vertical.output, arguments.horizontal.output, arguments.channels},
                   py::dtype::of<std::uint8_t>()),
        kernel_(kernel),
        arguments_(arguments),
        memory_(with_slack(image)),
        threads_(threads) {
    arguments_.input = memory_.as<std::uint8_t>();
    arguments_.output = output();
  }

 private:
  void execute() override {
    constexpr std::int64_t grain = 32;
    const std::int64_t blocks =
        arguments_.vertical.output * arguments_.horizontal.output * kernels::pool_blocks(arguments_.channels);
    const auto body = [&](int, std::int64_t first, std::int64_t last) { kernel_.run(arguments_, first, last); };
    ThreadPool::shared().parallel_for(threads_, blocks, grain, body);
  }

  const kernels::PoolKernel& kernel_;
  kernels::PoolCall arguments_;
  AlignedBuffer memory_;
  int threads_;
};

struct ZeroPoints {
  std::int64_t input = 0, output = 0;
};

model::AverageScale checked_scale(std::int64_t multiplier, std::int64_t shift) {
  check_range("multiplier", multiplier, 1, 32767);
  check_range("shift", shift, 0, 28);
  return {static_cast<std::int32_t>(multiplier), static_cast<std::int32_t>(shift)};
}

ZeroPoints checked_zero_points(std::int64_t x_zero_point, std::int64_t y_zero_point) {
  check_range("x_zero_point", x_zero_point, 0, 255);
  check_range("y_zero_point", y_zero_point, 0, 255);
  return {x_zero_point, y_zero_point};
}

PooledTensors tensors_of(const Array<std::uint8_t>& image, model::Size output, const ZeroPoints& zero_points) {
  return {.input = {image.shape(0), image.shape(1)},
          .output = output,
          .channels = image.shape(2),
          .input_zero_point = static_cast<std::int32_t>(zero_points.input),
          .output_zero_point = static_cast<std::int32_t>(zero_points.output)};
}

class Pool {
 public:
  Pool(const std::string& mode, const Pair& kernel, const Pair& stride, const std::array<std::int64_t, 4>& padding,
       const Pair& dilation, bool ceil, bool count_padding, std::int64_t multiplier, std::int64_t shift,
       std::int64_t x_zero_point, std::int64_t y_zero_point, const std::optional<std::string>& isa)
      : kernel_(kernels::select_pool(select_isa(isa))), zero_points_(checked_zero_points(x_zero_point, y_zero_point)) {
    if (mode != "max" && mode != "average") fail("mode", "'max' or 'average'", "'" + mode + "'");
    pool_.mode = mode == "max" ? model::Pool::Mode::max : model::Pool::Mode::average;
    pool_.kernel = checked_pair("kernel", kernel);
    pool_.stride = checked_pair("stride", stride);
    pool_.dilation = checked_pair("dilation", dilation);
    if (pool_.mode == model::Pool::Mode::average && dilation != Pair(1, 1)) fail("dilation", "1 of an average", "more");
    for (std::size_t side = 0; side < padding.size(); ++side) {
      check_range("padding", padding[side], 0, pool_.kernel[side % 2] / 2);
    }
    pool_.padding = padding;
    pool_.ceil = ceil;
    pool_.count_padding = count_padding;
    pool_.scale = checked_scale(multiplier, shift);
  }

  std::string kernel() const { return kernel_.name; }

  std::unique_ptr<KernelCall> bind(const std::vector<py::object>& inputs, int threads) const {
    check_threads(threads);
    const Array<std::uint8_t> image = only_image(inputs);
    const model::Size size = model::pooled_size(pool_, {image.shape(0), image.shape(1)});
    if (size.height < 1 || size.width < 1) fail("input 0", "pixels for a window", "shape " + shape_text(image));
    return std::make_unique<PoolCall>(kernel_, pool_call(pool_, tensors_of(image, size, zero_points_)), image, threads);
  }

 private:
  static std::array<std::int64_t, 2> checked_pair(const std::string& name, const Pair& pair) {
    check_range(name, pair.first, 1, largest_extent);
    check_range(name, pair.second, 1, largest_extent);
    return {pair.first, pair.second};
  }

  const kernels::PoolKernel& kernel_;
  model::Pool pool_;
  ZeroPoints zero_points_;
};

class AdaptivePool {
 public:
  AdaptivePool(const Pair& size, std::int64_t multiplier, std::int64_t shift, std::int64_t x_zero_point,
               std::int64_t y_zero_point, const std::optional<std::string>& isa)
      : kernel_(kernels::select_pool(select_isa(isa))), zero_points_(checked_zero_points(x_zero_point, y_zero_point)) {
    check_range("size", size.first, 1, largest_extent);
    check_range("size", size.second, 1, largest_extent);
    pool_.size = {size.first, size.second};
    pool_.scale = checked_scale(multiplier, shift);
  }

  std::string kernel() const { return kernel_.name; }

  std::unique_ptr<KernelCall> bind(const std::vector<py::object>& inputs, int threads) const {
    check_threads(threads);
    const Array<std::uint8_t> image = only_image(inputs);
    const PooledTensors tensors = tensors_of(image, {pool_.size[0], pool_.size[1]}, zero_points_);
    return std::make_unique<PoolCall>(kernel_, pool_call(pool_, tensors), image, threads);
  }

 private:
  const kernels::PoolKernel& kernel_;
  model::AdaptivePool pool_;
  ZeroPoints zero_points_;
};

}  // namespace

void register_pool(py::module_& module) {
  using IsaName = const std::optional<std::string>&;
  operation_class<Pool>(module, "Pool", "Maximum or average of windows.")
      .def(py::init<const std::string&, const Pair&, const Pair&, const std::array<std::int64_t, 4>&, const Pair&, bool,
                    bool, std::int64_t, std::int64_t, std::int64_t, std::int64_t, IsaName>(),
           py::arg("mode"), py::arg("kernel"), py::arg("stride"), py::arg("padding"), py::arg("dilation"),
           py::arg("ceil"), py::arg("count_padding"), py::arg("multiplier"), py::arg("shift"), py::arg("x_zero_point"),
           py::arg("y_zero_point"), py::arg("isa"));
  operation_class<AdaptivePool>(module, "AdaptivePool", "Averages of windows that divide the input.")
      .def(py::init<const Pair&, std::int64_t, std::int64_t, std::int64_t, std::int64_t, IsaName>(), py::arg("size"),
           py::arg("multiplier"), py::arg("shift"), py::arg("x_zero_point"), py::arg("y_zero_point"), py::arg("isa"));
}

}  // namespace itrt::bindings
