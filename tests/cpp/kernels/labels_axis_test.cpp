// The runs of an axis against the taps of the resize, which divide for every output.
#include "kernels/labels/labels_axis.h"

#include <gtest/gtest.h>

#include "kernels/resize/resize.h"

namespace itrt::test {
namespace {

using kernels::LabelsAxis;
using kernels::OutputSpan;

void expect_taps(std::int64_t input_size, std::int64_t output_size) {
  SCOPED_TRACE(testing::Message() << input_size << " to " << output_size);
  const LabelsAxis axis(input_size, output_size);
  ASSERT_EQ(axis.input_size(), input_size);
  ASSERT_EQ(axis.output_size(), output_size);
  std::int64_t output = 0;
  for (std::int64_t run = 0; run < axis.run_count(); ++run) {
    const OutputSpan span = axis.run(run);
    ASSERT_EQ(span.first, output);
    for (; output < span.last; ++output) {
      kernels::ResizeTap tap = kernels::resize_tap(output, input_size, output_size);
      if (tap.weight1 == 0) tap.index1 = tap.index0;
      if (tap.weight0 == 0) tap.index0 = tap.index1;
      ASSERT_EQ(LabelsAxis::lower_input(run), tap.index0) << "output " << output;
      ASSERT_EQ(LabelsAxis::upper_input(run), tap.index1) << "output " << output;
      const std::uint32_t weights = axis.weights()[output];
      ASSERT_EQ((weights & 0xffff) + (weights >> 16), 128u);
      ASSERT_EQ(weights >> 16, tap.index0 == tap.index1 ? 64 : static_cast<std::uint32_t>(tap.weight1));
    }
  }
  ASSERT_EQ(output, output_size);
}

TEST(LabelsAxis, HasTheTapsOfTheResize) {
  for (std::int64_t input = 1; input <= 40; ++input) {
    for (std::int64_t output = 1; output <= 90; ++output) expect_taps(input, output);
  }
  // Positions that round to the next input; steps of less and of much more than an input.
  for (const auto& [input, output] : {std::pair{1000, 1001}, {1001, 1000}, {3, 100'000}, {100'000, 3}}) {
    expect_taps(input, output);
  }
}

TEST(LabelsAxis, ShapesAreSizesAndWeights) {
  for (const auto& [input, output] : {std::pair{12, 48}, {12, 36}, {12, 18}, {12, 30}, {30, 12}, {7, 40}}) {
    const LabelsAxis axis(input, output);
    for (std::int64_t a = 0; a < axis.run_count(); ++a) {
      for (std::int64_t b = 0; b < a; ++b) {
        if (axis.shape(a) != axis.shape(b)) continue;
        const OutputSpan one = axis.run(a), other = axis.run(b);
        ASSERT_EQ(one.size(), other.size());
        for (std::int64_t i = 0; i < one.size(); ++i) {
          EXPECT_EQ(axis.weights()[one.first + i], axis.weights()[other.first + i]);
        }
      }
    }
  }
  const LabelsAxis four_times(12, 48);
  for (std::int64_t run = 3; run < 23; run += 2) EXPECT_EQ(four_times.shape(run), four_times.shape(1));
}

}  // namespace
}  // namespace itrt::test
