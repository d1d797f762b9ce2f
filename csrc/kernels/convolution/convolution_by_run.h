// A convolution one run after the other, each over a panel: where a kernel reaches far into the padding, a run is
// multiplied for the columns alone at which it lies inside the image; and where a block's weights are more than a cache
// holds, those of one run are not.
//
//   column                  0                    32
//   kernel column 0, -12    . . . . x x x x x x x x      x: multiplied. The sums wait in memory for the next run's,
//   kernel column 1         x x x x x x x x x x x x      which costs less than what lies in the padding where a
//   kernel column 2, +12    x x x x x x x x . . . .      pixel's channels are many.
//
// Rows are left out as elsewhere (convolution_skip.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/convolution/convolution.h"
#include "kernels/convolution/convolution_kernel.h"
#include "kernels/convolution/convolution_panel.h"

namespace itrt::kernels {

// Bytes of scratch memory that SumsByRun uses; 0 where no call goes by runs.
std::size_t sums_by_run_bytes(const PackedConvolution& packed);

// Whether a call takes less time so.
bool pays_by_run(const PackedConvolution& packed, const ConvolutionCall& call);

class SumsByRun {
 public:
  SumsByRun(const PackedConvolution& packed, const ConvolutionCall& call, std::int32_t* sums)
      : packed_(packed), call_(call), sums_(sums) {}

  // Those of a panel that begins at output pixel `first`, [pixel][lane], for a block that has all its segments. They
  // start at zero, not at the bias, and are valid until the next call.
  const std::int32_t* of(const Panel& panel, std::int64_t first, const ConvolutionBlock& block,
                         std::int64_t first_lane) const;

 private:
  const PackedConvolution& packed_;
  const ConvolutionCall& call_;
  std::int32_t* sums_;
};

}  // namespace itrt::kernels
