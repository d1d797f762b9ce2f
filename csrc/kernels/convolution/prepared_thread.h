// While a kernel runs on a thread: its prepare_thread comes before, its release_thread after.
#pragma once

#include "kernels/convolution/convolution_kernel.h"

namespace itrt::kernels {

class PreparedThread {
 public:
  explicit PreparedThread(const ConvolutionKernel& kernel) : kernel_(kernel) {
    if (kernel_.prepare_thread != nullptr) kernel_.prepare_thread();
  }
  ~PreparedThread() {
    if (kernel_.release_thread != nullptr) kernel_.release_thread();
  }
  PreparedThread(const PreparedThread&) = delete;
  PreparedThread& operator=(const PreparedThread&) = delete;

 private:
  const ConvolutionKernel& kernel_;
};

}  // namespace itrt::kernels
