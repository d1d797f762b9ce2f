#include <cstring>

#include "kernels/rearrange/rearrange.h"

namespace itrt::kernels {

// Row i of a block: the pixels that stand side by side in it are side by side in the input's channels, too.
void depth_to_space(const DepthToSpaceCall& call, std::int64_t first_row, std::int64_t last_row) {
  const auto [block_height, block_width] = call.block;
  const std::int64_t run = block_width * call.channels, pixel_bytes = block_height * run;
  for (std::int64_t y = first_row; y < last_row; ++y) {
    const std::int64_t row = y / block_height - call.input_first_row;
    const std::uint8_t* input = call.input + row * call.input_width * pixel_bytes + y % block_height * run;
    std::uint8_t* output = call.output + (y - call.output_first_row) * call.input_width * run;
    for (std::int64_t x = 0; x < call.input_width; ++x, input += pixel_bytes, output += run) {
      std::memcpy(output, input, static_cast<std::size_t>(run));
    }
  }
}

}  // namespace itrt::kernels
