// Fixed-point requantization: which blocks a kernel rounds by itself, and that every kernel gives the oracle's bytes.
#include <gtest/gtest.h>

#include "base/errors.h"
#include "expect_error.h"
#include "kernels/convolution_problem.h"

namespace itrt::test {
namespace {

using kernels::ConvolutionKernel;
using kernels::ConvolutionResult;
using kernels::ConvolutionTerm;

void expect_exact(Random& random, const std::vector<ConvolutionTerm>& terms, std::int64_t out_channels,
                  std::int64_t height, std::int64_t width, std::int64_t stride = 1) {
  ConvolutionProblem problem;
  problem.out_channels = out_channels;
  problem.output_height = height;
  problem.output_width = width;
  for (const ConvolutionTerm& term : terms) problem.add(random, term, height * stride, width * stride);
  problem.add_requantization(random);
  problem.fix_scales(random);
  problem.expect_all_kernels_exact(random);
}

ConvolutionTerm spatial(std::int64_t channels, std::int64_t groups, std::int64_t stride = 1) {
  return {.in_channels = channels,
          .kernel_height = 3,
          .kernel_width = 3,
          .stride_height = stride,
          .stride_width = stride,
          .padding_top = 1,
          .padding_left = 1,
          .groups = groups};
}

TEST(FixedPoint, EveryNumberOfVectorsAndPixels) {
  Random random(1);
  for (std::int64_t channels = 1; channels <= 208; channels += between(random, 1, 16)) {
    for (const std::int64_t pixels : {1, 5, 12, 13, 25}) {
      SCOPED_TRACE(testing::Message() << channels << " channels, " << pixels << " pixels");
      expect_exact(random, {{.in_channels = between(random, 1, 40)}}, channels, 1, pixels);
    }
  }
}

TEST(FixedPoint, SpatialGroupedAndSeveralTerms) {
  Random random(2);
  for (const std::int64_t channels : {16, 24, 40, 64, 80, 128}) {
    for (const std::int64_t group : {1, 2, 4, 8}) {
      SCOPED_TRACE(testing::Message() << channels << " channels, groups of " << group);
      expect_exact(random, {spatial(channels, channels / group)}, channels, 4, 7);
      expect_exact(random, {spatial(channels, channels / group), {.in_channels = channels}}, channels, 4, 7);
    }
    expect_exact(random, {spatial(5, 1), {.in_channels = 9}}, channels, 4, 7);
  }
}

TEST(FixedPoint, ImageStems) {
  Random random(3);
  for (const std::int64_t channels : {16, 24, 48, 64}) {
    for (const std::int64_t width : {5, 12, 30}) expect_exact(random, {spatial(3, 1, 2)}, channels, 3, width, 2);
  }
}

// One input channel, whose bytes are 0 to 255, times one: sums are the bias and 0 to 255 more.
class Counting {
 public:
  explicit Counting(std::int64_t channels) : weights_(static_cast<std::size_t>(channels), 1) {
    std::vector<std::uint8_t> input(256);
    for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::uint8_t>(i);
    memory_.emplace_back(input, kernels::input_slack);
    problem.out_channels = channels;
    problem.output_height = 1;
    problem.output_width = 256;
    problem.terms.push_back({.in_channels = 1, .weight = weights_, .zero_points = zero_point_});
    problem.inputs.push_back({memory_.back().data(), 1, 256});
  }

  void add_channel(std::int32_t bias, std::int32_t multiplier, std::int32_t shift) {
    problem.bias.push_back(bias);
    problem.multiplier.push_back(static_cast<std::int16_t>(multiplier));
    problem.shift.push_back(static_cast<std::uint8_t>(shift));
  }

  ConvolutionResult result(const ConvolutionKernel& kernel) const {
    const kernels::PackedConvolution packed = kernels::pack(kernel, problem.out_channels, problem.terms);
    return kernels::pack(packed, problem.requantization()).results.front();
  }

  ConvolutionProblem problem;

 private:
  std::vector<std::int8_t> weights_;
  std::vector<std::uint8_t> zero_point_ = {0};
  std::list<ExactMemory> memory_;
};

TEST(FixedPoint, HalvesGoToTheEvenNeighbour) {
  Random random(4);
  Counting counting(3);
  counting.add_channel(-128, 1, 1);    // every second sum is a half
  counting.add_channel(-100, -3, 2);   // negative, and quarters
  counting.add_channel(7, 16384, 15);  // a half that has a long multiplier
  counting.problem.zero_point = 101;   // odd: the zero point must not change which neighbour is even
  counting.problem.expect_all_kernels_exact(random);
}

TEST(FixedPoint, ExtremesOfMultiplierShiftAndSum) {
  Random random(5);
  constexpr std::int32_t largest = INT32_MAX - 255;
  for (const std::int32_t bias : {0, 12345, largest, -largest, (1 << 24) - 255, 1 << 24}) {
    for (const std::int32_t multiplier : {0, 1, -1, 32767, -32767}) {
      SCOPED_TRACE(testing::Message() << bias << " times " << multiplier);
      Counting counting(17);
      for (int channel = 0; channel < 17; ++channel) {
        const int shift = std::min(3 * channel, kernels::largest_fixed_shift);
        counting.add_channel(bias, multiplier, shift);
      }
      counting.problem.zero_point = static_cast<std::int32_t>(between(random, 0, 255));
      counting.problem.expect_all_kernels_exact(random);
    }
  }
}

// Kernels that round by themselves do so as far as they are exact, and not further.
TEST(FixedPoint, KernelsRoundSumsThatTheyHoldExactly) {
  each_convolution_kernel([](const ConvolutionKernel& kernel) {
    const std::int64_t largest = kernel.known.largest_fixed_sum;
    const auto result = [&](std::int64_t highest_sum, std::int32_t multiplier, std::int32_t shift) {
      Counting counting(1);
      counting.add_channel(static_cast<std::int32_t>(highest_sum - 255), multiplier, shift);
      return counting.result(kernel);
    };
    const ConvolutionResult known = largest > 0 ? ConvolutionResult::fixed : ConvolutionResult::sum;
    EXPECT_EQ(result(1000, 32767, 20), known);
    EXPECT_EQ(result((1 << 22) - 1, 1, 0), known);
    EXPECT_EQ(result(1 << 22, 1, 0), ConvolutionResult::sum) << "a product of 2^22";
    if (largest > 0) {
      EXPECT_EQ(result(largest, 16384, 46), known);
    }
    if (largest > 0 && largest < INT32_MAX) {
      EXPECT_EQ(result(largest + 1, 16384, 46), ConvolutionResult::sum);
    }
  });
}

TEST(FixedPoint, NamesWhatIsWrong) {
  Counting counting(1);
  const kernels::PackedConvolution packed =
      kernels::pack(*kernels::convolution_kernels().back(), 1, counting.problem.terms);
  const std::vector<std::int32_t> bias(1);
  const std::vector<float> scale(1);
  const std::vector<std::int16_t> multiplier = {1}, too_low = {-32768}, two(2);
  const std::vector<std::uint8_t> shift = {46}, too_far = {47};
  const auto rejects = [&](const kernels::ConvolutionRequantization& requantization,
                           std::initializer_list<std::string_view> parts) {
    expect_error<InvalidArgument>([&] { kernels::pack(packed, requantization); }, parts);
  };
  EXPECT_NO_THROW(kernels::pack(packed, {.bias = bias, .multiplier = multiplier, .shift = shift}));
  rejects({.bias = bias, .multiplier = too_low, .shift = shift}, {"multiplier", "-32767", "-32768"});
  rejects({.bias = bias, .multiplier = multiplier, .shift = too_far}, {"shift", "46", "47"});
  rejects({.bias = bias, .multiplier = two, .shift = shift}, {"multiplier", "expected 1", "found 2"});
  rejects({.bias = bias, .multiplier = multiplier}, {"shift", "expected 1", "found 0"});
  rejects({.bias = bias, .scale = scale, .multiplier = multiplier, .shift = shift}, {"scale", "expected 0", "found 1"});
}

}  // namespace
}  // namespace itrt::test
