// The loop over convolution kernels that this CPU runs.
#pragma once

#include "kernels/convolution/convolution.h"
#include "kernels/convolution/convolution_kernel.h"
#include "kernels/exact_memory.h"

#if defined(ITRT_X86)
namespace itrt::kernels {
// convolution_avx_vnni in the encoding of AVX512-VNNI (CMakeLists.txt).
extern const ConvolutionKernel convolution_avx_vnni_as_evex;
// convolution_amx_int8 without AMX's instructions.
extern const ConvolutionKernel convolution_amx_emulated;
}  // namespace itrt::kernels
#endif

namespace itrt::test {

template <class Body>
void each_convolution_kernel(const Body& body) {
  each_kernel(kernels::convolution_kernels(), body);
#if defined(ITRT_X86)
  if (is_detected(Isa::avx512_vnni)) {
    SCOPED_TRACE("avx_vnni as EVEX");
    body(kernels::convolution_avx_vnni_as_evex);
  }
  if (is_detected(Isa::avx512_vnni)) {
    SCOPED_TRACE("emulated AMX");
    body(kernels::convolution_amx_emulated);
  }
#endif
}

}  // namespace itrt::test
