// Addition of quantized arrays.
#include "kernels/add/add.h"

#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/isa.h"
#include "bindings/arguments.h"
#include "bindings/kernel_call.h"
#include "bindings/module.h"
#include "runtime/thread_pool.h"

namespace py = pybind11;

namespace itrt::bindings {
namespace {

std::vector<py::ssize_t> shape_of(const py::array& array) { return {array.shape(), array.shape() + array.ndim()}; }

class AddCall final : public KernelCall {
 public:
  AddCall(const kernels::AddKernel& kernel, const kernels::AddCall& arguments, std::vector<kernels::AddInput> inputs,
          const std::vector<Array<std::uint8_t>>& arrays, int threads)
      : KernelCall(shape_of(arrays[0]), py::dtype::of<std::uint8_t>()),
        kernel_(kernel),
        arguments_(arguments),
        inputs_(std::move(inputs)),
        count_(arrays[0].size()),
        threads_(threads) {
    for (std::size_t n = 0; n < arrays.size(); ++n) {
      memory_.push_back(with_slack(arrays[n]));
      inputs_[n].data = memory_[n].as<std::uint8_t>();
    }
    arguments_.inputs = inputs_;
    arguments_.output = output();
  }

 private:
  void execute() override {
    constexpr std::int64_t grain = 4096;
    const auto body = [&](int, std::int64_t first, std::int64_t last) { kernel_.run(arguments_, first, last); };
    ThreadPool::shared().parallel_for(threads_, count_, grain, body);
  }

  const kernels::AddKernel& kernel_;
  kernels::AddCall arguments_;
  std::vector<kernels::AddInput> inputs_;
  std::vector<AlignedBuffer> memory_;
  std::int64_t count_;
  int threads_;
};

class Add {
 public:
  Add(const std::vector<std::int64_t>& zero_points, const std::vector<std::int64_t>& multipliers, std::int64_t shift,
      std::int64_t y_zero_point, const Pair& clamp, const std::optional<std::string>& isa)
      : kernel_(kernels::select_add(select_isa(isa))) {
    check_count("multipliers", multipliers.size(), zero_points.size());
    check_range("y_zero_point", y_zero_point, 0, 255);
    check_clamp(clamp);
    for (std::size_t n = 0; n < zero_points.size(); ++n) {
      check_range("zero_points", zero_points[n], 0, 255);
      check_range("multipliers", multipliers[n], -kernels::largest_add_multiplier, kernels::largest_add_multiplier);
      inputs_.push_back(
          {nullptr, static_cast<std::int32_t>(zero_points[n]), static_cast<std::int32_t>(multipliers[n])});
    }
    check_range("number of zero_points", static_cast<std::int64_t>(inputs_.size()), 1,
                static_cast<std::int64_t>(kernels::most_add_inputs));
    check_range("shift", shift, 0, kernels::largest_add_shift);
    arguments_.shift = static_cast<std::int32_t>(shift);
    arguments_.output_zero_point = static_cast<std::int32_t>(y_zero_point);
    arguments_.clamp_lower = static_cast<std::int32_t>(clamp.first);
    arguments_.clamp_upper = static_cast<std::int32_t>(clamp.second);
  }

  std::string kernel() const { return kernel_.name; }

  std::unique_ptr<KernelCall> bind(const std::vector<py::object>& inputs, int threads) const {
    check_threads(threads);
    check_count("inputs", inputs.size(), inputs_.size());
    std::vector<Array<std::uint8_t>> arrays;
    for (std::size_t n = 0; n < inputs.size(); ++n) {
      const std::string name = "input " + std::to_string(n);
      arrays.push_back(checked<std::uint8_t>(name, inputs[n], 1, 32));
      if (shape_of(arrays[n]) != shape_of(arrays[0])) {
        fail(name, "shape " + shape_text(arrays[0]), "shape " + shape_text(arrays[n]));
      }
    }
    return std::make_unique<AddCall>(kernel_, arguments_, inputs_, arrays, threads);
  }

 private:
  const kernels::AddKernel& kernel_;
  kernels::AddCall arguments_;
  std::vector<kernels::AddInput> inputs_;  // their data is that of a call
};

}  // namespace

void register_add(py::module_& module) {
  operation_class<Add>(module, "Add", "An addition of quantized arrays.")
      .def(py::init<const std::vector<std::int64_t>&, const std::vector<std::int64_t>&, std::int64_t, std::int64_t,
                    const Pair&, const std::optional<std::string>&>(),
           py::arg("zero_points"), py::arg("multipliers"), py::arg("shift"), py::arg("y_zero_point"), py::arg("clamp"),
           py::arg("isa"));
}

}  // namespace itrt::bindings
