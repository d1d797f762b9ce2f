// A random or stated convolution with its memory, and the comparison of every kernel with the oracle.
#pragma once

#include <algorithm>
#include <cmath>
#include <list>
#include <vector>

#include "kernels/each_convolution_kernel.h"
#include "reference/kernels.h"

namespace itrt::test {

struct ConvolutionProblem {
  std::int64_t out_channels = 1, output_height = 1, output_width = 1;
  std::vector<kernels::ConvolutionTerm> terms;
  std::vector<kernels::ConvolutionInput> inputs;
  std::vector<std::int32_t> bias;
  std::vector<float> scale;
  std::vector<std::int16_t> multiplier;  // with a shift, in place of the scale
  std::vector<std::uint8_t> shift;
  std::int32_t zero_point = 0, lower = 0, upper = 255;

  // Adds a term with random weights, zero points and input.
  void add(Random& random, kernels::ConvolutionTerm term, std::int64_t height, std::int64_t width) {
    weights_.push_back(random_bytes<std::int8_t>(
        random, out_channels * term.kernel_height * term.kernel_width * (term.in_channels / term.groups)));
    zero_points_.push_back(random_bytes<std::uint8_t>(random, between(random, 0, 1) ? term.in_channels : 1));
    const auto input = random_bytes<std::uint8_t>(random, height * width * term.in_channels);
    memory_.emplace_back(input, kernels::input_slack);
    term.weight = weights_.back();
    term.zero_points = zero_points_.back();
    terms.push_back(term);
    inputs.push_back({memory_.back().data(), height, width});
  }

  // Biases and scales such that most outputs are between the limits, a few far outside, and signs and zeros occur.
  void add_requantization(Random& random) {
    std::int64_t products = 0;
    for (const auto& weights : weights_) products += static_cast<std::int64_t>(weights.size()) / out_channels;
    const float spread = 40.0f / (74.0f * 74.0f * std::sqrt(static_cast<float>(products)));
    for (std::int64_t o = 0; o < out_channels; ++o) {
      bias.push_back(static_cast<std::int32_t>(between(random, -100000, 100000)));
      const float factor = static_cast<float>(between(random, -4, 12)) / 4.0f;  // negative, zero, positive
      scale.push_back(between(random, 0, 20) ? factor * spread : factor * 1e35f);
    }
    zero_point = static_cast<std::int32_t>(between(random, 0, 3) ? between(random, 0, 255) : 0);
    if (between(random, 0, 1)) {
      lower = static_cast<std::int32_t>(between(random, 0, 200));
      upper = static_cast<std::int32_t>(between(random, lower, 255));
    }
  }

  // Fixed point in place of the scales: a factor of each is what it was, as nearly as it gets, or `bits` of a
  // multiplier at most. Few bits make many products halves.
  void fix_scales(Random& random) {
    const int bits = static_cast<int>(between(random, 1, 15));
    for (const float each : scale) {
      int exponent = 0;
      const double mantissa = std::frexp(static_cast<double>(each), &exponent);
      const auto rounded =
          static_cast<std::int16_t>(std::clamp(std::rint(std::ldexp(mantissa, bits)), -32767.0, 32767.0));
      multiplier.push_back(rounded);
      shift.push_back(static_cast<std::uint8_t>(std::clamp(bits - exponent, 0, kernels::largest_fixed_shift)));
    }
    scale.clear();
  }

  kernels::ConvolutionRequantization requantization() const {
    return {.bias = bias,
            .scale = scale,
            .multiplier = multiplier,
            .shift = shift,
            .output_zero_point = zero_point,
            .clamp_lower = lower,
            .clamp_upper = upper};
  }

  void expect_all_kernels_exact(Random& random) const {
    const std::vector<std::uint8_t> expected = reference::convolve({.terms = terms,
                                                                    .inputs = inputs,
                                                                    .out_channels = out_channels,
                                                                    .output_height = output_height,
                                                                    .output_width = output_width,
                                                                    .bias = bias,
                                                                    .scale = scale,
                                                                    .multiplier = multiplier,
                                                                    .shift = shift,
                                                                    .zero_point = zero_point,
                                                                    .lower = lower,
                                                                    .upper = upper});
    each_convolution_kernel([&](const kernels::ConvolutionKernel& kernel) {
      const kernels::PackedConvolution packed = kernels::pack(kernel, out_channels, terms);
      const kernels::PackedRequantization requantization = kernels::pack(packed, this->requantization());
      const std::int64_t pixels = output_height * output_width;
      std::vector<std::uint8_t> whole(expected.size()), parts(expected.size());
      AlignedBuffer scratch(kernels::scratch_bytes(packed));
      kernels::ConvolutionCall call = {.inputs = inputs,
                                       .requantization = &requantization,
                                       .output = whole.data(),
                                       .output_height = output_height,
                                       .output_width = output_width,
                                       .scratch = scratch.data()};
      kernels::convolve(packed, call, 0, pixels);
      expect_equal<std::uint8_t>(expected, whole);
      call.output = parts.data();
      for (std::int64_t first = 0; first < pixels;) {
        const std::int64_t last = between(random, first + 1, std::min(pixels, first + 60));
        kernels::convolve(packed, call, first, last);
        first = last;
      }
      expect_equal<std::uint8_t>(expected, parts);
      expect_rest_exact(packed, call, between(random, 0, pixels - 1), expected);
      if (terms.size() > 1) {
        const auto hoisted = static_cast<std::size_t>(between(random, 1, static_cast<std::int64_t>(terms.size()) - 1));
        SCOPED_TRACE(hoisted);
        expect_hoisting_exact(kernels::pack(kernel, out_channels, terms, hoisted), call, expected);
      }
    });
  }

 private:
  // The first terms are summed up beforehand, and nothing but the others is multiplied then.
  void expect_hoisting_exact(const kernels::PackedConvolution& packed, kernels::ConvolutionCall call,
                             const std::vector<std::uint8_t>& expected) const {
    EXPECT_EQ(packed.hoisted_runs > 0, packed.grouped.empty());
    if (packed.hoisted_runs == 0) return;
    const kernels::PackedRequantization requantization = kernels::pack(packed, this->requantization());
    const std::int64_t pixels = output_height * output_width;
    std::vector<std::uint8_t> found(expected.size());
    AlignedBuffer scratch(kernels::scratch_bytes(packed));
    AlignedBuffer sums(static_cast<std::size_t>(pixels * packed.lanes) * sizeof(std::int32_t));
    call.requantization = &requantization;
    call.output = found.data();
    call.scratch = scratch.data();
    kernels::convolve_hoisted(packed, call, sums.as<std::int32_t>(), 0, pixels);
    std::vector<kernels::ConvolutionInput> varying = inputs;
    for (const kernels::ConvolutionRun& run : packed.runs) {
      if (&run - packed.runs.data() < packed.hoisted_runs) varying[static_cast<std::size_t>(run.term)].data = nullptr;
    }
    call.inputs = varying;
    call.hoisted = sums.as<std::int32_t>();
    kernels::convolve(packed, call, 0, pixels / 2);
    kernels::convolve(packed, call, pixels / 2, pixels);
    expect_equal<std::uint8_t>(expected, found);
  }

  // Output pixels from `begin` on, of inputs whose rows before those that they read are not there.
  void expect_rest_exact(const kernels::PackedConvolution& packed, kernels::ConvolutionCall call, std::int64_t begin,
                         const std::vector<std::uint8_t>& expected) const {
    const std::int64_t row = begin / output_width, end = output_height * output_width;
    std::vector<kernels::ConvolutionInput> cut = inputs;
    std::list<ExactMemory> memory;
    for (std::size_t t = 0; t < terms.size(); ++t) {
      const std::int64_t input_row = cut[t].width * terms[t].in_channels;
      cut[t].first_row =
          std::clamp<std::int64_t>(row * terms[t].stride_height - terms[t].padding_top, 0, cut[t].height - 1);
      const std::vector<std::uint8_t> rows(cut[t].data + cut[t].first_row * input_row,
                                           cut[t].data + cut[t].height * input_row);
      memory.emplace_back(rows, kernels::input_slack);
      cut[t].data = memory.back().data();
    }
    std::vector<std::uint8_t> found(static_cast<std::size_t>((end - begin) * out_channels));
    call.inputs = cut;
    call.output = found.data();
    call.output_first_pixel = begin;
    kernels::convolve(packed, call, begin, end);
    expect_equal<std::uint8_t>({expected.begin() + begin * out_channels, expected.end()}, found);
  }

  std::list<std::vector<std::int8_t>> weights_;
  std::list<std::vector<std::uint8_t>> zero_points_;
  std::list<ExactMemory> memory_;
};

}  // namespace itrt::test
