// One call of every convolution kernel: sums that start from given ones, sums that are kept, bytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <list>
#include <set>
#include <vector>

#include "base/checked.h"
#include "kernels/convolution/prepared_thread.h"
#include "kernels/each_convolution_kernel.h"
#include "reference/kernels.h"

namespace itrt::test {
namespace {

using kernels::ConvolutionBlock;
using kernels::ConvolutionKernel;
using kernels::ConvolutionResult;
using kernels::ConvolutionSegment;
using kernels::PreparedThread;

// A block whose runs lie anywhere in one input; lanes of the sums are what is compared.
class BlockProblem {
 public:
  BlockProblem(Random& random, const ConvolutionKernel& kernel, std::int64_t width)
      : kernel_(kernel),
        width_(width),
        channels_(between(random, 1, width)),
        pixels_(between(random, 1, 60)),
        stride_(width + between(random, 0, 9)),
        lanes_(static_cast<std::size_t>(width) * (sizeof(std::int32_t) + sizeof(float))) {
    std::int64_t quads = 0;
    for (std::int64_t s = between(random, 1, 4); s > 0; --s) {
      segments_.push_back({round_up(between(random, 1, 70), kernel.quads_a_step), between(random, 0, 20)});
      quads += segments_.back().quads;
    }
    constexpr std::int64_t input_bytes = 2000, longest_run = 20 + 4 * 80;
    input_.emplace_back(random_bytes<std::uint8_t>(random, input_bytes), kernels::input_slack);
    pointer_stride_ = (pixels_ + kernels::pixel_granule - 1) / kernels::pixel_granule * kernels::pixel_granule;
    for (std::size_t s = 0; s < segments_.size(); ++s) {
      for (std::int64_t p = 0; p < pointer_stride_; ++p) {
        pointers_.push_back(p < pixels_ ? input_.front().data() + between(random, 0, input_bytes - longest_run)
                                        : pointers_.back());
      }
    }
    weights_ = random_bytes<std::int8_t>(random, quads * width * 4);
    packed_ = AlignedBuffer(static_cast<std::size_t>(quads * width * kernel.bytes_a_quad));
    for (std::int64_t q = 0; q < quads; ++q) {
      kernel.pack_quad(weights_.data() + q * width * 4, width, packed_.data() + q * width * kernel.bytes_a_quad);
    }
    for (std::int64_t lane = 0; lane < width; ++lane) {
      start()[lane] = static_cast<std::int32_t>(between(random, -100000, 100000));
      scale()[lane] = static_cast<float>(between(random, -4, 12)) * 1e-5f;
      multipliers_.push_back(static_cast<std::int32_t>(between(random, -4, 12) * 1024 + between(random, 0, 1)));
    }
    for (std::int64_t i = 0; i < (pixels_ - 1) * stride_ + width; ++i) {
      initial_.push_back(static_cast<std::int32_t>(between(random, -1000000, 1000000)));
    }
  }

  void expect_exact(bool with_initial) {
    std::vector<std::int32_t> sums(initial_.size(), -1), expected_sums = sums;
    std::vector<std::uint8_t> bytes(initial_.size(), 7), expected_bytes = bytes, expected_fixed = bytes;
    for (std::int64_t p = 0; p < pixels_; ++p) {
      for (std::int64_t lane = 0; lane < width_; ++lane) {
        const std::size_t at = static_cast<std::size_t>(p * stride_ + lane);
        expected_sums[at] = accumulate(p, lane) + (with_initial ? initial_[at] : 0);
        const std::int64_t channel = kernel_.channel_of_lane(width_, lane);
        if (channel >= channels_) continue;
        const auto stored = static_cast<std::size_t>(p * stride_ + channel);
        expected_bytes[stored] =
            reference::requantize(static_cast<float>(expected_sums[at]) * scale()[lane], zero_point, lower, upper);
        expected_fixed[stored] = reference::requantize_fixed(
            expected_sums[at], multipliers_[static_cast<std::size_t>(lane)], shift, zero_point, lower, upper);
      }
    }
    run(ConvolutionResult::sum, sums.data(), with_initial);
    expect_equal<std::int32_t>(expected_sums, sums);
    if (kernel_.known.general) {
      run(ConvolutionResult::general, bytes.data(), with_initial);
      expect_equal<std::uint8_t>(expected_bytes, bytes);
    }
    if (kernel_.known.largest_fixed_sum > 0) {
      for (std::int64_t lane = 0; lane < width_; ++lane) {
        scale()[lane] = std::ldexp(static_cast<float>(multipliers_[static_cast<std::size_t>(lane)]), -shift);
      }
      std::fill(bytes.begin(), bytes.end(), std::uint8_t{7});
      run(ConvolutionResult::fixed, bytes.data(), with_initial);
      expect_equal<std::uint8_t>(expected_fixed, bytes);
    }
  }

 private:
  static constexpr std::int32_t zero_point = 90, lower = 13, upper = 240, shift = 26;

  std::int32_t* start() { return lanes_.as<std::int32_t>(); }
  float* scale() { return lanes_.as<float>() + width_; }

  std::int32_t accumulate(std::int64_t pixel, std::int64_t lane) {
    std::int32_t sum = start()[lane];
    const std::int8_t* weights = weights_.data() + lane * 4;
    for (std::size_t s = 0; s < segments_.size(); ++s) {
      const std::uint8_t* input =
          pointers_[s * static_cast<std::size_t>(pointer_stride_) + static_cast<std::size_t>(pixel)] +
          segments_[s].offset;
      for (std::int64_t q = 0; q < segments_[s].quads; ++q, input += 4, weights += width_ * 4) {
        for (int i = 0; i < 4; ++i) sum += input[i] * weights[i];
      }
    }
    return sum;
  }

  void run(ConvolutionResult result, void* output, bool with_initial) {
    const PreparedThread prepared(kernel_);
    kernel_.run({.pointers = pointers_.data(),
                 .pointer_stride = pointer_stride_,
                 .gathered = false,
                 .pixels = pixels_,
                 .segments = segments_.data(),
                 .segment_count = static_cast<std::int64_t>(segments_.size()),
                 .weights = packed_.data(),
                 .width = width_,
                 .channels = channels_,
                 .start = start(),
                 .scale = scale(),
                 .offset = nullptr,
                 .result = result,
                 .output_zero_point = zero_point,
                 .clamp_lower = lower,
                 .clamp_upper = upper,
                 .initial = with_initial ? initial_.data() : nullptr,
                 .initial_stride = stride_,
                 .output = output,
                 .output_stride = stride_});
  }

  const ConvolutionKernel& kernel_;
  std::int64_t width_, channels_, pixels_, stride_, pointer_stride_ = 0;
  std::vector<ConvolutionSegment> segments_;
  std::list<ExactMemory> input_;
  std::vector<const std::uint8_t*> pointers_;
  std::vector<std::int8_t> weights_;
  AlignedBuffer packed_, lanes_;
  std::vector<std::int32_t> multipliers_;  // one a lane
  std::vector<std::int32_t> initial_;
};

// The widths that a kernel cuts blocks to.
std::set<std::int64_t> widths(const ConvolutionKernel& kernel) {
  std::set<std::int64_t> all;
  for (std::int64_t vectors = 1; vectors <= 16; ++vectors) {
    all.insert(kernel.block_vectors(vectors) * kernel.vector_width);
  }
  return all;
}

TEST(ConvolutionBlock, StartsFromGivenSumsAndKeepsSums) {
  Random random(1);
  each_convolution_kernel([&](const ConvolutionKernel& kernel) {
    for (const std::int64_t width : widths(kernel)) {
      for (int round = 0; round < 40; ++round) {
        SCOPED_TRACE(testing::Message() << width << " lanes, round " << round);
        BlockProblem problem(random, kernel, width);
        problem.expect_exact(round % 2 == 0);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

}  // namespace
}  // namespace itrt::test
