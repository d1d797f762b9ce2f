// A convolution and an addition of its output to another tensor in one, some pixels at a time: what is convolved is
// read where it was written, in a near cache, and needs no memory beside it. The bytes are those of one after the
// other.
//
//   convolution ──► a tile of pixels ──┐
//                                      ├──► addition ──► output
//   the other input, the same pixels ──┘
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/add/add.h"
#include "kernels/convolution/convolution.h"

namespace itrt::kernels {

// The output may lie where the other input lies, but not where the convolution reads.
struct ConvolutionAddCall {
  ConvolutionCall convolution;      // its output is not used; its scratch: convolution_add_scratch_bytes
  AddCall add;                      // of two inputs
  std::int64_t first_pixel = 0;     // at which these and the addition's output begin
  std::size_t convolved_input = 0;  // which of them is the convolved one: its data is not used
};

std::size_t convolution_add_scratch_bytes(const PackedConvolution& packed);

// Compute the output pixels [first, last) of the flattened height * width range.
void convolve_add(const PackedConvolution& packed, const AddKernel& add_kernel, const ConvolutionAddCall& call,
                  std::int64_t first, std::int64_t last);

}  // namespace itrt::kernels
