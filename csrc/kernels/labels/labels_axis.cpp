#include "kernels/labels/labels_axis.h"

#include <algorithm>

namespace itrt::kernels {
namespace {

constexpr std::int64_t whole_weight = 128;

// The positions of the outputs 0, 1, ... in 128ths of an input, rounded as the weights are:
//
//      floor((128 * ((2 * o + 1) * in - out) + out) / (2 * out))
//
// A division takes longer than everything else that an output needs here, so quotient and remainder are carried on.
class Positions {
 public:
  Positions(std::int64_t input_size, std::int64_t output_size)
      : divisor_(2 * output_size),
        step_(2 * whole_weight * input_size / divisor_),
        step_remainder_(2 * whole_weight * input_size % divisor_) {
    const std::int64_t not_negative = whole_weight * input_size + output_size;  // 64 more than the first position
    position_ = not_negative / divisor_ - whole_weight / 2;
    remainder_ = not_negative % divisor_;
  }

  std::int64_t next() {
    const std::int64_t result = position_;
    position_ += step_;
    remainder_ += step_remainder_;
    if (remainder_ >= divisor_) remainder_ -= divisor_, ++position_;
    return result;
  }

 private:
  std::int64_t divisor_, step_, step_remainder_, position_, remainder_;
};

}  // namespace

LabelsAxis::LabelsAxis(std::int64_t input_size, std::int64_t output_size)
    : edges_(static_cast<std::size_t>(2 * input_size + 1), static_cast<std::int32_t>(output_size)),
      shapes_(static_cast<std::size_t>(2 * input_size)),
      weights_(static_cast<std::size_t>(output_size)) {
  Positions positions(input_size, output_size);
  const std::int64_t last = (input_size - 1) * whole_weight;
  std::size_t begun = 0;  // runs
  for (std::int64_t output = 0; output < output_size; ++output) {
    const std::int64_t position = std::clamp<std::int64_t>(positions.next(), 0, last);
    const auto weight = static_cast<std::uint32_t>(position % whole_weight);
    const auto run = static_cast<std::size_t>(run_of(position / whole_weight, weight != 0));
    while (begun <= run) edges_[begun++] = static_cast<std::int32_t>(output);
    const std::uint32_t upper = weight ? weight : whole_weight / 2;
    weights_[static_cast<std::size_t>(output)] = (whole_weight - upper) | upper << 16;
  }
  // A shape is the first run that has it, as far as the runs of a kind are alike without a break.
  for (std::size_t run = 0; run < shapes_.size(); ++run) {
    const bool again = run >= 2 && std::equal(weights_.begin() + edges_[run], weights_.begin() + edges_[run + 1],
                                              weights_.begin() + edges_[run - 2], weights_.begin() + edges_[run - 1]);
    shapes_[run] = again ? shapes_[run - 2] : static_cast<std::int32_t>(run);
  }
}

}  // namespace itrt::kernels
