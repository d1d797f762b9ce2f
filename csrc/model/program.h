// The program as plain structs: the C++ side of python/itrt/format/program.py. docs/format.md specifies the fields.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace itrt::model {

using TensorIndex = std::int32_t;

// An activation: u8, channels last. One zero point, or, for the image alone, one a channel.
struct Tensor {
  std::string name;
  std::int64_t channels = 0;
  float scale = 1;
  std::vector<std::uint8_t> zero_points;
};

// A weight or vector: one value for all steps, or one a step.
template <class T>
struct Constant {
  std::vector<std::vector<T>> values;
  bool per_step() const { return values.size() > 1; }
  const std::vector<T>& at(std::int64_t step) const { return values[per_step() ? static_cast<std::size_t>(step) : 0]; }
};

struct Term {
  TensorIndex input = 0;
  Constant<std::int8_t> weight;                // OHWI
  std::array<std::int64_t, 4> weight_shape{};  // out_channels, kernel_height, kernel_width, in_channels / groups
  std::array<std::int64_t, 2> stride{1, 1};
  std::array<std::int64_t, 4> padding{};  // top, left, bottom, right
  std::array<std::int64_t, 2> dilation{1, 1};
  std::int64_t groups = 1;
  bool loop_invariant = false;
};

struct Clamp {
  std::uint8_t lower = 0, upper = 255;  // stored values, inclusive
};

struct Convolution {
  std::vector<Term> terms;
  Constant<std::int32_t> bias;
  Constant<float> scale;
  Clamp clamp;
};

struct Add {
  std::vector<TensorIndex> inputs;
  std::vector<std::int32_t> multipliers;  // 16 bits, in units of 2^-shift
  std::int32_t shift = 0;
  Clamp clamp;
};

struct Resize {
  TensorIndex input = 0;
  TensorIndex size_of = 0;  // the tensor whose height and width the output takes
};

struct Operator {
  std::string name;
  TensorIndex output = 0;
  std::variant<Convolution, Add, Resize> body;
};

// The tensors that an operator reads the bytes of (Resize::size_of is read for its size alone).
std::vector<TensorIndex> inputs_of(const Operator& op);

struct Program {
  std::string name;
  std::int64_t iterations = 1;                 // as trained
  std::optional<std::int64_t> max_iterations;  // none: any number
  std::vector<Tensor> tensors;
  TensorIndex image = 0;
  std::optional<TensorIndex> state, next_state;  // none: no loop
  TensorIndex logits = 0;
  std::vector<Operator> stem, block, head;
  std::vector<float> mean, std;
  std::string color_order;
  std::vector<std::string> classes;
  std::vector<std::array<std::uint8_t, 3>> palette;
  std::map<std::string, std::string> metadata;
};

}  // namespace itrt::model
