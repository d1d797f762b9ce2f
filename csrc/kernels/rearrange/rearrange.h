// Operations that move bytes and compute none: memcpy is their kernel for every instruction set. They work on rows of
// the output, in calls whose ranges may be divided among threads.
//
// Rows of an input before its `first_row`, and of the output before `output_first_row`, may be missing in memory.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace itrt::kernels {

// Channels `first` to `first + count` of an input's pixels become the output's next ones. `input` points to the pixel
// that the output's first pixel is of.
struct GatherRun {
  const std::uint8_t* input = nullptr;
  std::int64_t input_channels = 0;
  std::int64_t first = 0, count = 0;
};

struct GatherCall {
  std::span<const GatherRun> runs;  // together the output's channels
  std::int64_t channels = 0;
  std::uint8_t* output = nullptr;
};

void gather(const GatherCall& call, std::int64_t first_pixel, std::int64_t last_pixel);

enum class PadMode { constant, reflect, replicate };

// out[o, p] = in[o - top, p - left]; beyond the border `value`, the mirrored pixel or the edge.
struct PadCall {
  const std::uint8_t* input = nullptr;
  std::int64_t input_height = 0, input_width = 0, input_first_row = 0;
  std::int64_t channels = 0;
  std::int64_t top = 0, left = 0;  // negative: cropped
  PadMode mode = PadMode::constant;
  std::uint8_t value = 0;
  std::uint8_t* output = nullptr;
  std::int64_t output_width = 0, output_first_row = 0;
};

void pad(const PadCall& call, std::int64_t first_row, std::int64_t last_row);

// out[y * bh + i, x * bw + j, c] = in[y, x, (i * bw + j) * channels + c]
struct DepthToSpaceCall {
  const std::uint8_t* input = nullptr;
  std::int64_t input_width = 0, input_first_row = 0;
  std::array<std::int64_t, 2> block{1, 1};
  std::int64_t channels = 0;  // the output's
  std::uint8_t* output = nullptr;
  std::int64_t output_first_row = 0;
};

void depth_to_space(const DepthToSpaceCall& call, std::int64_t first_row, std::int64_t last_row);

}  // namespace itrt::kernels
