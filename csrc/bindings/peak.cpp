// What the machine can do at most.
#include "runtime/peak.h"

#include <pybind11/stl.h>

#include <optional>
#include <string>

#include "base/isa.h"
#include "bindings/arguments.h"
#include "bindings/gil.h"
#include "bindings/module.h"

namespace py = pybind11;

namespace itrt::bindings {
namespace {

std::optional<double> peak(const std::optional<std::string>& isa, int threads) {
  check_threads(threads);
  const Isa selected = select_isa(isa);
  const GilRelease release;
  return measure_peak(selected, threads);
}

}  // namespace

void register_peak(py::module_& module) { module.def("measure_peak", peak, py::arg("isa"), py::arg("threads")); }

}  // namespace itrt::bindings
