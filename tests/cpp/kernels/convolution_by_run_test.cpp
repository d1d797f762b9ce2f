// Convolutions that are multiplied one run after the other: the same bytes, and when it is done.
#include "kernels/convolution/convolution_by_run.h"

#include <gtest/gtest.h>

#include "kernels/convolution_problem.h"

namespace itrt::test {
namespace {

using kernels::ConvolutionTerm;

ConvolutionTerm square(std::int64_t channels, std::int64_t dilation, std::int64_t stride = 1) {
  return {.in_channels = channels,
          .kernel_height = 3,
          .kernel_width = 3,
          .stride_height = stride,
          .stride_width = stride,
          .padding_top = dilation,
          .padding_left = dilation,
          .dilation_height = dilation,
          .dilation_width = dilation};
}

// A term with one zero point, on an input of `size` x `size`.
ConvolutionProblem problem_of(Random& random, const ConvolutionTerm& term, std::int64_t out_channels,
                              std::int64_t size) {
  ConvolutionProblem problem;
  problem.out_channels = out_channels;
  problem.output_height = problem.output_width = (size - 1) / term.stride_height + 1;
  problem.add(random, term, size, size);
  problem.terms.front().zero_points = problem.terms.front().zero_points.first(1);
  problem.add_requantization(random);
  if (between(random, 0, 1)) problem.fix_scales(random);
  return problem;
}

bool pays(const ConvolutionProblem& problem) {
  const kernels::PackedConvolution packed =
      kernels::pack(kernels::convolution_portable, problem.out_channels, problem.terms);
  return kernels::pays_by_run(packed, {.inputs = problem.inputs, .output_width = problem.output_width});
}

TEST(ConvolutionByRun, KernelsThatReachFarIntoThePadding) {
  Random random(1);
  for (const std::int64_t dilation : {20, 21, 40}) {
    SCOPED_TRACE(dilation);
    const ConvolutionProblem problem = problem_of(random, square(160, dilation), 9, 28);  // of two panels
    EXPECT_TRUE(pays(problem));
    problem.expect_all_kernels_exact(random);
  }
}

TEST(ConvolutionByRun, StridesAndBlocksOfEveryWidth) {
  Random random(2);
  for (const std::int64_t out_channels : {1, 20, 70}) {
    SCOPED_TRACE(out_channels);
    const ConvolutionProblem problem = problem_of(random, square(200, 11, 2), out_channels, 23);
    EXPECT_TRUE(pays(problem));
    problem.expect_all_kernels_exact(random);
  }
}

TEST(ConvolutionByRun, RowsAndColumnsReachDifferently) {
  Random random(3);
  ConvolutionTerm term = square(200, 13);
  term.dilation_height = 2;
  term.padding_top = 1;
  ConvolutionProblem problem = problem_of(random, term, 5, 24);
  problem.output_height -= 2;
  EXPECT_TRUE(pays(problem));
  problem.expect_all_kernels_exact(random);
}

TEST(ConvolutionByRun, WeightsLargerThanACache) {
  Random random(4);
  const ConvolutionProblem problem = problem_of(random, square(4096, 1), 16, 5);
  EXPECT_TRUE(pays(problem));
  problem.expect_all_kernels_exact(random);
}

TEST(ConvolutionByRun, NotWhereItCostsMore) {
  Random random(5);
  EXPECT_FALSE(pays(problem_of(random, square(160, 1), 9, 24)));  // nearly everything is inside
  EXPECT_FALSE(pays(problem_of(random, square(8, 24), 9, 24)));   // loading and storing sums would take longer
}

}  // namespace
}  // namespace itrt::test
