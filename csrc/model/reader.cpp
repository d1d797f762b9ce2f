#include "model/reader.h"

#include <algorithm>
#include <cstring>

#include "model/container.h"
#include "model/field.h"
#include "model/validate.h"

namespace itrt::model {
namespace {

constexpr std::int64_t max_index = INT32_MAX;
// Of an addition: its sum stays within 30 bits.
constexpr std::int64_t largest_multiplier = 32767, largest_shift = 28;
constexpr std::size_t most_inputs = 64;
constexpr std::int64_t max_extent =
    1 << 16;  // channels, kernels, strides: far above any network, far below an overflow

class ProgramReader {
 public:
  explicit ProgramReader(const Container& container) : container_(container) {}

  Program program(const Field& field) const {
    field.only_keys({"name", "iterations", "max_iterations", "tensors", "image", "state", "next_state", "logits",
                     "stem", "block", "head", "preprocessing", "classes", "palette", "metadata"});
    Program result;
    result.name = field["name"].string();
    result.iterations = field["iterations"].integer(1, max_index);
    if (const Field steps = field["max_iterations"]; !steps.is_null()) {
      result.max_iterations = steps.integer(result.iterations, max_index);
    }
    for (const Field& entry : field["tensors"].elements()) result.tensors.push_back(tensor(entry));
    result.image = index(field["image"]);
    result.state = optional_index(field["state"]);
    result.next_state = optional_index(field["next_state"]);
    result.logits = index(field["logits"]);
    result.stem = operators(field["stem"]);
    result.block = operators(field["block"]);
    result.head = operators(field["head"]);
    preprocessing(field["preprocessing"], result);
    for (const Field& entry : field["classes"].elements()) result.classes.push_back(entry.string());
    for (const Field& entry : field["palette"].elements()) result.palette.push_back(color(entry));
    for (const auto& [key, value] : field["metadata"].object()) result.metadata[key] = field["metadata"][key].string();
    return result;
  }

 private:
  static TensorIndex index(const Field& field) { return static_cast<TensorIndex>(field.integer(0, max_index)); }

  static std::optional<TensorIndex> optional_index(const Field& field) {
    return field.is_null() ? std::nullopt : std::optional(index(field));
  }

  static Tensor tensor(const Field& field) {
    field.only_keys({"name", "channels", "scale", "zero_points"});
    Tensor result;
    result.name = field["name"].string();
    result.channels = field["channels"].integer(1, max_extent);
    result.scale = field["scale"].number();
    for (const std::int64_t value : field["zero_points"].integers(0, 255)) {
      result.zero_points.push_back(static_cast<std::uint8_t>(value));
    }
    return result;
  }

  static std::array<std::uint8_t, 3> color(const Field& field) {
    const std::vector<std::int64_t> values = field.integers(0, 255);
    if (values.size() != 3) field.fail("red, green and blue", std::to_string(values.size()) + " values");
    std::array<std::uint8_t, 3> result{};
    for (std::size_t channel = 0; channel < result.size(); ++channel) {
      result[channel] = static_cast<std::uint8_t>(values[channel]);
    }
    return result;
  }

  static void preprocessing(const Field& field, Program& result) {
    field.only_keys({"mean", "std", "color_order"});
    for (const Field& entry : field["mean"].elements()) result.mean.push_back(entry.number());
    for (const Field& entry : field["std"].elements()) result.std.push_back(entry.number());
    result.color_order = field["color_order"].string();
  }

  std::vector<Operator> operators(const Field& section) const {
    std::vector<Operator> result;
    for (const Field& entry : section.elements()) result.push_back(an_operator(entry));
    return result;
  }

  Operator an_operator(const Field& field) const {
    Operator result;
    result.name = field["name"].string();
    result.output = index(field["output"]);
    const std::string& kind = field["kind"].string();
    if (kind == "convolution") {
      field.only_keys({"kind", "name", "output", "terms", "bias", "scale", "clamp"});
      result.body = convolution(field);
    } else if (kind == "add") {
      field.only_keys({"kind", "name", "output", "inputs", "multipliers", "shift", "clamp"});
      result.body = add(field);
    } else if (kind == "resize") {
      field.only_keys({"kind", "name", "output", "input", "size_of"});
      result.body = Resize{index(field["input"]), index(field["size_of"])};
    } else {
      field["kind"].fail("convolution, add or resize", kind);
    }
    return result;
  }

  Convolution convolution(const Field& field) const {
    Convolution result;
    for (const Field& entry : field["terms"].elements()) result.terms.push_back(term(entry));
    if (result.terms.empty()) field["terms"].fail("at least one term", "none");
    const std::int64_t channels = result.terms.front().weight_shape[0];
    result.bias = constant<std::int32_t>(field["bias"], "I32", {channels});
    result.scale = constant<float>(field["scale"], "F32", {channels});
    result.clamp = clamp(field["clamp"]);
    return result;
  }

  Term term(const Field& field) const {
    field.only_keys({"input", "weight", "stride", "padding", "dilation", "groups", "loop_invariant"});
    Term result;
    result.input = index(field["input"]);
    result.weight_shape = weight_shape(field["weight"]);
    result.weight =
        constant<std::int8_t>(field["weight"], "I8", {result.weight_shape.begin(), result.weight_shape.end()});
    result.stride = extents<2>(field["stride"], 1);
    result.padding = extents<4>(field["padding"], 0);
    result.dilation = extents<2>(field["dilation"], 1);
    result.groups = field["groups"].integer(1, max_extent);
    result.loop_invariant = field["loop_invariant"].boolean();
    return result;
  }

  template <std::size_t count>
  static std::array<std::int64_t, count> extents(const Field& field, std::int64_t lowest) {
    const std::vector<std::int64_t> values = field.integers(lowest, max_extent);
    if (values.size() != count) field.fail(std::to_string(count) + " integers", std::to_string(values.size()));
    std::array<std::int64_t, count> result{};
    std::copy(values.begin(), values.end(), result.begin());
    return result;
  }

  static Clamp clamp(const Field& field) {
    const std::vector<std::int64_t> values = field.integers(0, 255);
    if (values.size() != 2 || values[0] > values[1]) field.fail("lower <= upper", "something else");
    return {static_cast<std::uint8_t>(values[0]), static_cast<std::uint8_t>(values[1])};
  }

  Add add(const Field& field) const {
    Add result;
    for (const Field& entry : field["inputs"].elements()) result.inputs.push_back(index(entry));
    for (const std::int64_t value : field["multipliers"].integers(-largest_multiplier, largest_multiplier)) {
      result.multipliers.push_back(static_cast<std::int32_t>(value));
    }
    if (result.inputs.empty() || result.inputs.size() > most_inputs ||
        result.inputs.size() != result.multipliers.size()) {
      field["multipliers"].fail("one for each of 1 to " + std::to_string(most_inputs) + " inputs",
                                std::to_string(result.multipliers.size()));
    }
    result.shift = static_cast<std::int32_t>(field["shift"].integer(0, largest_shift));
    result.clamp = clamp(field["clamp"]);
    return result;
  }

  const Blob& blob(const Field& name) const {
    const auto found = container_.blobs.find(name.string());
    if (found == container_.blobs.end()) name.fail("the name of a blob", "\"" + name.string() + "\"");
    return found->second;
  }

  // The first of the constant's values says the shape; `constant` then holds the others to it.
  std::array<std::int64_t, 4> weight_shape(const Field& names) const {
    const std::vector<Field> elements = names.elements();
    if (elements.empty()) names.fail("at least one blob", "none");
    const std::vector<std::int64_t>& shape = blob(elements.front()).shape;
    std::array<std::int64_t, 4> result{};
    const bool in_range =
        std::all_of(shape.begin(), shape.end(), [](auto extent) { return extent >= 1 && extent <= max_extent; });
    if (shape.size() != 4 || !in_range)
      elements.front().fail("a blob of four extents from 1 to 65536", "another shape");
    std::copy(shape.begin(), shape.end(), result.begin());
    return result;
  }

  template <class T>
  Constant<T> constant(const Field& names, std::string_view dtype, const std::vector<std::int64_t>& shape) const {
    Constant<T> result;
    for (const Field& name : names.elements()) {
      const Blob& source = blob(name);
      if (source.dtype != dtype || source.shape != shape) {
        name.fail("a blob of type " + std::string(dtype) + " with one shape per use",
                  source.dtype + " of another shape");
      }
      std::vector<T> values(source.bytes.size() / sizeof(T));
      if (!values.empty()) std::memcpy(values.data(), source.bytes.data(), source.bytes.size());
      result.values.push_back(std::move(values));
    }
    if (result.values.empty()) names.fail("at least one blob", "none");
    return result;
  }

  const Container& container_;
};

}  // namespace

Program read(std::span<const std::uint8_t> file) {
  const Container container = read_container(file);
  const json::Value document = json::parse(container.program);
  Program program = ProgramReader(container).program(Field(document, "program"));
  validate(program);
  return program;
}

}  // namespace itrt::model
