// Where a run lies in its input, for an output pixel.
#pragma once

#include <cstdint>

#include "kernels/convolution/convolution.h"

namespace itrt::kernels {

// `assemble` copies this many bytes at a time: what it reads and writes ends up to as many less one later.
inline constexpr std::int64_t copy_chunk = 16;

// Output columns for which a run lies inside the input's row.
struct Interior {
  std::int64_t first, last;
};

Interior interior(const ConvolutionRun& run, const ConvolutionTerm& term, const ConvolutionInput& input);

inline std::int64_t input_row(const ConvolutionRun& run, const ConvolutionTerm& term, std::int64_t output_row) {
  return output_row * term.stride_height + run.kernel_row * term.dilation_height - term.padding_top;
}

// Of the run's first tap.
inline std::int64_t input_column(const ConvolutionRun& run, const ConvolutionTerm& term, std::int64_t output_column) {
  return output_column * term.stride_width + run.kernel_column * term.dilation_width - term.padding_left;
}

void copy_spilling(std::uint8_t* out, const std::uint8_t* source, std::int64_t bytes);

// The run of output column `column` at the input's row `row`, the part outside the image filled with zero points;
// `padding` is such a run outside.
void assemble(const ConvolutionRun& run, const ConvolutionTerm& term, const ConvolutionInput& input,
              const std::uint8_t* padding, std::int64_t row, std::int64_t column, std::uint8_t* out);

}  // namespace itrt::kernels
