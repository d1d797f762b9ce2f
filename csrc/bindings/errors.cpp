// C++ errors -> the exceptions of itrt.errors. They are defined in Python, so that they can derive from ValueError too.
#include "base/errors.h"

#include "bindings/module.h"

namespace py = pybind11;

namespace itrt::bindings {
namespace {

void raise(const char* name, const std::exception& error) {
  py::set_error(py::module_::import("itrt.errors").attr(name), error.what());
}

}  // namespace

void register_errors(py::module_&) {
  py::register_local_exception_translator([](std::exception_ptr pointer) {
    try {
      std::rethrow_exception(pointer);
    } catch (const ModelFileError& error) {
      raise("ModelFileError", error);
    } catch (const InvalidArgument& error) {
      raise("InvalidArgumentError", error);
    } catch (const Cancelled& error) {
      raise("CancelledError", error);
    } catch (const Error& error) {
      raise("ItrtError", error);
    }
  });
}

}  // namespace itrt::bindings
