// Runs that lie in the padding above or below the image, for a whole panel, are not multiplied.
//
//   kernel row 0   . . . . .   above the image for the first output rows: skipped, its share of the zero points' sum,
//   kernel row 1   x x x x x   which sums start with, is given back
//   kernel row 2   x x x x x
//
// At a dilation of 12 on 33 rows that is a fourth of all multiplications.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/convolution/convolution.h"
#include "kernels/convolution/convolution_kernel.h"

namespace itrt::kernels {

// Those that an output row may read.
RunRange runs_of_row(const PackedConvolution& packed, const ConvolutionCall& call, std::int64_t row);

// How many output rows from `row` on read the same runs, up to `last`.
std::int64_t rows_alike(const PackedConvolution& packed, const ConvolutionCall& call, std::int64_t row,
                        std::int64_t last);

// What sums start with where some runs are skipped; `lanes` is memory for PackedConvolution::lanes elements.
class SkippedStart {
 public:
  SkippedStart(const PackedConvolution& packed, const std::int32_t* start, std::int32_t* lanes)
      : packed_(packed), start_(start), lanes_(lanes), runs_{0, packed.segment_count} {}

  // [lane], valid until the next call.
  const std::int32_t* of(const RunRange& runs);

 private:
  const PackedConvolution& packed_;
  const std::int32_t* start_;
  std::int32_t* lanes_;
  RunRange runs_;  // that lanes_ is for
};

// Leaves a block, whose pointers are those of `runs`, with these runs alone.
void restrict_to(const RunRange& runs, const PackedConvolution& packed, ConvolutionBlock& block);

}  // namespace itrt::kernels
