#include <cstring>

#include "kernels/resize/resize.h"

namespace itrt::kernels {

void resize_nearest(const ResizeCall& call, std::int64_t first_row, std::int64_t last_row) {
  const auto pixel_bytes = static_cast<std::size_t>(call.channels);
  const std::int64_t output_row = call.output_width * call.channels;
  for (std::int64_t y = first_row; y < last_row; ++y) {
    const std::int64_t from = y * call.input_height / call.output_height;
    const std::uint8_t* const input = call.input + (from - call.input_first_row) * call.input_width * call.channels;
    std::uint8_t* output = call.output + (y - call.output_first_row) * output_row;
    // The position is whole + rest / output_width: a division a pixel would take longer than its copy.
    const std::int64_t whole_step = call.input_width / call.output_width;
    const std::int64_t rest_step = call.input_width % call.output_width;
    std::int64_t whole = 0, rest = 0;
    for (std::int64_t x = 0; x < call.output_width; ++x, output += call.channels) {
      std::memcpy(output, input + whole * call.channels, pixel_bytes);
      whole += whole_step;
      rest += rest_step;
      if (rest >= call.output_width) {
        rest -= call.output_width;
        ++whole;
      }
    }
  }
}

}  // namespace itrt::kernels
