// The topics of the Python module; each file registers one.
#pragma once

#include <pybind11/pybind11.h>

namespace itrt::bindings {

void register_errors(pybind11::module_& module);
void register_kernels(pybind11::module_& module);
void register_runtime(pybind11::module_& module);
void register_session(pybind11::module_& module);
void register_plan(pybind11::module_& module);
void register_plan_tensors(pybind11::module_& module);
void register_stripes(pybind11::module_& module);

// Of itrt._core.kernels.
void register_add(pybind11::module_& module);
void register_convolution(pybind11::module_& module);
void register_pointwise(pybind11::module_& module);
void register_pool(pybind11::module_& module);
void register_resample(pybind11::module_& module);
void register_kernel_calls(pybind11::module_& module);
void register_peak(pybind11::module_& module);

}  // namespace itrt::bindings
