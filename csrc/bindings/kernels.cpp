// The kernels one by one, as itrt.kernels shows them to tests and benchmarks; a file a topic.
#include <string>

#include "base/isa.h"
#include "bindings/module.h"
#include "kernels/registry.h"

namespace py = pybind11;

namespace itrt::bindings {
namespace {

py::list list_kernels() {
  const Isa selected = select_isa();
  py::list rows;
  std::string operation;     // the last whose best usable kernel has been seen
  Isa best = Isa::portable;  // that kernel's; an operation may have several kernels for one instruction set
  for (const kernels::KernelRow& kernel : kernels::registered_kernels()) {
    if (!is_detected(kernel.isa)) continue;
    if (includes(selected, kernel.isa) && operation != kernel.operation) {
      operation = kernel.operation;
      best = kernel.isa;
    }
    py::dict row;
    row["operation"] = kernel.operation;
    row["isa"] = isa_name(kernel.isa);
    row["name"] = kernel.name;
    row["selected"] = operation == kernel.operation && kernel.isa == best;
    rows.append(row);
  }
  return rows;
}

}  // namespace

void register_kernels(py::module_& module) {
  py::module_ kernels_module = module.def_submodule("kernels", "Single kernels, for tests and benchmarks.");
  kernels_module.def("list_kernels", list_kernels);
  register_kernel_calls(kernels_module);
  register_add(kernels_module);
  register_convolution(kernels_module);
  register_pointwise(kernels_module);
  register_pool(kernels_module);
  register_resample(kernels_module);
  register_peak(kernels_module);
}

}  // namespace itrt::bindings
