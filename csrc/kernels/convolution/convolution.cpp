// The driver: a panel of output pixels at a time, then every block of output channels over the panel, so that a block's
// weights stay in the nearest cache for all the panel's pixels.
#include "kernels/convolution/convolution.h"

#include "kernels/convolution/convolution_block.h"
#include "kernels/convolution/convolution_kernel.h"
#include "kernels/convolution/convolution_panel.h"
#include "kernels/convolution/stem.h"
#include "kernels/select.h"

namespace itrt::kernels {
namespace {

constexpr const ConvolutionKernel* rows[] = {
#if defined(ITRT_X86)
    &convolution_avx512_vnni,
    &convolution_avx2,
#endif
    &convolution_portable,
};

}  // namespace

std::size_t scratch_bytes(const PackedConvolution& packed) {
  return packed.stem ? stem_scratch_bytes(packed) : panel_bytes(packed);
}

void convolve(const PackedConvolution& packed, const ConvolutionCall& call, std::int64_t first, std::int64_t last) {
  if (packed.stem) return convolve_stem(packed, call, first, last);
  Panel panel(packed, call, first);
  while (first < last) {
    const std::int64_t pixels = panel.fill(last);
    for (std::size_t b = 0; b < packed.blocks.size(); ++b) {
      ConvolutionBlock block = output_block(packed, call, b, first);
      block.pointers = panel.pointers();
      block.pointer_stride = panel_pixels;
      block.pixels = pixels;
      packed.kernel->run(block);
    }
    first += pixels;
  }
}

std::span<const ConvolutionKernel* const> convolution_kernels() { return rows; }

const ConvolutionKernel& select_convolution(Isa isa) { return best_of<ConvolutionKernel>(rows, isa); }

}  // namespace itrt::kernels
