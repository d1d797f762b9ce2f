// A kernel with its inputs and memory made ready, so that it can be run, or timed, as often as wanted.
#pragma once

#include <pybind11/numpy.h>

#include <mutex>
#include <vector>

#include "base/aligned_buffer.h"

namespace itrt::bindings {

class KernelCall {
 public:
  virtual ~KernelCall() = default;
  KernelCall(const KernelCall&) = delete;
  KernelCall& operator=(const KernelCall&) = delete;

  // Executes once; a copy of the output.
  pybind11::array run();

  // Executes `repeats` times, back to back; the seconds of each.
  std::vector<double> time(int repeats);

 protected:
  KernelCall(std::vector<pybind11::ssize_t> shape, pybind11::dtype type);

  std::uint8_t* output() { return output_.as<std::uint8_t>(); }

 private:
  virtual void execute() = 0;  // without the GIL; writes output()

  std::vector<pybind11::ssize_t> shape_;
  pybind11::dtype type_;
  AlignedBuffer output_;
  std::mutex executing_;  // output and scratch serve one thread of Python at a time
};

// Scratch memory for every thread of a parallel_for.
class Scratch {
 public:
  Scratch(std::size_t bytes, int threads)
      : stride_((bytes + cache_line - 1) / cache_line * cache_line),
        memory_(stride_ * static_cast<std::size_t>(threads)) {}
  std::byte* of(int thread) { return memory_.data() + stride_ * static_cast<std::size_t>(thread); }

 private:
  std::size_t stride_;
  AlignedBuffer memory_;
};

// What every operation shows alike: the kernel's name, and binding it to inputs. A call keeps its operation alive.
template <class Operation>
pybind11::class_<Operation> operation_class(pybind11::module_& module, const char* name, const char* description) {
  return pybind11::class_<Operation>(module, name, description)
      .def_property_readonly("kernel", &Operation::kernel)
      .def("bind", &Operation::bind, pybind11::arg("inputs"), pybind11::arg("threads"), pybind11::keep_alive<0, 1>());
}

}  // namespace itrt::bindings
