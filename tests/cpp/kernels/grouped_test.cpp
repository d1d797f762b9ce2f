// Terms with small groups, alone and with dense ones, against the oracle, byte for byte.
#include "kernels/convolution/grouped.h"

#include <gtest/gtest.h>

#include "kernels/convolution_problem.h"

namespace itrt::test {
namespace {

using kernels::ConvolutionTerm;

struct Size {
  std::int64_t height, width;
};

// 3x3 around every pixel.
ConvolutionTerm spatial(std::int64_t channels, std::int64_t groups) {
  return {.in_channels = channels,
          .kernel_height = 3,
          .kernel_width = 3,
          .padding_top = 1,
          .padding_left = 1,
          .groups = groups};
}

void expect_exact(Random& random, const std::vector<ConvolutionTerm>& terms, std::int64_t out_channels, Size input,
                  Size output) {
  ConvolutionProblem problem;
  problem.out_channels = out_channels;
  problem.output_height = output.height;
  problem.output_width = output.width;
  for (const ConvolutionTerm& term : terms) problem.add(random, term, input.height, input.width);
  problem.add_requantization(random);
  problem.expect_all_kernels_exact(random);
}

TEST(GroupedConvolution, EveryNumberOfGroups) {
  Random random(1);
  for (const std::int64_t channels : {16, 24, 36, 48, 64, 96}) {
    for (std::int64_t groups = 1; groups <= channels; ++groups) {
      if (channels % groups) continue;
      SCOPED_TRACE(testing::Message() << channels << " channels, " << groups << " groups");
      expect_exact(random, {spatial(channels, groups)}, channels, {4, 7}, {4, 7});
    }
  }
}

TEST(GroupedConvolution, ChannelsAroundTheVectorWidth) {
  Random random(2);
  for (std::int64_t channels = 2; channels <= 140; ++channels) {
    SCOPED_TRACE(channels);
    expect_exact(random, {spatial(channels, channels)}, channels, {3, 5}, {3, 5});
    expect_exact(random, {spatial(channels, channels), {.in_channels = channels}}, channels, {3, 5}, {3, 5});
  }
  for (const std::int64_t group : {2, 4, 8, 16}) {
    for (std::int64_t groups = 2; groups * group <= 140; ++groups) {
      SCOPED_TRACE(testing::Message() << groups << " groups of " << group);
      expect_exact(random, {spatial(groups * group, groups)}, groups * group, {3, 5}, {3, 5});
    }
  }
}

TEST(GroupedConvolution, MoreOutputThanInputChannels) {
  Random random(3);
  for (const std::int64_t multiplier : {2, 3, 4}) {
    for (const std::int64_t channels : {3, 16, 40}) {
      SCOPED_TRACE(testing::Message() << channels << " times " << multiplier);
      expect_exact(random, {spatial(channels, channels)}, channels * multiplier, {4, 5}, {4, 5});
    }
  }
}

TEST(GroupedConvolution, KernelsStridesAndDilations) {
  Random random(4);
  for (const std::int64_t group : {1, 4, 8, 16}) {
    for (std::int64_t kernel = 0; kernel < 30; ++kernel) {
      ConvolutionTerm term = {.in_channels = 80,
                              .kernel_height = kernel % 6 + 1,
                              .kernel_width = kernel / 6 + 1,
                              .padding_top = between(random, 0, 3),
                              .padding_left = between(random, 0, 9),
                              .groups = 80 / group};
      for (const std::int64_t step : {1, 2}) {
        SCOPED_TRACE(testing::Message() << group << ' ' << kernel << ' ' << step);
        term.stride_height = term.stride_width = step;
        expect_exact(random, {term}, 80, {5, 7}, {2, 7});
        term.stride_width = 1;
        term.dilation_height = term.dilation_width = step;
        expect_exact(random, {term}, 80, {5, 7}, {2, 7});
      }
    }
  }
}

// Rows longer than a panel, rows that a panel holds many of, and an image that is all border.
TEST(GroupedConvolution, RowsAroundThePanel) {
  Random random(5);
  for (const Size size : {Size{2, 383}, {2, 385}, {1, 800}, {280, 3}, {500, 1}, {1, 1}}) {
    SCOPED_TRACE(testing::Message() << size.height << ' ' << size.width);
    for (const std::int64_t group : {1, 4, 8}) {
      expect_exact(random, {spatial(24, 24 / group)}, 24, size, size);
      expect_exact(random, {spatial(24, 24 / group), {.in_channels = 24}}, 24, size, size);
    }
    ConvolutionTerm wide = spatial(8, 8);
    wide.padding_left = 30;
    expect_exact(random, {wide}, 8, size, {size.height, size.width + 58});
  }
}

// A five-point stencil: four of nine taps have no weight in any channel, and are not read; and one without any.
TEST(GroupedConvolution, TapsWithoutWeights) {
  Random random(6);
  for (const std::int64_t taps : {0b010111010, 0b000010000, 0b000000000, 0b100000001}) {
    for (const std::int64_t dilation : {1, 2}) {
      std::vector<std::int8_t> weights(20 * 9);
      for (std::size_t i = 0; i < weights.size(); ++i) {
        weights[i] = static_cast<std::int8_t>(taps >> i % 9 & 1 ? between(random, -128, 127) : 0);
      }
      ConvolutionProblem problem;
      problem.out_channels = 20;
      problem.output_height = problem.output_width = 6;
      ConvolutionTerm term = spatial(20, 20);
      term.dilation_height = term.dilation_width = dilation;
      problem.add(random, term, 6, 6);
      problem.terms[0].weight = weights;
      problem.add_requantization(random);
      problem.expect_all_kernels_exact(random);
    }
  }
}

// 255 * 127 + 255 * 127 and its like leave 16 bits: an instruction that saturates there would show.
TEST(GroupedConvolution, ExtremeValuesDoNotSaturate) {
  for (const std::int64_t groups : {64, 16, 8, 4}) {
    for (const int value : {0, 255}) {
      for (const int weight : {-128, 127}) {
        const auto per_group = static_cast<std::size_t>(64 / groups);
        const std::vector<std::int8_t> weights(64 * 9 * per_group, static_cast<std::int8_t>(weight));
        const std::vector<std::uint8_t> input(5 * 5 * 64, static_cast<std::uint8_t>(value)),
            zero_point = {static_cast<std::uint8_t>(255 - value)};
        const ExactMemory memory(input, kernels::input_slack);
        ConvolutionProblem problem;
        problem.out_channels = 64;
        problem.output_height = problem.output_width = 5;
        ConvolutionTerm term = spatial(64, groups);
        term.weight = weights;
        term.zero_points = zero_point;
        problem.terms.push_back(term);
        problem.inputs.push_back({memory.data(), 5, 5});
        problem.bias.assign(64, 0);
        for (int o = 0; o < 64; ++o) problem.scale.push_back(static_cast<float>(o - 32) * 1e-5f);
        problem.zero_point = 100;
        Random random(7);
        problem.expect_all_kernels_exact(random);
      }
    }
  }
}

// Scales whose last mantissa bits are zero: the sums are read as floats, in every form of the result.
TEST(GroupedConvolution, SumsReadAsFloats) {
  Random random(8);
  for (const std::int64_t groups : {64, 16, 8, 4}) {
    for (const std::int32_t zero_point : {0, 77}) {
      ConvolutionProblem problem;
      problem.out_channels = 64;
      problem.output_height = problem.output_width = 7;
      problem.add(random, spatial(64, groups), 7, 7);
      for (int o = 0; o < 64; ++o) {
        problem.bias.push_back(static_cast<std::int32_t>(between(random, -100000, 100000)));
        problem.scale.push_back(static_cast<float>(between(random, -64, 64)) * 0x1p-16f);
      }
      problem.zero_point = zero_point;
      problem.expect_all_kernels_exact(random);
    }
  }
}

// A lean convolution reads its input twice in one sum.
TEST(GroupedConvolution, LeanConvolution) {
  Random random(9);
  for (const std::int64_t channels : {16, 32, 48, 64, 80, 96, 128}) {
    for (const std::int64_t group : {1, 4, 8, 16}) {
      SCOPED_TRACE(testing::Message() << channels << ' ' << group);
      const ConvolutionTerm pointwise = {.in_channels = channels};
      const std::vector<ConvolutionTerm> terms = {spatial(channels, channels / group), pointwise};
      expect_exact(random, terms, channels, {5, 13}, {5, 13});
    }
  }
}

// A dense kernel with narrow blocks must not make a grouped one compute its lanes several times.
TEST(GroupedConvolution, BlocksAreAsWideAsTheGroupedKernel) {
  Random random(11);
  constexpr std::int64_t channels = 192;
  ConvolutionProblem problem;
  problem.out_channels = channels;
  problem.output_height = problem.output_width = 4;
  problem.add(random, spatial(channels, channels), 4, 4);
  problem.add(random, {.in_channels = channels}, 4, 4);
  each_convolution_kernel([&](const kernels::ConvolutionKernel& kernel) {
    const kernels::PackedConvolution packed = kernels::pack(kernel, channels, problem.terms);
    ASSERT_EQ(packed.grouped.size(), 1u);
    const std::int64_t width = packed.grouped[0].kernel->width;
    std::int64_t lanes = 0;
    for (const kernels::GroupedOutputBlock& block : packed.grouped_blocks) {
      EXPECT_EQ(block.width, width) << kernel.name;
      EXPECT_EQ(block.first_lane, lanes);
      lanes += block.width;
    }
    EXPECT_EQ(lanes, packed.lanes);
  });
}

TEST(GroupedConvolution, RandomSumsOfTerms) {
  Random random(10);
  const std::int64_t sizes[] = {1, 1, 2, 3, 4, 6, 8, 12, 16, 24};
  for (int round = 0; round < 100; ++round) {
    SCOPED_TRACE(round);
    const std::int64_t channels = 24 * between(random, 1, 6);
    std::vector<ConvolutionTerm> terms;
    for (std::int64_t n = between(random, 1, 4); n > 0; --n) {
      terms.push_back({.in_channels = channels,
                       .kernel_height = between(random, 1, 5),
                       .kernel_width = between(random, 1, 4),
                       .stride_height = between(random, 1, 2),
                       .stride_width = between(random, 1, 2),
                       .padding_top = between(random, 0, 3),
                       .padding_left = between(random, 0, 3),
                       .dilation_height = between(random, 1, 2),
                       .dilation_width = between(random, 1, 2)});
      const std::int64_t size = sizes[between(random, 0, 9)];
      terms.back().groups = channels % size ? 1 : channels / size;
    }
    expect_exact(random, terms, channels, {between(random, 1, 9), between(random, 1, 30)},
                 {between(random, 1, 5), between(random, 1, 30)});
    if (HasFatalFailure()) return;
  }
}

TEST(GroupedConvolution, KernelsTakeTheirTermsAlone) {
  for (const Isa isa : {Isa::portable, detected_isa()}) {
    const auto selected = [&](std::int64_t in_channels, std::int64_t groups, std::int64_t out_channels) {
      return kernels::select_grouped(isa, {.in_channels = in_channels, .groups = groups}, out_channels);
    };
    ASSERT_NE(selected(32, 32, 32), nullptr);
    EXPECT_EQ(selected(32, 32, 32)->group, 1);
    EXPECT_LE(selected(32, 32, 32)->isa, isa);
    EXPECT_EQ(selected(1, 1, 1), nullptr);     // dense
    EXPECT_EQ(selected(32, 32, 64), nullptr);  // more output channels
    EXPECT_EQ(selected(9, 3, 9), nullptr);     // groups that are no vector's part
  }
}

}  // namespace
}  // namespace itrt::test
