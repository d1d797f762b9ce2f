// Every convolution kernel against the oracle, byte for byte.
#include <gtest/gtest.h>

#include <numeric>

#include "base/errors.h"
#include "kernels/convolution_problem.h"

namespace itrt::test {
namespace {

using kernels::ConvolutionTerm;

void expect_exact(Random& random, const ConvolutionTerm& term, std::int64_t out_channels, std::int64_t height,
                  std::int64_t width, std::int64_t output_height, std::int64_t output_width) {
  ConvolutionProblem problem;
  problem.out_channels = out_channels;
  problem.output_height = output_height;
  problem.output_width = output_width;
  problem.add(random, term, height, width);
  problem.add_requantization(random);
  problem.expect_all_kernels_exact(random);
}

TEST(Convolution, OutputChannelsAroundTheVectorWidth) {
  Random random(1);
  for (std::int64_t channels = 1; channels <= 82; ++channels) {
    SCOPED_TRACE(channels);
    expect_exact(random, {.in_channels = 6, .kernel_height = 2}, channels, 4, 5, 3, 5);
  }
  for (const std::int64_t channels : {95, 96, 97, 127, 128, 129, 191, 192}) {
    SCOPED_TRACE(channels);
    expect_exact(random, {.in_channels = 5}, channels, 3, 5, 3, 5);
  }
}

TEST(Convolution, InputChannelsAroundTheQuad) {
  Random random(2);
  for (std::int64_t channels = 1; channels <= 40; ++channels) {
    SCOPED_TRACE(channels);
    const ConvolutionTerm term = {
        .in_channels = channels, .kernel_height = 3, .kernel_width = 3, .padding_top = 1, .padding_left = 1};
    expect_exact(random, term, 17, 5, 7, 5, 7);
  }
}

TEST(Convolution, PixelsAroundTheTile) {
  Random random(3);
  for (std::int64_t width = 1; width <= 60; ++width) {
    SCOPED_TRACE(width);
    const ConvolutionTerm term = {
        .in_channels = 4, .kernel_height = 3, .kernel_width = 3, .padding_top = 1, .padding_left = 1};
    expect_exact(random, term, 34, 2, width, 2, width);
    expect_exact(random, {.in_channels = 3}, 66, 1, width, 1, width);
  }
}

TEST(Convolution, MorePixelsThanAPanel) {
  Random random(4);
  const ConvolutionTerm dense = {
      .in_channels = 8, .kernel_height = 3, .kernel_width = 3, .padding_top = 1, .padding_left = 1};
  expect_exact(random, dense, 20, 45, 37, 45, 37);
  expect_exact(random, dense, 16, 300, 1, 300, 1);  // a border on every row: more than the scratch of a panel holds
  expect_exact(random, dense, 16, 150, 2, 150, 2);
  const ConvolutionTerm image = {.in_channels = 3,
                                 .kernel_height = 3,
                                 .kernel_width = 3,
                                 .stride_height = 2,
                                 .stride_width = 2,
                                 .padding_top = 1,
                                 .padding_left = 1};
  expect_exact(random, image, 32, 81, 83, 41, 42);
  expect_exact(random, image, 32, 501, 1, 251, 1);
}

// 255 * 127 + 255 * 127 and its like leave 16 bits: an instruction that saturates there would show.
TEST(Convolution, ExtremeValuesDoNotSaturate) {
  for (const int value : {0, 255}) {
    for (const int weight : {-128, 127}) {
      const std::vector<std::int8_t> weights(64 * 9 * 32, static_cast<std::int8_t>(weight));
      const std::vector<std::uint8_t> input(5 * 5 * 32, static_cast<std::uint8_t>(value)),
          zero_point = {static_cast<std::uint8_t>(255 - value)};
      const ExactMemory memory(input, kernels::input_slack);
      ConvolutionProblem problem;
      problem.out_channels = 64;
      problem.output_height = problem.output_width = 3;
      problem.terms.push_back(
          {.in_channels = 32, .kernel_height = 3, .kernel_width = 3, .weight = weights, .zero_points = zero_point});
      problem.inputs.push_back({memory.data(), 5, 5});
      problem.bias.assign(64, 0);
      for (int o = 0; o < 64; ++o) problem.scale.push_back(static_cast<float>(o - 32) * 1e-6f);
      problem.zero_point = 100;
      Random random(5);
      problem.expect_all_kernels_exact(random);
    }
  }
}

// Halves: 2^-1 times odd sums must round to even numbers.
TEST(Convolution, RoundsHalvesToEven) {
  const std::vector<std::int8_t> weights(40, 1);
  const std::vector<std::uint8_t> zero_point = {0};
  std::vector<std::uint8_t> input(256);
  std::iota(input.begin(), input.end(), std::uint8_t{0});
  const ExactMemory memory(input, kernels::input_slack);
  for (const std::int32_t output_zero_point : {0, 1, 128, 255}) {
    ConvolutionProblem problem;
    problem.out_channels = 40;
    problem.output_height = 1;
    problem.output_width = 256;
    problem.terms.push_back({.in_channels = 1, .weight = weights, .zero_points = zero_point});
    problem.inputs.push_back({memory.data(), 1, 256});
    problem.zero_point = output_zero_point;
    for (int o = 0; o < 40; ++o) {
      problem.bias.push_back(o - 20);
      problem.scale.push_back(o % 2 ? 0.5f : -0.5f);
    }
    Random random(6);
    problem.expect_all_kernels_exact(random);
  }
}

// Products beyond i32 and binary32, negative and zero scales.
TEST(Convolution, ScalesOfEverySize) {
  Random random(7);
  for (const float scale : {0.0f, -0.0f, 1.0f, -1.0f, 0.99999994f, 3e38f, -3e38f, 1e-45f, 1e-38f, 1e10f, -1e10f}) {
    ConvolutionProblem problem;
    problem.out_channels = 35;
    problem.output_height = problem.output_width = 5;
    problem.add(random, {.in_channels = 7, .kernel_height = 3, .kernel_width = 3}, 7, 7);
    problem.bias.assign(35, 3);
    problem.bias[7] = 0x7f000000;  // near the largest accumulator
    problem.bias[8] = -0x7f000000;
    problem.scale.assign(35, scale);
    problem.zero_point = 77;
    problem.expect_all_kernels_exact(random);
    problem.lower = 77;
    problem.upper = 78;
    problem.expect_all_kernels_exact(random);
  }
}

TEST(Convolution, PaddingAndDilationLargerThanTheImage) {
  Random random(8);
  for (const std::int64_t size : {1, 2, 5}) {
    for (const std::int64_t dilation : {1, 2, 12}) {
      for (const std::int64_t padding : {0, 1, 7, 30}) {
        SCOPED_TRACE(testing::Message() << size << ' ' << dilation << ' ' << padding);
        const ConvolutionTerm term = {.in_channels = 5,
                                      .kernel_height = 3,
                                      .kernel_width = 3,
                                      .padding_top = padding,
                                      .padding_left = padding / 2,
                                      .dilation_height = dilation,
                                      .dilation_width = dilation};
        expect_exact(random, term, 9, size, size, 6, 11);
      }
    }
  }
}

TEST(Convolution, Groups) {
  Random random(9);
  struct Shape {
    std::int64_t groups, in_channels, out_channels;
  };
  for (const Shape shape : {Shape{2, 8, 8},
                            {8, 64, 64},
                            {4, 4, 12},
                            {3, 9, 6},
                            {5, 5, 5},
                            {32, 32, 32},
                            {64, 64, 64},
                            {16, 16, 48},
                            {2, 64, 128},
                            {2, 6, 66},
                            {19, 38, 19}}) {
    SCOPED_TRACE(testing::Message() << shape.groups << ' ' << shape.in_channels << ' ' << shape.out_channels);
    ConvolutionTerm term = {.in_channels = shape.in_channels,
                            .kernel_height = 3,
                            .kernel_width = 3,
                            .padding_top = 1,
                            .padding_left = 1,
                            .groups = shape.groups};
    expect_exact(random, term, shape.out_channels, 6, 5, 6, 5);
    term.stride_height = term.stride_width = 2;
    expect_exact(random, term, shape.out_channels, 6, 5, 3, 3);
    term.dilation_height = term.dilation_width = 2;
    expect_exact(random, term, shape.out_channels, 6, 5, 3, 3);
  }
}

TEST(Convolution, RandomSumsOfTerms) {
  Random random(11);
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    ConvolutionProblem problem;
    const std::int64_t all_groups[] = {1, 1, 1, 2, 3, 4, 6, 12};
    problem.out_channels = between(random, 0, 1) ? 12 * between(random, 1, 6) : between(random, 1, 80);
    problem.output_height = between(random, 1, 6);
    problem.output_width = between(random, 1, 40);
    for (std::int64_t n = between(random, 1, 3); n > 0; --n) {
      ConvolutionTerm term = {.kernel_height = between(random, 1, 4),
                              .kernel_width = between(random, 1, 4),
                              .stride_height = between(random, 1, 3),
                              .stride_width = between(random, 1, 3),
                              .padding_top = between(random, 0, 3),
                              .padding_left = between(random, 0, 3),
                              .dilation_height = between(random, 1, 3),
                              .dilation_width = between(random, 0, 2) ? 1 : 2};
      term.groups = problem.out_channels % 12 ? 1 : all_groups[between(random, 0, 7)];
      term.in_channels = term.groups * between(random, 1, term.groups > 1 ? 6 : 24);
      problem.add(random, term, between(random, 1, 12), between(random, 1, 50));
    }
    problem.add_requantization(random);
    problem.expect_all_kernels_exact(random);
    if (HasFatalFailure()) return;
  }
}

TEST(Convolution, PackRejectsInconsistentTerms) {
  const std::vector<std::int8_t> weights(8);
  const std::vector<std::uint8_t> zero_points(1), three(3);
  const auto pack = [&](ConvolutionTerm term, std::int64_t out_channels) {
    return kernels::pack(*kernels::convolution_kernels()[0], out_channels, {&term, 1});
  };
  EXPECT_NO_THROW(pack({.in_channels = 4, .weight = weights, .zero_points = zero_points}, 2));
  EXPECT_THROW(pack({.in_channels = 4, .weight = weights, .zero_points = zero_points}, 3), InvalidArgument);
  EXPECT_THROW(pack({.in_channels = 4, .weight = weights, .zero_points = three}, 2), InvalidArgument);
  EXPECT_THROW(pack({.in_channels = 4, .groups = 3, .weight = weights, .zero_points = zero_points}, 2),
               InvalidArgument);
  EXPECT_THROW(pack({.in_channels = 0, .weight = weights, .zero_points = zero_points}, 2), InvalidArgument);
  EXPECT_THROW(kernels::pack(*kernels::convolution_kernels()[0], 1, {}), InvalidArgument);
}

}  // namespace
}  // namespace itrt::test
