// Sums that kernels leave as they are, because they do not know a cheaper way to bytes or none that is exact for them:
// the driver turns them into bytes in plain C++, a few pixels at a time, in the nearest cache.
//
//   kernel ──► [pixel][lane] i32 ──► requantize_float: binary32, portable kernels' way
//                                ──► requantize_fixed: integers alone
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/convolution/convolution.h"
#include "kernels/convolution/convolution_kernel.h"

namespace itrt::kernels {

// Lanes of the widest block of all kernels.
inline constexpr std::int64_t most_lanes = 64;

// Sums of one block of output channels, [pixel][lane], and where their bytes go.
struct SummedPixels {
  std::size_t block = 0;  // of PackedConvolution::blocks
  const std::int32_t* sums = nullptr;
  std::int64_t count = 0;
  // Of the first pixel, from channel 0 on; pixels are PackedConvolution::out_channels apart.
  std::uint8_t* output = nullptr;
};

// PackedRequantization::requantize, one of these.
void requantize_float(const PackedConvolution& convolution, const PackedRequantization& requantization,
                      const SummedPixels& pixels);
void requantize_fixed(const PackedConvolution& convolution, const PackedRequantization& requantization,
                      const SummedPixels& pixels);

// Runs block `index` of a panel and turns its sums into bytes; `block` is as for the kernel itself.
void run_by_sums(const PackedConvolution& convolution, const PackedRequantization& requantization, std::size_t index,
                 const ConvolutionBlock& block);

}  // namespace itrt::kernels
