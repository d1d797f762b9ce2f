// The program as plain structs: the C++ side of python/itrt/format/program.py. docs/format.md specifies the fields.
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
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

// A factor an output channel: multiplier / 2^shift.
struct FixedPoint {
  Constant<std::int16_t> multiplier;  // -32767 to 32767
  Constant<std::uint8_t> shift;       // 0 to 46
};

struct Convolution {
  std::vector<Term> terms;
  Constant<std::int32_t> bias;
  Constant<float> scale;            // empty where there is
  std::optional<FixedPoint> fixed;  // in its place
  Clamp clamp;
};

struct Add {
  std::vector<TensorIndex> inputs;
  std::vector<std::int32_t> multipliers;  // 16 bits, in units of 2^-shift
  std::int32_t shift = 0;
  Clamp clamp;
};

struct Fraction {
  std::int64_t numerator = 1, denominator = 1;
};

// One of three says the output's height and width.
struct Resize {
  enum class Mode { bilinear, nearest };
  TensorIndex input = 0;
  std::optional<TensorIndex> size_of = std::nullopt;               // as high and wide as this tensor
  std::optional<std::array<std::int64_t, 2>> size = std::nullopt;  // pixels
  std::optional<std::array<Fraction, 2>> factor = std::nullopt;    // of the input's, rounded down
  Mode mode = Mode::bilinear;
  bool align_corners = false;  // bilinear: the corner pixels' centres meet
};

// Real factor scale_in / scale_out = multiplier / 2^shift.
struct AverageScale {
  std::int32_t multiplier = 1;  // 1 to 32767
  std::int32_t shift = 0;       // 0 to 28
};

struct Pool {
  enum class Mode { max, average };
  TensorIndex input = 0;
  Mode mode = Mode::max;
  std::array<std::int64_t, 2> kernel{1, 1}, stride{1, 1};
  std::array<std::int64_t, 4> padding{};  // top, left, bottom, right
  std::array<std::int64_t, 2> dilation{1, 1};
  bool ceil = false;           // the last window may reach beyond the padded input
  bool count_padding = false;  // of an average: padded places count as zeros
  AverageScale scale;          // of an average
};

// Averages of windows that divide the input.
struct AdaptivePool {
  TensorIndex input = 0;
  std::array<std::int64_t, 2> size{1, 1};
  AverageScale scale;
};

struct Lookup {
  TensorIndex input = 0;
  Constant<std::uint8_t> table;  // (tables, 256)
  std::int64_t tables = 1;       // one for all channels, or one a channel
};

struct Multiply {
  std::array<TensorIndex, 2> inputs{};
  std::int32_t multiplier = 1;  // 1 to 32767
  std::int32_t shift = 0;       // 0 to 45
  Clamp clamp;
};

// Neighbouring channels of an input that are neighbours in the output, too.
struct ChannelRun {
  std::int64_t input = 0;  // its place among the inputs
  std::int64_t first = 0, count = 0;
};

struct Gather {
  std::vector<TensorIndex> inputs;
  std::vector<ChannelRun> channels;  // the output's, in order
};

struct Pad {
  enum class Mode { constant, reflect, replicate };
  TensorIndex input = 0;
  std::array<std::int64_t, 4> padding{};  // top, left, bottom, right; negative: cropped
  Mode mode = Mode::constant;
};

struct DepthToSpace {
  TensorIndex input = 0;
  std::array<std::int64_t, 2> block{1, 1};
};

struct Operator {
  std::string name;
  TensorIndex output = 0;
  std::variant<Convolution, Add, Resize, Pool, AdaptivePool, Lookup, Multiply, Gather, Pad, DepthToSpace> body;
};

// What the file calls them, by their place in Operator::body.
inline constexpr const char* kind_names[] = {"convolution", "add",      "resize", "pool", "adaptive_pool",
                                             "lookup",      "multiply", "gather", "pad",  "depth_to_space"};
static_assert(std::size(kind_names) == std::variant_size_v<decltype(Operator::body)>);

// The tensors that an operator reads the bytes of (Resize::size_of is read for its size alone).
std::vector<TensorIndex> inputs_of(const Operator& op);

// Those among them whose elements it reads one for one, each before it writes the output's element there.
std::vector<TensorIndex> elementwise_inputs_of(const Operator& op);

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
