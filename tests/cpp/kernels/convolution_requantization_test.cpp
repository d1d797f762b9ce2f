// Which blocks requantize in the cheaper way (convolution_kernel.h), and that it gives the same bytes.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "base/errors.h"
#include "kernels/convolution_problem.h"

namespace itrt::test {
namespace {

using kernels::ConvolutionResult;

constexpr std::int64_t channels = 64;
constexpr std::int64_t inputs = 129;  // 129 * 255 * 127 is just below 2^22

// A scale whose lowest two of 24 bits are zero.
float short_scale(Random& random) {
  const float scale = std::ldexp(static_cast<float>(between(random, 1 << 21, (1 << 22) - 1)), -34);
  return between(random, 0, 1) ? scale : -scale;
}

// Weights of one sign a channel, so that sums come near both limits.
class Extremes {
 public:
  explicit Extremes(Random& random) : weights_(static_cast<std::size_t>(channels * inputs)) {
    for (std::size_t i = 0; i < weights_.size(); ++i) weights_[i] = i / inputs % 2 ? 127 : -127;
    std::vector<std::uint8_t> input(static_cast<std::size_t>(17 * inputs));
    for (std::uint8_t& value : input) value = between(random, 0, 3) ? 255 : static_cast<std::uint8_t>(random());
    memory_.emplace_back(input, kernels::input_slack);
    problem.out_channels = channels;
    problem.output_height = 1;
    problem.output_width = 17;
    problem.terms.push_back({.in_channels = inputs, .weight = weights_, .zero_points = zero_point_});
    problem.inputs.push_back({memory_.back().data(), 1, 17});
    problem.bias.assign(channels, 0);
    for (std::int64_t c = 0; c < channels; ++c) problem.scale.push_back(short_scale(random));
  }

  ConvolutionResult result() const {
    const kernels::PackedConvolution packed =
        kernels::pack(*kernels::convolution_kernels().front(), channels, problem.terms);
    return kernels::pack(packed, problem.requantization()).results.front();
  }

  ConvolutionProblem problem;

 private:
  std::vector<std::int8_t> weights_;
  std::vector<std::uint8_t> zero_point_ = {0};
  std::list<ExactMemory> memory_;
};

class Requantization : public testing::Test {
 protected:
  void SetUp() override {
    if (!kernels::convolution_kernels().front()->known.saturating || !is_detected(Isa::avx512_vnni)) {
      GTEST_SKIP() << "no kernel of this CPU reads sums as binary32";
    }
  }
  Random random_{1};
};

TEST_F(Requantization, IsExactAtTheLargestSums) {
  for (int round = 0; round < 20; ++round) {
    Extremes extremes(random_);
    EXPECT_EQ(extremes.result(), ConvolutionResult::saturating_at_zero);
    extremes.problem.expect_all_kernels_exact(random_);
    extremes.problem.zero_point = static_cast<std::int32_t>(between(random_, 1, 255));
    EXPECT_EQ(extremes.result(), ConvolutionResult::saturating);
    extremes.problem.expect_all_kernels_exact(random_);
  }
}

TEST_F(Requantization, IsGeneralWhereASumCouldReachTwoToThe22) {
  Extremes extremes(random_);
  extremes.problem.bias[1] = (1 << 22) - 1 - 129 * 255 * 127;
  EXPECT_EQ(extremes.result(), ConvolutionResult::saturating_at_zero);
  extremes.problem.expect_all_kernels_exact(random_);
  extremes.problem.bias[1] += 1;
  EXPECT_EQ(extremes.result(), ConvolutionResult::general);
  extremes.problem.bias[1] = 0;
  extremes.problem.bias[0] = -(1 << 22) + 129 * 255 * 127;
  EXPECT_EQ(extremes.result(), ConvolutionResult::general);
}

TEST_F(Requantization, IsGeneralWhereTheScaleHasTooManyBits) {
  Extremes extremes(random_);
  extremes.problem.scale[7] = std::bit_cast<float>(std::bit_cast<std::uint32_t>(0.3f) | 1u);
  EXPECT_EQ(extremes.result(), ConvolutionResult::general);
  extremes.problem.expect_all_kernels_exact(random_);
}

TEST_F(Requantization, IsGeneralWhereAProductCouldLeave31Bits) {
  Extremes extremes(random_);
  extremes.problem.scale[3] = 1.0f;
  EXPECT_EQ(extremes.result(), ConvolutionResult::general);
}

TEST_F(Requantization, IsGeneralWhereLimitsAreNotThoseOfTheType) {
  Extremes extremes(random_);
  extremes.problem.upper = 254;
  EXPECT_EQ(extremes.result(), ConvolutionResult::general);
  extremes.problem.expect_all_kernels_exact(random_);
  extremes.problem.upper = 255;
  extremes.problem.lower = 1;
  EXPECT_EQ(extremes.result(), ConvolutionResult::general);
}

TEST_F(Requantization, IsExactForEveryNumberOfVectorsAndPixels) {
  for (std::int64_t count = 16; count <= 208; count += 16) {
    for (const std::int64_t pixels : {1, 2, 5, 6, 7, 11, 12, 13, 25}) {
      ConvolutionProblem problem;
      problem.out_channels = count;
      problem.output_height = 1;
      problem.output_width = pixels;
      problem.add(random_, {.in_channels = between(random_, 1, 40)}, 1, pixels);
      for (std::int64_t c = 0; c < count; ++c) {
        problem.bias.push_back(static_cast<std::int32_t>(between(random_, -10000, 10000)));
        problem.scale.push_back(short_scale(random_));
      }
      problem.zero_point = static_cast<std::int32_t>(between(random_, 0, 1) * 77);
      problem.expect_all_kernels_exact(random_);
    }
  }
}

TEST(PackedRequantization, NamesAWrongNumberOfElements) {
  Random random(2);
  ConvolutionProblem problem;
  problem.add(random, {.in_channels = 1}, 1, 1);
  const kernels::PackedConvolution packed = kernels::pack(*kernels::convolution_kernels().back(), 1, problem.terms);
  const std::vector<std::int32_t> bias(2);
  const std::vector<float> scale(1);
  EXPECT_THROW(kernels::pack(packed, {.bias = bias, .scale = scale}), InvalidArgument);
}

}  // namespace
}  // namespace itrt::test
