#include "bindings/arguments.h"

#include <cmath>
#include <cstring>

#include "base/errors.h"
#include "kernels/convolution/convolution.h"
#include "runtime/cpu_budget.h"

namespace py = pybind11;

namespace itrt::bindings {

void fail(const std::string& name, const std::string& expected, const std::string& found) {
  throw InvalidArgument(name + ": expected " + expected + ", found " + found);
}

std::string shape_text(const py::array& array) { return py::str(array.attr("shape")); }

py::array checked_array(const std::string& name, const py::object& object, const py::dtype& type,
                        py::ssize_t fewest_axes, py::ssize_t most_axes) {
  const std::string expected = "a " + std::string(py::str(type)) + " array";
  if (!py::isinstance<py::array>(object)) fail(name, expected, py::str(py::type::of(object).attr("__name__")));
  auto array = py::reinterpret_borrow<py::array>(object);
  if (!array.dtype().equal(type)) fail(name, expected, py::str(array.dtype()));
  if (array.ndim() < fewest_axes || array.ndim() > most_axes) {
    const std::string axes = std::to_string(fewest_axes);
    fail(name, fewest_axes == most_axes ? axes + " axes" : axes + " to " + std::to_string(most_axes) + " axes",
         "shape " + shape_text(array));
  }
  if (array.size() == 0) fail(name, "no axis of length 0", "shape " + shape_text(array));
  return array;
}

Array<std::uint8_t> only_image(const std::vector<py::object>& inputs) {
  check_count("inputs", inputs.size(), 1);
  return checked<std::uint8_t>("input 0", inputs[0], 3, 3);
}

void check_range(const std::string& name, std::int64_t value, std::int64_t lowest, std::int64_t highest) {
  if (value >= lowest && value <= highest) return;
  fail(name, std::to_string(lowest) + " .. " + std::to_string(highest), std::to_string(value));
}

void check_count(const std::string& name, std::size_t found, std::size_t expected) {
  if (found != expected) fail(name, std::to_string(expected) + " elements", std::to_string(found));
}

void check_finite(const std::string& name, float value) {
  if (!std::isfinite(value)) fail(name, "finite numbers", std::to_string(value));
}

void check_clamp(const Pair& clamp) {
  check_range("clamp", clamp.first, 0, 255);
  check_range("clamp", clamp.second, clamp.first, 255);
}

void check_threads(int threads) { check_range("threads", threads, 1, max_threads); }

AlignedBuffer with_slack(const Array<std::uint8_t>& array) {
  AlignedBuffer copy(static_cast<std::size_t>(array.size()) + kernels::input_slack);
  std::memcpy(copy.data(), array.data(), static_cast<std::size_t>(array.size()));
  return copy;
}

}  // namespace itrt::bindings
