#include <algorithm>
#include <cstring>

#include "kernels/rearrange/rearrange.h"

namespace itrt::kernels {
namespace {

// The place of the input that stands at `index`, which may lie outside; -1: none.
std::int64_t source(std::int64_t index, std::int64_t extent, PadMode mode) {
  if (index >= 0 && index < extent) return index;
  switch (mode) {
    case PadMode::reflect:
      return index < 0 ? -index : 2 * (extent - 1) - index;
    case PadMode::replicate:
      return std::clamp<std::int64_t>(index, 0, extent - 1);
    case PadMode::constant:
      break;
  }
  return -1;
}

// Pixels [first, last) of a row of the output, of which none lies inside the input.
void fill_outside(const PadCall& call, const std::uint8_t* input_row, std::int64_t first, std::int64_t last,
                  std::uint8_t* output_row) {
  for (std::int64_t x = first; x < last; ++x) {
    const std::int64_t from = source(x - call.left, call.input_width, call.mode);
    const auto bytes = static_cast<std::size_t>(call.channels);
    if (from < 0) {
      std::memset(output_row + x * call.channels, call.value, bytes);
    } else {
      std::memcpy(output_row + x * call.channels, input_row + from * call.channels, bytes);
    }
  }
}

}  // namespace

void pad(const PadCall& call, std::int64_t first_row, std::int64_t last_row) {
  const std::int64_t row_bytes = call.output_width * call.channels;
  // Output pixels [begin, end) lie inside the input.
  const std::int64_t begin = std::clamp<std::int64_t>(call.left, 0, call.output_width);
  const std::int64_t end = std::clamp<std::int64_t>(call.left + call.input_width, begin, call.output_width);
  for (std::int64_t y = first_row; y < last_row; ++y) {
    std::uint8_t* const output = call.output + (y - call.output_first_row) * row_bytes;
    const std::int64_t from = source(y - call.top, call.input_height, call.mode);
    if (from < 0) {
      std::memset(output, call.value, static_cast<std::size_t>(row_bytes));
      continue;
    }
    const std::uint8_t* const input = call.input + (from - call.input_first_row) * call.input_width * call.channels;
    fill_outside(call, input, 0, begin, output);
    if (end > begin) {
      std::memcpy(output + begin * call.channels, input + (begin - call.left) * call.channels,
                  static_cast<std::size_t>((end - begin) * call.channels));
    }
    fill_outside(call, input, end, call.output_width, output);
  }
}

}  // namespace itrt::kernels
