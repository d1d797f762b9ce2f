#include "bindings/kernel_call.h"

#include <pybind11/stl.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "bindings/arguments.h"
#include "bindings/gil.h"
#include "bindings/module.h"
#include "model/sizes.h"

namespace py = pybind11;

namespace itrt::bindings {
namespace {

constexpr std::int64_t most_repeats = 1'000'000;

std::size_t bytes_of(const std::vector<py::ssize_t>& shape, const py::dtype& type) {
  std::optional<std::int64_t> bytes = type.itemsize();
  for (const py::ssize_t size : shape) bytes = bytes ? checked_multiply(*bytes, size) : bytes;
  if (!bytes || *bytes > model::max_tensor_bytes) {
    fail("output", "at most " + std::to_string(model::max_tensor_bytes) + " bytes", "more");
  }
  return static_cast<std::size_t>(*bytes);
}

}  // namespace

KernelCall::KernelCall(std::vector<py::ssize_t> shape, py::dtype type)
    : shape_(std::move(shape)), type_(std::move(type)), output_(bytes_of(shape_, type_)) {}

py::array KernelCall::run() {
  py::array result(type_, shape_);
  void* data = result.mutable_data();
  const GilRelease release;
  const std::scoped_lock lock(executing_);
  execute();
  std::memcpy(data, output_.data(), output_.size());
  return result;
}

std::vector<double> KernelCall::time(int repeats) {
  using Clock = std::chrono::steady_clock;
  check_range("repeats", repeats, 1, most_repeats);
  std::vector<double> seconds(static_cast<std::size_t>(repeats));
  const GilRelease release;
  const std::scoped_lock lock(executing_);
  for (double& each : seconds) {
    const Clock::time_point start = Clock::now();
    execute();
    each = std::chrono::duration<double>(Clock::now() - start).count();
  }
  return seconds;
}

void register_kernel_calls(py::module_& module) {
  py::class_<KernelCall>(module, "Call", "A kernel with inputs and memory made ready.")
      .def("run", &KernelCall::run)
      .def("time", &KernelCall::time, py::arg("repeats"));
}

}  // namespace itrt::bindings
