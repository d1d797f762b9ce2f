#include "model/validate.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

#include "base/errors.h"

namespace itrt::model {
namespace {

[[noreturn]] void fail(const std::string& what, const std::string& expected, const std::string& found) {
  throw ModelFileError("model file: " + what + ": expected " + expected + ", found " + found);
}

void require(bool condition, const std::string& what, const std::string& expected, const std::string& found) {
  if (!condition) fail(what, expected, found);
}

class Validator {
 public:
  explicit Validator(const Program& program) : program_(program), written_(program.tensors.size(), false) {}

  void run() {
    check_tensors();
    check_document();
    written_[static_cast<std::size_t>(program_.image)] = true;
    for (const Operator& op : program_.stem) check_operator(op, "stem", 1);
    stem_written_ = written_;
    check_state_before_block();
    for (const Operator& op : program_.block) check_operator(op, "block", program_.max_iterations.value_or(1));
    check_state_after_block();
    // The block's own tensors are gone when the head runs: its buffers may have been reused.
    ever_written_ = written_;
    written_ = stem_written_;
    for (const Operator& op : program_.head) check_operator(op, "head", program_.max_iterations.value_or(1));
    check_logits();
    check_all_written();
  }

 private:
  const Tensor& tensor(TensorIndex index) const { return program_.tensors[static_cast<std::size_t>(index)]; }

  void check_index(TensorIndex index, const std::string& what) const {
    require(index >= 0 && static_cast<std::size_t>(index) < program_.tensors.size(), what,
            "a tensor below " + std::to_string(program_.tensors.size()), std::to_string(index));
  }

  void check_tensors() const {
    std::set<std::string> names;
    for (const Tensor& tensor : program_.tensors) {
      const std::string what = "tensor " + tensor.name;
      require(names.insert(tensor.name).second, what, "a unique name", "two of them");
      require(std::isfinite(tensor.scale) && tensor.scale > 0, what, "a positive scale", std::to_string(tensor.scale));
    }
    check_index(program_.image, "image");
    for (const Tensor& tensor : program_.tensors) {
      const bool is_image = &tensor == &this->tensor(program_.image);
      const std::size_t count = tensor.zero_points.size();
      require(count == 1 || (is_image && count == static_cast<std::size_t>(tensor.channels)), "tensor " + tensor.name,
              "one zero point (the image: or one a channel)", std::to_string(count));
    }
  }

  void check_document() const {
    const auto channels = static_cast<std::size_t>(tensor(program_.image).channels);
    require(program_.mean.size() == channels && program_.std.size() == channels, "preprocessing",
            "mean and std of " + std::to_string(channels) + " channels", std::to_string(program_.mean.size()));
    require(program_.color_order == "RGB" || program_.color_order == "BGR", "preprocessing.color_order", "RGB or BGR",
            program_.color_order);
    require(program_.palette.size() == program_.classes.size(), "palette", "one color a class",
            std::to_string(program_.palette.size()));
    const bool has_loop = program_.state.has_value();
    require(has_loop == program_.next_state.has_value() && has_loop == !program_.block.empty(), "block",
            "a block with state and next_state, or none of them", "some of them");
    require(has_loop || program_.max_iterations == 1, "max_iterations", "1 in a network without a loop", "another");
  }

  void check_operator(const Operator& op, const std::string& section, std::int64_t steps) {
    const std::string what = section + "." + op.name;
    check_index(op.output, what + ": output");
    for (const TensorIndex input : inputs_of(op)) check_readable(input, what);
    std::visit([&](const auto& body) { check(body, op, what, steps); }, op.body);
    const auto output = static_cast<std::size_t>(op.output);
    require(!written_[output] && (ever_written_.empty() || !ever_written_[output]), what,
            "an output that nothing else writes", tensor(op.output).name);
    written_[output] = true;
  }

  void check_readable(TensorIndex index, const std::string& what) const {
    check_index(index, what + ": input");
    require(written_[static_cast<std::size_t>(index)], what, "an input that was written before", tensor(index).name);
  }

  template <class T>
  static void check_steps(const Constant<T>& constant, std::int64_t steps, const std::string& what) {
    const auto count = static_cast<std::int64_t>(constant.values.size());
    require(count == 1 || count == steps, what, "one value or one a step (" + std::to_string(steps) + ")",
            std::to_string(count));
  }

  void check(const Convolution& convolution, const Operator& op, const std::string& what, std::int64_t steps) const {
    const std::int64_t channels = tensor(op.output).channels;
    for (const Term& term : convolution.terms) check_term(term, channels, what, steps);
    check_steps(convolution.bias, steps, what + ": bias");
    if (convolution.fixed) {
      check_fixed_point(*convolution.fixed, what, steps);
    } else {
      check_scale(convolution.scale, what, steps);
    }
    for (std::int64_t channel = 0; channel < channels; ++channel) check_accumulator(convolution, channel, what);
  }

  static void check_scale(const Constant<float>& constant, const std::string& what, std::int64_t steps) {
    check_steps(constant, steps, what + ": scale");
    for (const std::vector<float>& scale : constant.values) {
      require(std::all_of(scale.begin(), scale.end(), [](float value) { return std::isfinite(value); }), what,
              "finite scales", "one that is not");
    }
  }

  // With a sum of 31 bits a product then has 46: kernels count on that.
  static void check_fixed_point(const FixedPoint& fixed, const std::string& what, std::int64_t steps) {
    check_steps(fixed.multiplier, steps, what + ": multiplier");
    check_steps(fixed.shift, steps, what + ": shift");
    for (const std::vector<std::int16_t>& multipliers : fixed.multiplier.values) {
      const std::int16_t lowest = *std::min_element(multipliers.begin(), multipliers.end());
      require(lowest >= -32767, what, "multipliers of -32767 to 32767", std::to_string(lowest));
    }
    for (const std::vector<std::uint8_t>& shifts : fixed.shift.values) {
      const std::uint8_t largest = *std::max_element(shifts.begin(), shifts.end());
      require(largest <= 46, what, "shifts of 0 to 46", std::to_string(largest));
    }
  }

  void check_term(const Term& term, std::int64_t channels, const std::string& what, std::int64_t steps) const {
    const std::int64_t inputs = tensor(term.input).channels;
    require(term.weight_shape[0] == channels, what, std::to_string(channels) + " output channels",
            std::to_string(term.weight_shape[0]));
    require(inputs % term.groups == 0 && channels % term.groups == 0 && term.weight_shape[3] * term.groups == inputs,
            what, std::to_string(inputs) + " input channels in " + std::to_string(term.groups) + " groups",
            std::to_string(term.weight_shape[3]) + " a group");
    check_steps(term.weight, steps, what + ": weight");
    if (!term.loop_invariant) return;
    require(!term.weight.per_step(), what, "a loop-invariant term to have one weight", "one a step");
    const bool varies = !stem_written_.empty() &&
                        (term.input == program_.state || !stem_written_[static_cast<std::size_t>(term.input)]);
    require(!varies, what, "a loop-invariant term to read a tensor of the stem that is not the state",
            tensor(term.input).name);
  }

  // What a kernel sums up: weight * input, and a bias that has taken in the zero points. The sum of magnitudes bounds
  // every partial sum, whatever its order, so 31 bits hold for each if they hold for it.
  void check_accumulator(const Convolution& convolution, std::int64_t channel, const std::string& what) const {
    std::size_t weight_steps = 1;
    for (const Term& term : convolution.terms) weight_steps = std::max(weight_steps, term.weight.values.size());
    const std::size_t steps = std::max(weight_steps, convolution.bias.values.size());
    WeightSums sums;
    for (std::size_t step = 0; step < steps; ++step) {
      if (step < weight_steps) sums = sum_weights(convolution, channel, static_cast<std::int64_t>(step));
      const std::int64_t bias = convolution.bias.at(static_cast<std::int64_t>(step))[static_cast<std::size_t>(channel)];
      const std::int64_t magnitude = sums.magnitude + std::abs(bias - sums.zero_points);
      require(magnitude < std::int64_t{1} << 31, what, "accumulators below 2^31",
              std::to_string(magnitude) + " in channel " + std::to_string(channel));
    }
  }

  struct WeightSums {
    std::int64_t magnitude = 0;    // of 255 * |weight|
    std::int64_t zero_points = 0;  // of weight * zero_point
  };

  WeightSums sum_weights(const Convolution& convolution, std::int64_t channel, std::int64_t step) const {
    WeightSums sums;
    for (const Term& term : convolution.terms) {
      const auto& [outputs, height, width, depth] = term.weight_shape;
      const std::vector<std::uint8_t>& zero_points = tensor(term.input).zero_points;
      const bool per_channel = zero_points.size() > 1;
      const std::int64_t first_input = channel / (outputs / term.groups) * depth;
      const std::int8_t* weight = term.weight.at(step).data() + channel * height * width * depth;
      for (std::int64_t tap = 0; tap < height * width; ++tap) {
        for (std::int64_t input = 0; input < depth; ++input) {
          const std::int64_t value = *weight++;
          sums.magnitude += 255 * std::abs(value);
          sums.zero_points += value * zero_points[per_channel ? static_cast<std::size_t>(first_input + input) : 0];
        }
      }
    }
    return sums;
  }

  void check(const Add& add, const Operator& op, const std::string& what, std::int64_t) const {
    for (const TensorIndex input : add.inputs) {
      require(tensor(input).channels == tensor(op.output).channels, what,
              std::to_string(tensor(op.output).channels) + " channels", std::to_string(tensor(input).channels));
      require(tensor(input).zero_points.size() == 1, what, "inputs with one zero point", "one a channel");
    }
  }

  void check(const Resize& resize, const Operator& op, const std::string& what, std::int64_t) const {
    if (resize.size_of) check_readable(*resize.size_of, what);
    require(resize.mode == Resize::Mode::bilinear || !resize.align_corners, what,
            "aligned corners for a bilinear resize alone", "a nearest one");
    check_same_channels(resize.input, op, what);
    check_same_scale(resize.input, op, what);
  }

  void check_one_zero_point(TensorIndex input, const std::string& what) const {
    require(tensor(input).zero_points.size() == 1, what, "inputs with one zero point", "one a channel");
  }

  void check_same_channels(TensorIndex input, const Operator& op, const std::string& what) const {
    require(tensor(input).channels == tensor(op.output).channels, what,
            std::to_string(tensor(op.output).channels) + " channels", std::to_string(tensor(input).channels));
  }

  // Of an operator that copies values, or interpolates between them.
  void check_same_scale(TensorIndex index, const Operator& op, const std::string& what) const {
    const Tensor &input = tensor(index), &output = tensor(op.output);
    require(input.scale == output.scale && input.zero_points == output.zero_points, what,
            "an output with the input's scale and zero point", "another");
  }

  void check(const Pool& pool, const Operator& op, const std::string& what, std::int64_t) const {
    check_one_zero_point(pool.input, what);
    check_same_channels(pool.input, op, what);
    for (std::size_t side = 0; side < pool.padding.size(); ++side) {
      const std::int64_t kernel = pool.kernel[side % 2];
      require(2 * pool.padding[side] <= kernel, what,
              "padding of at most half of the kernel (" + std::to_string(kernel) + ")",
              std::to_string(pool.padding[side]));
    }
    if (pool.mode == Pool::Mode::average) {
      require(pool.dilation[0] == 1 && pool.dilation[1] == 1, what, "an average without dilation", "one with");
      return;
    }
    check_same_scale(pool.input, op, what);
    require(pool.scale.multiplier == 1 && pool.scale.shift == 0 && !pool.count_padding, what,
            "a maximum with multiplier 1, shift 0 and padding that does not count", "others");
  }

  void check(const AdaptivePool& pool, const Operator& op, const std::string& what, std::int64_t) const {
    check_one_zero_point(pool.input, what);
    check_same_channels(pool.input, op, what);
  }

  void check(const Lookup& lookup, const Operator& op, const std::string& what, std::int64_t steps) const {
    check_one_zero_point(lookup.input, what);
    check_same_channels(lookup.input, op, what);
    const std::int64_t channels = tensor(op.output).channels;
    require(lookup.tables == 1 || lookup.tables == channels, what, "1 or " + std::to_string(channels) + " tables",
            std::to_string(lookup.tables));
    check_steps(lookup.table, steps, what + ": table");
  }

  void check(const Multiply& multiply, const Operator& op, const std::string& what, std::int64_t) const {
    const std::int64_t channels = tensor(op.output).channels;
    std::int64_t most = 0;
    for (const TensorIndex input : multiply.inputs) {
      check_one_zero_point(input, what);
      const std::int64_t found = tensor(input).channels;
      require(found == 1 || found == channels, what, "inputs of 1 or " + std::to_string(channels) + " channels",
              std::to_string(found));
      most = std::max(most, found);
    }
    require(most == channels, what, "an input of " + std::to_string(channels) + " channels", std::to_string(most));
  }

  void check(const Gather& gather, const Operator& op, const std::string& what, std::int64_t) const {
    for (const TensorIndex input : gather.inputs) {
      check_one_zero_point(input, what);
      check_same_scale(input, op, what);
    }
    std::int64_t channels = 0;  // at most 2^16 a run of a file of 2^24 bytes: no overflow
    for (const ChannelRun& run : gather.channels) {
      const auto inputs = static_cast<std::int64_t>(gather.inputs.size());
      require(run.input < inputs, what, "an input below " + std::to_string(inputs), std::to_string(run.input));
      const std::int64_t most = tensor(gather.inputs[static_cast<std::size_t>(run.input)]).channels;
      require(run.count >= 1 && run.first + run.count <= most, what, "runs of channels within " + std::to_string(most),
              std::to_string(run.count) + " from " + std::to_string(run.first) + " on");
      channels += run.count;
    }
    require(channels == tensor(op.output).channels, what, std::to_string(tensor(op.output).channels) + " channels",
            std::to_string(channels));
  }

  void check(const Pad& pad, const Operator& op, const std::string& what, std::int64_t) const {
    check_one_zero_point(pad.input, what);
    check_same_channels(pad.input, op, what);
    check_same_scale(pad.input, op, what);
  }

  void check(const DepthToSpace& reorder, const Operator& op, const std::string& what, std::int64_t) const {
    check_one_zero_point(reorder.input, what);
    check_same_scale(reorder.input, op, what);
    const std::int64_t expected = reorder.block[0] * reorder.block[1] * tensor(op.output).channels;
    require(tensor(reorder.input).channels == expected, what, std::to_string(expected) + " input channels",
            std::to_string(tensor(reorder.input).channels));
  }

  void check_state_before_block() const {
    if (!program_.state) return;
    check_index(*program_.state, "state");
    check_index(*program_.next_state, "next_state");
    require(written_[static_cast<std::size_t>(*program_.state)] && *program_.state != program_.image, "state",
            "a tensor that the stem writes", tensor(*program_.state).name);
  }

  void check_state_after_block() const {
    if (!program_.state) return;
    const Tensor &state = tensor(*program_.state), &next = tensor(*program_.next_state);
    const auto index = static_cast<std::size_t>(*program_.next_state);
    require(written_[index] && !stem_written_[index], "next_state", "a tensor that the block writes", next.name);
    require(state.channels == next.channels && state.scale == next.scale && state.zero_points == next.zero_points,
            "next_state", "the state's channels, scale and zero point", "others");
  }

  void check_logits() const {
    check_index(program_.logits, "logits");
    require(written_[static_cast<std::size_t>(program_.logits)] && program_.logits != program_.image, "logits",
            "a tensor that the stem or the head writes", tensor(program_.logits).name);
    require(static_cast<std::size_t>(tensor(program_.logits).channels) == program_.classes.size(), "logits",
            std::to_string(program_.classes.size()) + " channels, one a class",
            std::to_string(tensor(program_.logits).channels));
  }

  void check_all_written() const {
    for (std::size_t index = 0; index < program_.tensors.size(); ++index) {
      const bool written = written_[index] || ever_written_[index];
      require(written, "tensor " + program_.tensors[index].name, "an operator that writes it", "none");
    }
  }

  const Program& program_;
  std::vector<bool> written_;       // tensors that the operators so far have left to be read
  std::vector<bool> stem_written_;  // while block and head are checked: the stem's tensors and the image
  std::vector<bool> ever_written_;  // while the head is checked: the block's tensors too
};

}  // namespace

void validate(const Program& program) { Validator(program).run(); }

}  // namespace itrt::model
