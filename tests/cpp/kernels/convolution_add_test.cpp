// A convolution and an addition in one: the bytes of one after the other, also where the output lies over the other
// input.
#include "kernels/convolution/convolution_add.h"

#include <gtest/gtest.h>

#include <array>

#include "kernels/convolution_problem.h"

namespace itrt::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Sum {
  std::array<kernels::AddInput, 2> inputs;
  std::size_t convolved_input = 0;
  kernels::AddCall call = {};

  explicit Sum(Random& random) : convolved_input(static_cast<std::size_t>(between(random, 0, 1))) {
    for (kernels::AddInput& input : inputs) {
      input.zero_point = static_cast<std::int32_t>(between(random, 0, 255));
      input.multiplier = static_cast<std::int32_t>(between(random, -20000, 32767));
    }
    call.shift = static_cast<std::int32_t>(between(random, 12, 16));
    call.output_zero_point = static_cast<std::int32_t>(between(random, 0, 255));
    call.clamp_lower = static_cast<std::int32_t>(between(random, 0, 100));
  }

  kernels::AddCall of(const std::uint8_t* convolved, const std::uint8_t* other, std::uint8_t* output) {
    inputs[convolved_input].data = convolved;
    inputs[1 - convolved_input].data = other;
    call.inputs = inputs;
    call.output = output;
    return call;
  }
};

TEST(ConvolutionAdd, IsAConvolutionAndAnAddition) {
  Random random(11);
  for (int round = 0; round < 12; ++round) {
    SCOPED_TRACE(round);
    ConvolutionProblem problem;
    problem.out_channels = between(random, 1, 90);
    problem.output_height = between(random, 1, 36), problem.output_width = between(random, 1, 50);
    const std::int64_t pixels = problem.output_height * problem.output_width;  // of some panels, or of less than one
    problem.add(random,
                {.in_channels = between(random, 1, 40),
                 .kernel_height = 3,
                 .kernel_width = 3,
                 .padding_top = 1,
                 .padding_left = 1},
                problem.output_height, problem.output_width);
    const bool two_terms = round % 2 == 1;  // then the first one is hoisted
    if (two_terms) problem.add(random, {.in_channels = 9}, problem.output_height, problem.output_width);
    problem.add_requantization(random);
    const auto other = random_bytes<std::uint8_t>(random, pixels * problem.out_channels);
    Sum sum(random);
    each_convolution_kernel([&](const kernels::ConvolutionKernel& kernel) {
      const kernels::PackedConvolution packed =
          kernels::pack(kernel, problem.out_channels, problem.terms, two_terms ? 1 : 0);
      const kernels::PackedRequantization requantization = kernels::pack(packed, problem.requantization());
      const kernels::AddKernel& add_kernel = kernels::select_add(kernel.isa);
      AlignedBuffer scratch(kernels::convolution_add_scratch_bytes(packed));
      Bytes convolved(other.size()), expected(other.size()), found(other.begin(), other.end());
      kernels::ConvolutionCall call = {.inputs = problem.inputs,
                                       .requantization = &requantization,
                                       .output = convolved.data(),
                                       .output_height = problem.output_height,
                                       .output_width = problem.output_width,
                                       .scratch = scratch.data()};
      kernels::convolve(packed, call, 0, pixels);
      add_kernel.run(sum.of(convolved.data(), other.data(), expected.data()), 0,
                     static_cast<std::int64_t>(other.size()));

      AlignedBuffer sums(static_cast<std::size_t>(pixels * packed.lanes) * sizeof(std::int32_t));
      kernels::convolve_hoisted(packed, call, sums.as<std::int32_t>(), 0, pixels);
      if (packed.hoisted_runs > 0) call.hoisted = sums.as<std::int32_t>();

      // In place, and from a pixel on as in a stripe; then the pixels before.
      const std::int64_t first = between(random, 0, pixels - 1);
      std::uint8_t* const rest = found.data() + first * problem.out_channels;
      call.output = nullptr;
      kernels::convolve_add(packed, add_kernel,
                            {.convolution = call,
                             .add = sum.of(nullptr, rest, rest),
                             .first_pixel = first,
                             .convolved_input = sum.convolved_input},
                            first, pixels);
      kernels::convolve_add(packed, add_kernel,
                            {.convolution = call,
                             .add = sum.of(nullptr, found.data(), found.data()),
                             .convolved_input = sum.convolved_input},
                            0, first);
      expect_equal<std::uint8_t>(expected, found);
    });
  }
}

}  // namespace
}  // namespace itrt::test
