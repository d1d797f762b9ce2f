#include "kernels/resize/resize.h"

#include <algorithm>

#include "kernels/select.h"

namespace itrt::kernels {
namespace {

constexpr std::size_t slack = 64;

// Bytes of a row of taps, of a row of blended columns; whole cache lines.
std::size_t taps_bytes(std::int64_t output_width) {
  return (static_cast<std::size_t>(output_width) * sizeof(ResizeTap) + 63) / 64 * 64;
}
std::size_t blended_bytes(std::int64_t input_width, std::int64_t channels) {
  return (static_cast<std::size_t>(input_width * channels) * sizeof(std::int16_t) + 63) / 64 * 64 + slack;
}

constexpr const ResizeKernel* rows[] = {
#if defined(ITRT_X86)
    &resize_avx512_vnni,
    &resize_avx2,
#endif
    &resize_portable,
};

}  // namespace

ResizeTap resize_tap(std::int64_t output_index, std::int64_t input_size, std::int64_t output_size) {
  const std::int64_t whole = 2 * output_size;
  const std::int64_t position = std::max<std::int64_t>((2 * output_index + 1) * input_size - output_size, 0);
  const std::int64_t index0 = std::min(position / whole, input_size - 1);
  const std::int64_t index1 = std::min(index0 + 1, input_size - 1);
  const std::int64_t weight1 = (128 * (position % whole) + output_size) / whole;
  return {static_cast<std::int32_t>(index0), static_cast<std::int32_t>(index1),
          static_cast<std::int16_t>(128 - weight1), static_cast<std::int16_t>(weight1)};
}

std::size_t resize_scratch_bytes(std::int64_t input_width, std::int64_t output_width, std::int64_t channels) {
  return taps_bytes(output_width) + blended_bytes(input_width, channels);
}

void resize_rows(const ResizeSteps& steps, const ResizeCall& call, std::int64_t first_row, std::int64_t last_row) {
  ResizeTap* taps = reinterpret_cast<ResizeTap*>(call.scratch);
  std::int16_t* blended = reinterpret_cast<std::int16_t*>(call.scratch + taps_bytes(call.output_width));
  for (std::int64_t x = 0; x < call.output_width; ++x) {
    taps[x] = resize_tap(x, call.input_width, call.output_width);
  }
  const std::int64_t input_row = call.input_width * call.channels, output_row = call.output_width * call.channels;
  for (std::int64_t y = first_row; y < last_row; ++y) {
    const ResizeTap tap = resize_tap(y, call.input_height, call.output_height);
    steps.blend(call.input + tap.index0 * input_row, call.input + tap.index1 * input_row, tap, input_row, blended);
    steps.interpolate(blended, taps, call.output_width, call.channels, call.output + y * output_row);
  }
}

std::span<const ResizeKernel* const> resize_kernels() { return rows; }

const ResizeKernel& select_resize(Isa isa) { return best_of<ResizeKernel>(rows, isa); }

}  // namespace itrt::kernels
