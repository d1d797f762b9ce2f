// The planner: arrays of buffers in, offsets out. Python's face of it is python/itrt/planner.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/errors.h"
#include "bindings/arguments.h"
#include "bindings/gil.h"
#include "bindings/module.h"
#include "plan/greedy.h"
#include "plan/solver.h"
#include "plan/validator.h"

namespace py = pybind11;

namespace itrt::bindings {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto time_between_signals = std::chrono::milliseconds(50);

// Rows of (buffer, begin, end, offset, size), and one alignment a buffer.
std::vector<plan::Buffer> buffers_of(const Array<std::int64_t>& pieces, const Array<std::int64_t>& alignments) {
  if (pieces.ndim() != 2 || pieces.shape(1) != 5) fail("pieces", "shape (pieces, 5)", shape_text(pieces));
  if (alignments.ndim() != 1) fail("alignments", "one axis", shape_text(alignments));
  std::vector<plan::Buffer> buffers(static_cast<std::size_t>(alignments.size()));
  for (std::size_t i = 0; i < buffers.size(); ++i) buffers[i].alignment = alignments.data()[i];
  const std::int64_t* row = pieces.data();
  for (py::ssize_t i = 0; i < pieces.shape(0); ++i, row += 5) {
    check_range("pieces: buffer", row[0], 0, alignments.size() - 1);
    buffers[static_cast<std::size_t>(row[0])].pieces.push_back({row[1], row[2], row[3], row[4]});
  }
  return buffers;
}

Array<std::int64_t> array_of(const std::vector<std::int64_t>& values) {
  Array<std::int64_t> result(static_cast<py::ssize_t>(values.size()));
  std::copy(values.begin(), values.end(), result.mutable_data());
  return result;
}

plan::Layout layout_of(const Array<std::int64_t>& offsets, std::int64_t height) {
  return {std::vector<std::int64_t>(offsets.data(), offsets.data() + offsets.size()), height};
}

// Ends the work at a time, and where Python has a signal waiting: Ctrl-C keeps the best layout, any other exception of
// a signal handler is raised when the work has ended.
class Interruption {
 public:
  explicit Interruption(std::optional<double> seconds) {
    constexpr double a_year = 365.0 * 86400;
    if (seconds)
      deadline_ = start_ + std::chrono::duration_cast<Clock::duration>(
                               std::chrono::duration<double>(std::clamp(*seconds, 0.0, a_year)));
  }

  // Without the GIL.
  bool operator()() {
    const Clock::time_point now = Clock::now();
    if (has_signal_ || now >= deadline_) return true;
    if (now < next_look_) return false;
    next_look_ = now + time_between_signals;
    const py::gil_scoped_acquire acquired;
    has_signal_ = PyErr_CheckSignals() != 0;
    if (has_signal_ && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
      PyErr_Clear();
    } else if (has_signal_) {
      error_.emplace();
    }
    return has_signal_;
  }

  void raise_others() {
    if (error_) throw *error_;
  }

 private:
  Clock::time_point start_ = Clock::now(), next_look_ = start_ + time_between_signals;
  Clock::time_point deadline_ = Clock::time_point::max();
  bool has_signal_ = false;
  std::optional<py::error_already_set> error_;
};

plan::Solution solve(const Array<std::int64_t>& pieces, const Array<std::int64_t>& alignments,
                     const std::optional<std::int64_t>& capacity, const std::optional<std::int64_t>& nodes,
                     const std::optional<double>& seconds) {
  const std::vector<plan::Buffer> buffers = buffers_of(pieces, alignments);
  plan::Limits limits;
  limits.capacity = capacity;
  limits.nodes = nodes.value_or(seconds ? std::numeric_limits<std::int64_t>::max() : limits.nodes);
  Interruption interruption(seconds);
  plan::Solution solution;
  {
    const GilRelease release;
    solution = plan::solve(buffers, limits, interruption);
  }
  interruption.raise_others();
  return solution;
}

py::tuple place_in_order(const Array<std::int64_t>& pieces, const Array<std::int64_t>& alignments,
                         const std::vector<std::size_t>& order) {
  const std::vector<plan::Buffer> buffers = buffers_of(pieces, alignments);
  plan::check_buffers(buffers);
  std::vector<std::size_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < std::max(sorted.size(), buffers.size()); ++i) {
    if (i >= sorted.size() || sorted[i] != i || i >= buffers.size()) {
      fail("order", "every buffer once", std::to_string(order.size()) + " others");
    }
  }
  const plan::Layout layout = plan::place_in_order(buffers, order);
  return py::make_tuple(array_of(layout.offsets), layout.height);
}

std::optional<std::string> find_conflict(const Array<std::int64_t>& pieces, const Array<std::int64_t>& alignments,
                                         const Array<std::int64_t>& offsets, std::int64_t height) {
  const std::vector<plan::Buffer> buffers = buffers_of(pieces, alignments);
  plan::check_buffers(buffers);
  return plan::find_conflict(buffers, layout_of(offsets, height));
}

}  // namespace

void register_plan(py::module_& module) {
  py::module_ plan = module.def_submodule(
      "plan", "Buffers with lifetimes to offsets. Pieces: rows of (buffer, begin, end, offset, size), int64.");
  py::class_<plan::Solution>(plan, "Solution", "A layout, and what is known of all others.")
      .def_property_readonly("offsets", [](const plan::Solution& self) { return array_of(self.layout.offsets); })
      .def_property_readonly("height", [](const plan::Solution& self) { return self.layout.height; })
      .def_readonly("lower_bound", &plan::Solution::lower_bound)
      .def_readonly("nodes", &plan::Solution::nodes)
      .def_property_readonly("proven", &plan::Solution::proven)
      .def("fits", &plan::Solution::fits, py::arg("capacity"));
  plan.def("solve", &solve, py::arg("pieces"), py::arg("alignments"), py::arg("capacity") = py::none(),
           py::arg("nodes") = py::none(), py::arg("seconds") = py::none(),
           "The best layout within limits of work (nodes: deterministic) and time; Ctrl-C keeps the best one.");
  plan.def("place_in_order", &place_in_order, py::arg("pieces"), py::arg("alignments"), py::arg("order"),
           "Each buffer at the lowest free offset: offsets and height.");
  plan.def("find_conflict", &find_conflict, py::arg("pieces"), py::arg("alignments"), py::arg("offsets"),
           py::arg("height"), "What is wrong with a layout, or None.");
}

}  // namespace itrt::bindings
