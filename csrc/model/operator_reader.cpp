#include "model/operator_reader.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace itrt::model {
namespace {

// Of an addition: its sum stays within 30 bits.
constexpr std::int64_t largest_multiplier = 32767, largest_shift = 28;
constexpr std::size_t most_inputs = 64;
// Of a multiplication: two differences of 9 bits and a multiplier are 31 bits, beyond which all are rounded to 0.
constexpr std::int64_t largest_multiply_shift = 45;
constexpr std::size_t most_gather_inputs = 4096;

class OperatorReader {
 public:
  explicit OperatorReader(const Container& container) : container_(container) {}

  Operator read(const Field& field) const {
    Operator result;
    result.name = field["name"].string();
    result.output = read_index(field["output"]);
    const std::string& kind = field["kind"].string();
    const auto* const found = std::find(std::begin(kind_names), std::end(kind_names), kind);
    if (found == std::end(kind_names)) field["kind"].fail(all_kinds(), kind);
    result.body = (this->*readers[found - std::begin(kind_names)])(field);
    return result;
  }

 private:
  using Body = decltype(Operator::body);
  using Reader = Body (OperatorReader::*)(const Field& field) const;
  static const Reader readers[std::size(kind_names)];  // one a kind, in the same order

  static std::string all_kinds() {
    std::string names;
    for (const char* name : kind_names) names += (names.empty() ? "" : " or ") + std::string(name);
    return names;
  }

  static void only_keys(const Field& field, std::initializer_list<std::string_view> keys) {
    std::vector<std::string_view> all = {"kind", "name", "output"};
    all.insert(all.end(), keys);
    field.only_keys(all);
  }

  Body convolution(const Field& field) const {
    only_keys(field, {"terms", "bias", "scale", "clamp"});
    Convolution result;
    for (const Field& entry : field["terms"].elements()) result.terms.push_back(term(entry));
    if (result.terms.empty()) field["terms"].fail("at least one term", "none");
    const std::int64_t channels = result.terms.front().weight_shape[0];
    result.bias = constant<std::int32_t>(field["bias"], "I32", {channels});
    if (const Field scale = field["scale"]; scale.is_list()) {
      result.scale = constant<float>(scale, "F32", {channels});
    } else {
      result.fixed = fixed_point(scale, channels);
    }
    result.clamp = clamp(field["clamp"]);
    return result;
  }

  FixedPoint fixed_point(const Field& field, std::int64_t channels) const {
    field.only_keys({"multiplier", "shift"});
    FixedPoint result;
    result.multiplier = constant<std::int16_t>(field["multiplier"], "I16", {channels});
    result.shift = constant<std::uint8_t>(field["shift"], "U8", {channels});
    return result;
  }

  Term term(const Field& field) const {
    field.only_keys({"input", "weight", "stride", "padding", "dilation", "groups", "loop_invariant"});
    Term result;
    result.input = read_index(field["input"]);
    result.weight_shape = blob_shape<4>(field["weight"]);
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

  Body resize(const Field& field) const {
    only_keys(field, {"input", "size_of", "size", "factor", "mode", "align_corners"});
    Resize result;
    result.input = read_index(field["input"]);
    if (const Field like = field["size_of"]; !like.is_null()) result.size_of = read_index(like);
    if (const Field size = field["size"]; !size.is_null()) result.size = extents<2>(size, 1);
    if (const Field factor = field["factor"]; !factor.is_null()) result.factor = fractions(factor);
    const int targets = result.size_of.has_value() + result.size.has_value() + result.factor.has_value();
    if (targets != 1) field.fail("one of size_of, size and factor, the others null", std::to_string(targets));
    result.mode = one_of<Resize::Mode>(field["mode"], {"bilinear", "nearest"});
    result.align_corners = field["align_corners"].boolean();
    return result;
  }

  static std::array<Fraction, 2> fractions(const Field& field) {
    const std::vector<Field> axes = field.elements();
    if (axes.size() != 2) field.fail("a fraction for each of two axes", std::to_string(axes.size()));
    const auto fraction = [](const Field& axis) {
      const auto [numerator, denominator] = extents<2>(axis, 1);
      return Fraction{numerator, denominator};
    };
    return {fraction(axes[0]), fraction(axes[1])};
  }

  Body pool(const Field& field) const {
    only_keys(field, {"input", "mode", "kernel", "stride", "padding", "dilation", "ceil", "count_padding", "multiplier",
                      "shift"});
    Pool result;
    result.input = read_index(field["input"]);
    result.mode = one_of<Pool::Mode>(field["mode"], {"max", "average"});
    result.kernel = extents<2>(field["kernel"], 1);
    result.stride = extents<2>(field["stride"], 1);
    result.padding = extents<4>(field["padding"], 0);
    result.dilation = extents<2>(field["dilation"], 1);
    result.ceil = field["ceil"].boolean();
    result.count_padding = field["count_padding"].boolean();
    result.scale = average_scale(field);
    return result;
  }

  Body adaptive_pool(const Field& field) const {
    only_keys(field, {"input", "size", "multiplier", "shift"});
    return AdaptivePool{read_index(field["input"]), extents<2>(field["size"], 1), average_scale(field)};
  }

  static AverageScale average_scale(const Field& field) {
    return {multiplier(field), static_cast<std::int32_t>(field["shift"].integer(0, largest_shift))};
  }

  static std::int32_t multiplier(const Field& field) {
    return static_cast<std::int32_t>(field["multiplier"].integer(1, largest_multiplier));
  }

  Body lookup(const Field& field) const {
    only_keys(field, {"input", "table"});
    Lookup result;
    result.input = read_index(field["input"]);
    const auto [tables, values] = blob_shape<2>(field["table"]);
    if (values != 256) field["table"].fail("tables of 256 values", std::to_string(values));
    result.tables = tables;
    result.table = constant<std::uint8_t>(field["table"], "U8", {tables, values});
    return result;
  }

  Body multiply(const Field& field) const {
    only_keys(field, {"inputs", "multiplier", "shift", "clamp"});
    Multiply result;
    const std::vector<Field> inputs = field["inputs"].elements();
    if (inputs.size() != result.inputs.size()) field["inputs"].fail("two inputs", std::to_string(inputs.size()));
    result.inputs = {read_index(inputs[0]), read_index(inputs[1])};
    result.multiplier = multiplier(field);
    result.shift = static_cast<std::int32_t>(field["shift"].integer(0, largest_multiply_shift));
    result.clamp = clamp(field["clamp"]);
    return result;
  }

  Body gather(const Field& field) const {
    only_keys(field, {"inputs", "channels"});
    Gather result;
    for (const Field& entry : field["inputs"].elements()) result.inputs.push_back(read_index(entry));
    if (result.inputs.empty() || result.inputs.size() > most_gather_inputs) {
      field["inputs"].fail("1 to " + std::to_string(most_gather_inputs) + " inputs",
                           std::to_string(result.inputs.size()));
    }
    for (const Field& entry : field["channels"].elements()) {
      const auto [input, first, count] = extents<3>(entry, 0);
      result.channels.push_back({input, first, count});
    }
    return result;
  }

  Body pad(const Field& field) const {
    only_keys(field, {"input", "padding", "mode"});
    return Pad{read_index(field["input"]), extents<4>(field["padding"], -max_extent),
               one_of<Pad::Mode>(field["mode"], {"constant", "reflect", "replicate"})};
  }

  Body depth_to_space(const Field& field) const {
    only_keys(field, {"input", "block"});
    return DepthToSpace{read_index(field["input"]), extents<2>(field["block"], 1)};
  }

  // The names are the enumerators', in their order.
  template <class Enum>
  static Enum one_of(const Field& field, const std::vector<std::string_view>& names) {
    const auto found = std::find(names.begin(), names.end(), field.string());
    std::string expected;
    for (const std::string_view name : names) expected += (expected.empty() ? "" : " or ") + std::string(name);
    if (found == names.end()) field.fail(expected, field.string());
    return static_cast<Enum>(found - names.begin());
  }

  Body add(const Field& field) const {
    only_keys(field, {"inputs", "multipliers", "shift", "clamp"});
    Add result;
    for (const Field& entry : field["inputs"].elements()) result.inputs.push_back(read_index(entry));
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
  template <std::size_t axes>
  std::array<std::int64_t, axes> blob_shape(const Field& names) const {
    const std::vector<Field> elements = names.elements();
    if (elements.empty()) names.fail("at least one blob", "none");
    const std::vector<std::int64_t>& shape = blob(elements.front()).shape;
    std::array<std::int64_t, axes> result{};
    const bool in_range =
        std::all_of(shape.begin(), shape.end(), [](auto extent) { return extent >= 1 && extent <= max_extent; });
    if (shape.size() != axes || !in_range) {
      elements.front().fail("a blob of " + std::to_string(axes) + " extents from 1 to 65536", "another shape");
    }
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

const OperatorReader::Reader OperatorReader::readers[std::size(kind_names)] = {
    &OperatorReader::convolution,   &OperatorReader::add,           &OperatorReader::resize,   &OperatorReader::pool,
    &OperatorReader::adaptive_pool, &OperatorReader::lookup,        &OperatorReader::multiply, &OperatorReader::gather,
    &OperatorReader::pad,           &OperatorReader::depth_to_space};

}  // namespace

TensorIndex read_index(const Field& field) { return static_cast<TensorIndex>(field.integer(0, max_index)); }

Operator read_operator(const Field& field, const Container& container) { return OperatorReader(container).read(field); }

}  // namespace itrt::model
