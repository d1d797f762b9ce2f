#include "kernels/convolution/convolution_run.h"

#include <algorithm>
#include <cstring>

namespace itrt::kernels {

Interior interior(const ConvolutionRun& run, const ConvolutionTerm& term, const ConvolutionInput& input) {
  const std::int64_t start = input_column(run, term, 0);
  const std::int64_t room = input.width - run.taps - start;
  const std::int64_t stride = term.stride_width;
  return {start < 0 ? (-start + stride - 1) / stride : 0, room < 0 ? 0 : room / stride + 1};
}

// Copies `bytes` bytes, and what fills the last chunk behind them.
void copy_spilling(std::uint8_t* out, const std::uint8_t* source, std::int64_t bytes) {
  for (std::int64_t done = 0; done < bytes; done += copy_chunk) std::memcpy(out + done, source + done, copy_chunk);
}

void assemble(const ConvolutionRun& run, const ConvolutionTerm& term, const ConvolutionInput& input,
              const std::uint8_t* padding, std::int64_t row, std::int64_t column, std::uint8_t* out) {
  const std::int64_t start = input_column(run, term, column);
  const std::int64_t first = std::clamp<std::int64_t>(-start, 0, run.taps);
  const std::int64_t last = std::clamp<std::int64_t>(input.width - start, first, run.taps);
  const std::int64_t channels = term.in_channels;
  copy_spilling(out, padding, first * channels);
  copy_spilling(out + first * channels, input.data + ((row - input.first_row) * input.width + start + first) * channels,
                (last - first) * channels);
  copy_spilling(out + last * channels, padding, (run.taps - last) * channels);
}

}  // namespace itrt::kernels
