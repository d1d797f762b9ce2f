// The GIL, released while a call computes.
#pragma once

#include <cxxabi.h>
#include <pybind11/pybind11.h>
#include <unistd.h>

namespace itrt::bindings {

// A daemon thread may still compute when the interpreter ends. When it then asks for the GIL back, Python before 3.14
// unwinds its stack, and the first destructor in the way, this one, would end the process with SIGABRT. Here the thread
// goes to sleep instead, as it does in later Pythons, and the process ends as it should.
class GilRelease {
 public:
  GilRelease() : state_(PyEval_SaveThread()) {}
  ~GilRelease() {
    try {
      PyEval_RestoreThread(state_);
    } catch (const abi::__forced_unwind&) {
      while (true) pause();
    }
  }
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

 private:
  PyThreadState* state_;
};

}  // namespace itrt::bindings
