// itrt._core: the compiled half of the package. Its public face is python/itrt/.
#include "bindings/module.h"

#include <string>

namespace {

std::string compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "gcc " __VERSION__;
#endif
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  module.doc() = "The runtime of itrt: programs, sessions and kernels.";
  module.attr("__version__") = ITRT_VERSION;
  module.def("compiler", compiler, "What the kernels were compiled with.");
  itrt::bindings::register_errors(module);
  itrt::bindings::register_kernels(module);
  itrt::bindings::register_runtime(module);
  itrt::bindings::register_session(module);
  itrt::bindings::register_plan(module);
  itrt::bindings::register_plan_tensors(module);
  itrt::bindings::register_stripes(module);
}
