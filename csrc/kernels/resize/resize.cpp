#include "kernels/resize/resize.h"

#include <algorithm>
#include <array>

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

// Pixels of a row that are resized and added before the next ones: a few cache lines.
std::int64_t part_pixels(std::int64_t channels) { return std::max<std::int64_t>(2048 / channels, 1); }

// Calls body(output row, blended columns, taps) for every output row.
template <class Body>
void each_blended_row(const ResizeKernel& kernel, const ResizeCall& call, std::int64_t first_row, std::int64_t last_row,
                      const Body& body) {
  ResizeTap* taps = reinterpret_cast<ResizeTap*>(call.scratch);
  std::int16_t* blended = reinterpret_cast<std::int16_t*>(call.scratch + taps_bytes(call.output_width));
  for (std::int64_t x = 0; x < call.output_width; ++x) {
    taps[x] = resize_tap(x, call.input_width, call.output_width, call.alignment);
  }
  const std::int64_t input_row = call.input_width * call.channels;
  for (std::int64_t y = first_row; y < last_row; ++y) {
    const ResizeTap tap = resize_tap(y, call.input_height, call.output_height, call.alignment);
    const auto input_at = [&](std::int64_t row) { return call.input + (row - call.input_first_row) * input_row; };
    kernel.blend(input_at(tap.index0), input_at(tap.index1), tap, input_row, blended);
    body(y, blended, taps);
  }
}

constexpr const ResizeKernel* rows[] = {
#if defined(ITRT_X86)
    &resize_avx512_vnni,
    &resize_avx2,
#endif
    &resize_portable,
};

}  // namespace

ResizeTap resize_tap(std::int64_t output_index, std::int64_t input_size, std::int64_t output_size,
                     Alignment alignment) {
  // The position is numerator / whole.
  const bool borders = alignment == Alignment::borders;
  const std::int64_t whole = borders ? 2 * output_size : std::max<std::int64_t>(output_size - 1, 1);
  const std::int64_t numerator = borders ? std::max<std::int64_t>((2 * output_index + 1) * input_size - output_size, 0)
                                         : output_index * (input_size - 1);
  const std::int64_t index0 = std::min(numerator / whole, input_size - 1);
  const std::int64_t index1 = std::min(index0 + 1, input_size - 1);
  const std::int64_t weight1 = (256 * (numerator % whole) + whole) / (2 * whole);
  return {static_cast<std::int32_t>(index0), static_cast<std::int32_t>(index1),
          static_cast<std::int16_t>(128 - weight1), static_cast<std::int16_t>(weight1)};
}

std::size_t resize_scratch_bytes(std::int64_t input_width, std::int64_t output_width, std::int64_t channels) {
  return taps_bytes(output_width) + blended_bytes(input_width, channels);
}

std::size_t resize_add_scratch_bytes(std::int64_t input_width, std::int64_t output_width, std::int64_t channels) {
  return resize_scratch_bytes(input_width, output_width, channels) +
         static_cast<std::size_t>(part_pixels(channels) * channels);
}

void ResizeKernel::run(const ResizeCall& call, std::int64_t first_row, std::int64_t last_row) const {
  const std::int64_t output_row = call.output_width * call.channels;
  each_blended_row(*this, call, first_row, last_row,
                   [&](std::int64_t y, const std::int16_t* blended, const ResizeTap* taps) {
                     interpolate(blended, taps, call.output_width, call.channels,
                                 call.output + (y - call.output_first_row) * output_row);
                   });
}

void resize_add(const ResizeKernel& kernel, const AddKernel& add_kernel, const ResizeAddCall& call,
                std::int64_t first_row, std::int64_t last_row) {
  const ResizeCall& resize = call.resize;
  const std::int64_t channels = resize.channels, step = part_pixels(channels);
  auto* const resized = reinterpret_cast<std::uint8_t*>(
      resize.scratch + resize_scratch_bytes(resize.input_width, resize.output_width, channels));
  std::array<AddInput, 2> inputs = {call.add.inputs[0], call.add.inputs[1]};
  inputs[call.resized_input].data = resized;
  const std::int64_t begin = (first_row - resize.output_first_row) * resize.output_width * channels;
  AddInput& other = inputs[1 - call.resized_input];
  other.data += begin;
  AddElements part = add_elements(call.add);
  part.inputs = inputs.data();
  part.output += begin;
  each_blended_row(kernel, resize, first_row, last_row,
                   [&](std::int64_t, const std::int16_t* blended, const ResizeTap* taps) {
                     for (std::int64_t x = 0; x < resize.output_width; x += step) {
                       const std::int64_t pixels = std::min(step, resize.output_width - x);
                       kernel.interpolate(blended, taps + x, pixels, channels, resized);
                       add_kernel.elements(part, 0, pixels * channels);
                       other.data += pixels * channels;
                       part.output += pixels * channels;
                     }
                   });
}

std::span<const ResizeKernel* const> resize_kernels() { return rows; }

const ResizeKernel& select_resize(Isa isa) { return best_of<ResizeKernel>(rows, isa); }

}  // namespace itrt::kernels
