// What moves bytes and computes none, against the formulas, a byte at a time.
#include "kernels/rearrange/rearrange.h"

#include <gtest/gtest.h>

#include "kernels/exact_memory.h"

namespace itrt::test {
namespace {

TEST(Gather, CopiesRunsOfChannels) {
  Random random(1);
  for (int round = 0; round < 100; ++round) {
    SCOPED_TRACE(round);
    const std::int64_t pixels = between(random, 1, round % 10 ? 30 : 3000);
    std::vector<ExactMemory> memory;
    std::vector<kernels::GatherRun> runs;
    std::int64_t channels = 0;
    for (std::int64_t n = between(random, 1, 5); n > 0; --n) {
      const std::int64_t input_channels = between(random, 1, 40);
      memory.emplace_back(random_bytes<std::uint8_t>(random, pixels * input_channels), 0);
      const std::int64_t first = between(random, 0, input_channels - 1);
      const std::int64_t count = between(random, 0, 1) ? 1 : between(random, 1, input_channels - first);
      runs.push_back({memory.back().data(), input_channels, first, count});
      channels += count;
    }
    std::vector<std::uint8_t> expected, found(static_cast<std::size_t>(pixels * channels));
    for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
      for (const kernels::GatherRun& run : runs) {
        for (std::int64_t c = 0; c < run.count; ++c) {
          expected.push_back(run.input[pixel * run.input_channels + run.first + c]);
        }
      }
    }
    const kernels::GatherCall call = {.runs = runs, .channels = channels, .output = found.data()};
    const std::int64_t cut = between(random, 0, pixels);
    kernels::gather(call, cut, pixels);
    kernels::gather(call, 0, cut);
    expect_equal<std::uint8_t>(expected, found);
    if (HasFatalFailure()) return;
  }
}

std::int64_t source(std::int64_t index, std::int64_t extent, kernels::PadMode mode) {
  if (mode == kernels::PadMode::replicate) return std::clamp<std::int64_t>(index, 0, extent - 1);
  if (mode == kernels::PadMode::reflect) return extent - 1 - std::abs(extent - 1 - std::abs(index));
  return index;
}

TEST(Pad, EveryModeAndCropping) {
  Random random(2);
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE(round);
    kernels::PadCall call;
    call.mode = static_cast<kernels::PadMode>(between(random, 0, 2));
    call.input_height = between(random, 1, 8);
    call.input_width = between(random, 1, 8);
    call.channels = between(random, 1, 20);
    call.value = static_cast<std::uint8_t>(between(random, 0, 255));
    const bool mirrors = call.mode == kernels::PadMode::reflect;
    const auto amount = [&](std::int64_t extent) {
      return between(random, -std::min<std::int64_t>(extent - 1, 2), mirrors ? extent - 1 : 9);
    };
    call.top = amount(call.input_height);
    call.left = amount(call.input_width);
    const std::int64_t height = std::max<std::int64_t>(call.input_height + call.top + amount(call.input_height), 1);
    call.output_width = std::max<std::int64_t>(call.input_width + call.left + amount(call.input_width), 1);
    const ExactMemory input(random_bytes<std::uint8_t>(random, call.input_height * call.input_width * call.channels),
                            0);
    call.input = input.data();
    std::vector<std::uint8_t> expected;
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = 0; x < call.output_width; ++x) {
        const std::int64_t row = source(y - call.top, call.input_height, call.mode);
        const std::int64_t column = source(x - call.left, call.input_width, call.mode);
        const bool inside = row >= 0 && row < call.input_height && column >= 0 && column < call.input_width;
        for (std::int64_t c = 0; c < call.channels; ++c) {
          const std::int64_t at = (row * call.input_width + column) * call.channels + c;
          expected.push_back(inside ? call.input[at] : call.value);
        }
      }
    }
    std::vector<std::uint8_t> found(expected.size());
    call.output = found.data();
    const std::int64_t cut = between(random, 0, height);
    kernels::pad(call, cut, height);
    kernels::pad(call, 0, cut);
    expect_equal<std::uint8_t>(expected, found);
    if (HasFatalFailure()) return;
  }
}

TEST(DepthToSpace, PixelsOfABlockAreNeighboursInTheInputsChannels) {
  Random random(3);
  for (int round = 0; round < 100; ++round) {
    SCOPED_TRACE(round);
    kernels::DepthToSpaceCall call;
    call.block = {between(random, 1, 4), between(random, 1, 4)};
    call.channels = between(random, 1, 20);
    call.input_width = between(random, 1, 8);
    const auto [block_height, block_width] = call.block;
    const std::int64_t input_height = between(random, 1, 6), depth = block_height * block_width * call.channels;
    const ExactMemory input(random_bytes<std::uint8_t>(random, input_height * call.input_width * depth), 0);
    call.input = input.data();
    const std::int64_t height = input_height * block_height, width = call.input_width * block_width;
    std::vector<std::uint8_t> expected;
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = 0; x < width; ++x) {
        const std::int64_t pixel = (y / block_height * call.input_width + x / block_width) * depth;
        const std::int64_t place = y % block_height * block_width + x % block_width;
        for (std::int64_t c = 0; c < call.channels; ++c) {
          expected.push_back(call.input[pixel + place * call.channels + c]);
        }
      }
    }
    std::vector<std::uint8_t> found(expected.size());
    call.output = found.data();
    const std::int64_t cut = between(random, 0, height);
    kernels::depth_to_space(call, cut, height);
    kernels::depth_to_space(call, 0, cut);
    expect_equal<std::uint8_t>(expected, found);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace itrt::test
