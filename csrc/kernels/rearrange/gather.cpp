#include <cstring>

#include "kernels/rearrange/rearrange.h"

namespace itrt::kernels {
namespace {

// A run of one channel, as a shuffle of channels has: a loop over pixels, without a call for each byte.
void copy_channel(const GatherRun& run, std::int64_t first, std::int64_t last, std::int64_t channels,
                  std::uint8_t* output) {
  const std::uint8_t* const input = run.input + run.first;
  for (std::int64_t pixel = first; pixel < last; ++pixel) {
    output[pixel * channels] = input[pixel * run.input_channels];
  }
}

void copy_run(const GatherRun& run, std::int64_t first, std::int64_t last, std::int64_t channels,
              std::uint8_t* output) {
  if (run.count == 1) return copy_channel(run, first, last, channels, output);
  const std::uint8_t* const input = run.input + run.first;
  for (std::int64_t pixel = first; pixel < last; ++pixel) {
    std::memcpy(output + pixel * channels, input + pixel * run.input_channels, static_cast<std::size_t>(run.count));
  }
}

// Pixels whose bytes of all inputs and the output stay in the nearest cache while run after run is copied.
std::int64_t part_pixels(std::int64_t channels) { return channels < 8192 ? 8192 / channels : 1; }

}  // namespace

void gather(const GatherCall& call, std::int64_t first_pixel, std::int64_t last_pixel) {
  const std::int64_t step = part_pixels(call.channels);
  for (std::int64_t pixel = first_pixel; pixel < last_pixel; pixel += step) {
    const std::int64_t last = last_pixel - pixel < step ? last_pixel : pixel + step;
    std::uint8_t* output = call.output;
    for (const GatherRun& run : call.runs) {
      copy_run(run, pixel, last, call.channels, output);
      output += run.count;
    }
  }
}

}  // namespace itrt::kernels
