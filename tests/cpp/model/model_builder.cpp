#include "model/model_builder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <random>
#include <sstream>
#include <stdexcept>

namespace itrt::test {
namespace {

using model::Constant;
using model::Operator;
using model::Program;
using model::Tensor;
using model::TensorIndex;
using model::Term;

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::int64_t integer(std::int64_t lowest, std::int64_t highest) {
    return lowest + static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(highest - lowest + 1));
  }
  float real(float lowest, float highest) {
    return lowest + (highest - lowest) * static_cast<float>(engine_() % 1000) / 1000;
  }

 private:
  std::mt19937 engine_;
};

Term random_term(TensorIndex input, std::array<std::int64_t, 4> shape, Random& random) {
  Term term;
  term.input = input;
  term.weight_shape = shape;
  std::vector<std::int8_t> weight(static_cast<std::size_t>(shape[0] * shape[1] * shape[2] * shape[3]));
  for (auto& value : weight) value = static_cast<std::int8_t>(random.integer(-60, 60));
  term.weight.values = {std::move(weight)};
  const std::int64_t border = shape[1] / 2;
  term.padding = {border, border, border, border};
  return term;
}

Operator random_convolution(std::string name, TensorIndex output, std::vector<Term> terms, std::int64_t steps,
                            Random& random) {
  model::Convolution convolution;
  const auto channels = static_cast<std::size_t>(terms.front().weight_shape[0]);
  convolution.terms = std::move(terms);
  convolution.bias.values.resize(static_cast<std::size_t>(steps));
  convolution.scale.values.resize(static_cast<std::size_t>(steps));
  for (auto& bias : convolution.bias.values) {
    for (std::size_t i = 0; i < channels; ++i) bias.push_back(static_cast<std::int32_t>(random.integer(-4000, 4000)));
  }
  for (auto& scale : convolution.scale.values) {
    for (std::size_t i = 0; i < channels; ++i) scale.push_back(random.real(0.002f, 0.01f));
  }
  return {std::move(name), output, std::move(convolution)};
}

// A multiplier of 15 bits where the shift allows it.
void fix_scales(model::Convolution& convolution) {
  if (convolution.fixed) return;
  model::FixedPoint fixed;
  for (const std::vector<float>& scales : convolution.scale.values) {
    std::vector<std::int16_t> multipliers;
    std::vector<std::uint8_t> shifts;
    for (const float scale : scales) {
      const int shift = std::clamp(14 - std::ilogb(scale), 0, 46);
      const double multiplier = std::rint(std::ldexp(static_cast<double>(scale), shift));
      multipliers.push_back(static_cast<std::int16_t>(std::clamp(multiplier, -32767.0, 32767.0)));
      shifts.push_back(static_cast<std::uint8_t>(shift));
    }
    fixed.multiplier.values.push_back(std::move(multipliers));
    fixed.shift.values.push_back(std::move(shifts));
  }
  convolution.scale = {};
  convolution.fixed = std::move(fixed);
}

void describe(Program& program, std::string name, std::size_t classes) {
  program.name = std::move(name);
  const auto channels = static_cast<std::size_t>(program.tensors[static_cast<std::size_t>(program.image)].channels);
  program.mean.assign(channels, 0.5f);
  program.std.assign(channels, 0.25f);
  program.color_order = "RGB";
  for (std::size_t i = 0; i < classes; ++i) {
    const auto level = static_cast<std::uint8_t>(i * 20);
    program.classes.push_back("class " + std::to_string(i));
    program.palette.push_back({level, 100, level});
  }
  program.metadata = {{"origin", "a test"}};
}

// JSON, typed by hand: a list is `[a,b]`, a text has its quotes and backslashes escaped.
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char character : text) {
    if (character == '"' || character == '\\') result += '\\';
    result += character;
  }
  return result + '"';
}

template <class Range, class Function>
std::string list(const Range& range, Function to_text) {
  std::string result;
  for (const auto& entry : range) result += (result.empty() ? "" : ",") + to_text(entry);
  return "[" + result + "]";
}

std::string number(double value) {
  std::ostringstream stream;
  stream.precision(17);
  stream << value;
  return stream.str();
}

template <class Range>
std::string numbers(const Range& range) {
  return list(range, [](auto value) { return number(static_cast<double>(value)); });
}

std::string index_or_null(std::optional<TensorIndex> index) { return index ? std::to_string(*index) : "null"; }

std::string clamp(const model::Clamp& clamp) {
  return "[" + std::to_string(clamp.lower) + "," + std::to_string(clamp.upper) + "]";
}

class FileWriter {
 public:
  ModelFile write(const Program& program) {
    const auto text = [](const std::string& value) { return quoted(value); };
    const std::string max = program.max_iterations ? std::to_string(*program.max_iterations) : "null";
    std::string metadata;
    for (const auto& [key, value] : program.metadata) {
      metadata += (metadata.empty() ? "" : ",") + quoted(key) + ":" + quoted(value);
    }
    // In this order: it is the order of the blobs.
    const std::string stem = section(program.stem), block = section(program.block), head = section(program.head);
    file_.program = "{\"name\":" + quoted(program.name) + ",\"iterations\":" + std::to_string(program.iterations) +
                    ",\"max_iterations\":" + max + ",\"tensors\":" + list(program.tensors, tensor_text) +
                    ",\"image\":" + std::to_string(program.image) + ",\"state\":" + index_or_null(program.state) +
                    ",\"next_state\":" + index_or_null(program.next_state) +
                    ",\"logits\":" + std::to_string(program.logits) + ",\"stem\":" + stem + ",\"block\":" + block +
                    ",\"head\":" + head + ",\"preprocessing\":{\"mean\":" + numbers(program.mean) +
                    ",\"std\":" + numbers(program.std) + ",\"color_order\":" + quoted(program.color_order) +
                    "},\"classes\":" + list(program.classes, text) +
                    ",\"palette\":" + list(program.palette, [](const auto& color) { return numbers(color); }) +
                    ",\"metadata\":{" + metadata + "}}";
    return std::move(file_);
  }

 private:
  static std::string tensor_text(const Tensor& tensor) {
    return "{\"name\":" + quoted(tensor.name) + ",\"channels\":" + std::to_string(tensor.channels) +
           ",\"scale\":" + number(tensor.scale) + ",\"zero_points\":" + numbers(tensor.zero_points) + "}";
  }

  std::string section(const std::vector<Operator>& operators) {
    return list(operators, [&](const Operator& op) {
      const std::string head = "\"name\":" + quoted(op.name) + ",\"output\":" + std::to_string(op.output);
      return std::visit([&](const auto& body) { return body_text(body, op, head); }, op.body);
    });
  }

  std::string body_text(const model::Convolution& convolution, const Operator& op, const std::string& head) {
    int index = 0;
    const std::string terms = list(convolution.terms, [&](const Term& term) {
      const std::vector<std::int64_t> shape(term.weight_shape.begin(), term.weight_shape.end());
      const std::string weight = constant(term.weight, op.name + ".weight." + std::to_string(index++), "I8", shape);
      return "{\"input\":" + std::to_string(term.input) + ",\"weight\":" + weight +
             ",\"stride\":" + numbers(term.stride) + ",\"padding\":" + numbers(term.padding) +
             ",\"dilation\":" + numbers(term.dilation) + ",\"groups\":" + std::to_string(term.groups) +
             ",\"loop_invariant\":" + (term.loop_invariant ? "true" : "false") + "}";
    });
    const std::vector<std::int64_t> shape = {convolution.terms.front().weight_shape[0]};
    const std::string bias = constant(convolution.bias, op.name + ".bias", "I32", shape);
    const std::string scale = convolution.fixed ? fixed_point(*convolution.fixed, op.name, shape)
                                                : constant(convolution.scale, op.name + ".scale", "F32", shape);
    return "{\"kind\":\"convolution\"," + head + ",\"terms\":" + terms + ",\"bias\":" + bias + ",\"scale\":" + scale +
           ",\"clamp\":" + clamp(convolution.clamp) + "}";
  }

  std::string fixed_point(const model::FixedPoint& fixed, const std::string& name,
                          const std::vector<std::int64_t>& shape) {
    return "{\"multiplier\":" + constant(fixed.multiplier, name + ".multiplier", "I16", shape) +
           ",\"shift\":" + constant(fixed.shift, name + ".shift", "U8", shape) + "}";
  }

  std::string body_text(const model::Add& add, const Operator&, const std::string& head) const {
    return "{\"kind\":\"add\"," + head + ",\"inputs\":" + numbers(add.inputs) +
           ",\"multipliers\":" + numbers(add.multipliers) + ",\"shift\":" + std::to_string(add.shift) +
           ",\"clamp\":" + clamp(add.clamp) + "}";
  }

  std::string body_text(const model::Resize& resize, const Operator&, const std::string& head) const {
    constexpr const char* modes[] = {"bilinear", "nearest"};
    const auto fraction = [](const model::Fraction& axis) {
      return numbers(std::array{axis.numerator, axis.denominator});
    };
    return "{\"kind\":\"resize\"," + head + field("input", resize.input) +
           ",\"size_of\":" + index_or_null(resize.size_of) +
           ",\"size\":" + (resize.size ? numbers(*resize.size) : "null") +
           ",\"factor\":" + (resize.factor ? list(*resize.factor, fraction) : "null") + mode(modes, resize.mode) +
           ",\"align_corners\":" + boolean(resize.align_corners) + "}";
  }

  static std::string boolean(bool value) { return value ? "true" : "false"; }
  static std::string field(const std::string& key, std::int64_t value) {
    return "," + quoted(key) + ":" + std::to_string(value);
  }
  template <class Names, class Mode>
  static std::string mode(const Names& names, Mode mode) {
    return ",\"mode\":" + quoted(names[static_cast<std::size_t>(mode)]);
  }
  static std::string average_scale(const model::AverageScale& scale) {
    return field("multiplier", scale.multiplier) + field("shift", scale.shift);
  }

  std::string body_text(const model::Pool& pool, const Operator&, const std::string& head) const {
    constexpr const char* modes[] = {"max", "average"};
    return "{\"kind\":\"pool\"," + head + field("input", pool.input) + mode(modes, pool.mode) +
           ",\"kernel\":" + numbers(pool.kernel) + ",\"stride\":" + numbers(pool.stride) +
           ",\"padding\":" + numbers(pool.padding) + ",\"dilation\":" + numbers(pool.dilation) +
           ",\"ceil\":" + boolean(pool.ceil) + ",\"count_padding\":" + boolean(pool.count_padding) +
           average_scale(pool.scale) + "}";
  }

  std::string body_text(const model::AdaptivePool& pool, const Operator&, const std::string& head) const {
    return "{\"kind\":\"adaptive_pool\"," + head + field("input", pool.input) + ",\"size\":" + numbers(pool.size) +
           average_scale(pool.scale) + "}";
  }

  std::string body_text(const model::Lookup& lookup, const Operator& op, const std::string& head) {
    const std::string table = constant(lookup.table, op.name + ".table", "U8", {lookup.tables, 256});
    return "{\"kind\":\"lookup\"," + head + field("input", lookup.input) + ",\"table\":" + table + "}";
  }

  std::string body_text(const model::Multiply& multiply, const Operator&, const std::string& head) const {
    return "{\"kind\":\"multiply\"," + head + ",\"inputs\":" + numbers(multiply.inputs) +
           field("multiplier", multiply.multiplier) + field("shift", multiply.shift) +
           ",\"clamp\":" + clamp(multiply.clamp) + "}";
  }

  std::string body_text(const model::Gather& gather, const Operator&, const std::string& head) const {
    const auto run = [](const model::ChannelRun& each) {
      return numbers(std::array{each.input, each.first, each.count});
    };
    return "{\"kind\":\"gather\"," + head + ",\"inputs\":" + numbers(gather.inputs) +
           ",\"channels\":" + list(gather.channels, run) + "}";
  }

  std::string body_text(const model::Pad& pad, const Operator&, const std::string& head) const {
    constexpr const char* modes[] = {"constant", "reflect", "replicate"};
    return "{\"kind\":\"pad\"," + head + field("input", pad.input) + ",\"padding\":" + numbers(pad.padding) +
           mode(modes, pad.mode) + "}";
  }

  std::string body_text(const model::DepthToSpace& op, const Operator&, const std::string& head) const {
    return "{\"kind\":\"depth_to_space\"," + head + field("input", op.input) + ",\"block\":" + numbers(op.block) + "}";
  }

  template <class T>
  std::string constant(const Constant<T>& constant, const std::string& name, const std::string& dtype,
                       const std::vector<std::int64_t>& shape) {
    std::size_t step = 0;
    return list(constant.values, [&](const std::vector<T>& values) {
      FileBlob blob{constant.per_step() ? name + "." + std::to_string(step++) : name, dtype, shape, {}};
      blob.bytes.resize(values.size() * sizeof(T));
      std::memcpy(blob.bytes.data(), values.data(), blob.bytes.size());
      file_.blobs.push_back(blob);
      return quoted(blob.name);
    });
  }

  ModelFile file_;
};

// CRC-32, a byte at a time, unlike the product's.
std::uint32_t checksum(const std::vector<std::uint8_t>& bytes) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> result{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      result[byte] = byte;
      for (int bit = 0; bit < 8; ++bit) result[byte] = result[byte] >> 1 ^ (result[byte] & 1 ? 0xEDB88320 : 0);
    }
    return result;
  }();
  std::uint32_t value = 0xFFFFFFFF;
  for (const std::uint8_t byte : bytes) value = value >> 8 ^ table[(value ^ byte) & 0xFF];
  return ~value;
}

}  // namespace

Tensor tensor(std::string name, std::int64_t channels, float scale, std::vector<std::uint8_t> zero_points) {
  return {std::move(name), channels, scale, std::move(zero_points)};
}

Operator pointwise(std::string name, TensorIndex input, std::int64_t in_channels, TensorIndex output,
                   std::int64_t out_channels, std::int8_t weight, std::int32_t bias) {
  Term term;
  term.input = input;
  term.weight_shape = {out_channels, 1, 1, in_channels};
  term.weight.values = {std::vector<std::int8_t>(static_cast<std::size_t>(out_channels * in_channels), weight)};
  model::Convolution convolution;
  convolution.terms = {std::move(term)};
  convolution.bias.values = {std::vector<std::int32_t>(static_cast<std::size_t>(out_channels), bias)};
  convolution.scale.values = {std::vector<float>(static_cast<std::size_t>(out_channels), 1.0f)};
  return {std::move(name), output, std::move(convolution)};
}

Program small_network(std::optional<std::int64_t> max_iterations, unsigned seed) {
  Random random(seed);
  Program program;
  program.iterations = std::min<std::int64_t>(max_iterations.value_or(3), 3);
  program.max_iterations = max_iterations;
  enum : TensorIndex { image, features, state, mixed, low, high, lean, next, hidden, logits };
  program.tensors = {tensor("image", 3, 1, {120, 110, 100}), tensor("features", 8, 0.1f, {10}),
                     tensor("state", 8, 0.2f, {128}),        tensor("mixed", 8, 0.1f, {30}),
                     tensor("low", 12, 0.1f, {0}),           tensor("high", 12, 0.1f, {0}),
                     tensor("lean", 8, 0.3f, {100}),         tensor("next", 8, 0.2f, {128}),
                     tensor("hidden", 6, 0.1f, {7}),         tensor("logits", 5, 0.5f, {128})};
  program.image = image, program.state = state, program.next_state = next, program.logits = logits;
  const std::int64_t steps = max_iterations.value_or(1);

  Term first = random_term(image, {8, 3, 3, 3}, random);
  first.stride = {2, 2};
  program.stem = {random_convolution("first", features, {first}, 1, random),
                  {"begin", state, model::Add{{features}, {1}, 1, {}}}};

  Term hoisted = random_term(features, {8, 1, 1, 8}, random);
  hoisted.loop_invariant = true;
  Term dilated = random_term(state, {8, 3, 3, 8}, random);
  dilated.dilation = {2, 2}, dilated.padding = {2, 2, 2, 2};
  Term down = random_term(mixed, {12, 3, 3, 8}, random);
  down.stride = {2, 2};
  Term grouped = random_term(high, {8, 3, 3, 3}, random);
  grouped.groups = 4;
  program.block = {random_convolution("mix", mixed, {dilated, hoisted}, steps, random),
                   random_convolution("down", low, {down}, steps, random),
                   {"up", high, model::Resize{low, mixed}},
                   random_convolution("lean", lean, {grouped, random_term(high, {8, 1, 1, 12}, random)}, steps, random),
                   {"sum", next, model::Add{{mixed, lean}, {2, 5}, 2, {5, 250}}}};
  program.head = {random_convolution("hide", hidden, {random_term(state, {6, 1, 1, 8}, random)}, steps, random),
                  random_convolution("classify", logits, {random_term(hidden, {5, 3, 3, 6}, random)}, steps, random)};
  describe(program, "small", 5);
  return program;
}

Program counter() {
  Program program;
  program.tensors = {tensor("image", 3), tensor("state", 1), tensor("next", 1), tensor("logits", 1)};
  program.image = 0, program.state = 1, program.next_state = 2, program.logits = 3;
  Operator average = pointwise("average", 0, 3, 1, 1);
  std::get<model::Convolution>(average.body).scale.values = {{1.0f / 3}};
  program.stem = {average};
  program.block = {pointwise("increment", 1, 1, 2, 1, 1, 1)};
  program.head = {pointwise("classify", 1, 1, 3, 1)};
  describe(program, "counter", 1);
  return program;
}

Program feed_forward() {
  Random random(7);
  Program program;
  program.max_iterations = 1;
  program.tensors = {tensor("image", 3, 1, {120, 110, 100}), tensor("features", 4, 0.1f, {3}), tensor("logits", 2)};
  program.image = 0, program.logits = 2;
  program.stem = {random_convolution("first", 1, {random_term(0, {4, 3, 3, 3}, random)}, 1, random)};
  program.head = {random_convolution("classify", 2, {random_term(1, {2, 1, 1, 4}, random)}, 1, random)};
  describe(program, "feed-forward", 2);
  return program;
}

Program every_operator() {
  Random random(11);
  Program program;
  program.max_iterations = 1;
  enum : TensorIndex {
    image,
    features,
    pooled,
    averaged,
    mean,
    gate,
    gated,
    padded,
    spread,
    up,
    joined,
    corners,
    logits
  };
  const auto like_features = [](std::string name) { return tensor(std::move(name), 8, 0.1f, {10}); };
  const auto like_gated = [](std::string name, std::int64_t channels) {
    return tensor(std::move(name), channels, 0.05f, {20});
  };
  program.tensors = {tensor("image", 3, 1, {120, 110, 100}),
                     like_features("features"),
                     like_features("pooled"),
                     tensor("averaged", 8, 0.2f, {30}),
                     tensor("mean", 8, 0.1f, {5}),
                     tensor("gate", 8, 0.01f, {0}),
                     like_gated("gated", 8),
                     like_gated("padded", 8),
                     like_gated("spread", 2),
                     like_gated("up", 8),
                     like_gated("joined", 6),
                     like_gated("corners", 6),
                     tensor("logits", 2)};
  program.image = image, program.logits = logits;
  using model::Pool;
  using model::Resize;
  Pool largest;
  largest.input = features;
  largest.kernel = {3, 3}, largest.stride = {2, 2}, largest.padding = {1, 1, 1, 1};
  const Pool average = {.input = pooled,
                        .mode = Pool::Mode::average,
                        .kernel = {2, 2},
                        .stride = {2, 2},
                        .padding = {0, 0, 1, 1},
                        .ceil = true,
                        .count_padding = true,
                        .scale = {16384, 15}};
  Resize doubled, corner;
  doubled.input = padded, doubled.mode = Resize::Mode::nearest;
  doubled.factor = std::array{model::Fraction{2, 1}, model::Fraction{2, 1}};
  corner.input = joined, corner.align_corners = true;
  corner.size = std::array<std::int64_t, 2>{5, 6};
  model::Lookup table = {.input = mean, .table = {}, .tables = 8};
  table.table.values = {std::vector<std::uint8_t>(8 * 256)};
  for (std::uint8_t& value : table.table.values[0]) value = static_cast<std::uint8_t>(random.integer(0, 255));
  program.stem = {random_convolution("first", features, {random_term(image, {8, 3, 3, 3}, random)}, 1, random),
                  {"max", pooled, largest},
                  {"average", averaged, average},
                  {"global", mean, model::AdaptivePool{averaged, {1, 1}, {3, 1}}},
                  {"table", gate, table},
                  {"scale", gated, model::Multiply{{averaged, gate}, 21000, 20, {1, 254}}},
                  {"pad", padded, model::Pad{gated, {1, 2, 0, -1}, model::Pad::Mode::replicate}},
                  {"shuffle", spread, model::DepthToSpace{padded, {2, 2}}},
                  {"double", up, doubled},
                  {"join", joined, model::Gather{{spread, up}, {{0, 0, 2}, {1, 4, 3}, {1, 0, 1}}}},
                  {"corner", corners, corner}};
  program.head = {random_convolution("classify", logits, {random_term(corners, {2, 1, 1, 6}, random)}, 1, random)};
  fix_scales(std::get<model::Convolution>(program.stem.front().body));
  describe(program, "every operator", 2);
  return program;
}

std::string ModelFile::header() const {
  std::string text = "{\"__metadata__\":{\"format\":" + quoted(format) +
                     ",\"format_version\":" + quoted(format_version) +
                     ",\"checksum\":\"00000000\",\"program\":" + quoted(program) + "}";
  std::size_t offset = 0;
  for (const FileBlob& blob : blobs) {
    text += "," + quoted(blob.name) + ":{\"dtype\":" + quoted(blob.dtype) + ",\"shape\":" + numbers(blob.shape) +
            ",\"data_offsets\":[" + std::to_string(offset) + "," + std::to_string(offset + blob.bytes.size()) + "]}";
    offset += blob.bytes.size();
  }
  return text + "}";
}

std::vector<std::uint8_t> ModelFile::data() const {
  std::vector<std::uint8_t> result;
  for (const FileBlob& blob : blobs) result.insert(result.end(), blob.bytes.begin(), blob.bytes.end());
  return result;
}

std::vector<std::uint8_t> ModelFile::bytes() const { return assemble(header(), data()); }

Program with_fixed_point(Program program) {
  for (auto* section : {&program.stem, &program.block, &program.head}) {
    for (Operator& op : *section) {
      if (auto* convolution = std::get_if<model::Convolution>(&op.body)) fix_scales(*convolution);
    }
  }
  return program;
}

ModelFile to_file(const Program& program) { return FileWriter().write(program); }

std::vector<std::uint8_t> assemble(std::string header, const std::vector<std::uint8_t>& data) {
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::vector<std::uint8_t> file;
  for (int byte = 0; byte < 8; ++byte) file.push_back(static_cast<std::uint8_t>(header.size() >> 8 * byte));
  file.insert(file.end(), header.begin(), header.end());
  file.insert(file.end(), data.begin(), data.end());
  seal(file);
  return file;
}

bool seal(std::vector<std::uint8_t>& file) {
  static constexpr std::string_view key = "\"checksum\":\"";
  const auto found = std::search(file.begin(), file.end(), key.begin(), key.end());
  if (file.end() - found < static_cast<std::ptrdiff_t>(key.size()) + 8) return false;
  const auto digits = found + static_cast<std::ptrdiff_t>(key.size());
  std::fill_n(digits, 8, std::uint8_t{'0'});
  const std::uint32_t value = checksum(file);
  for (int digit = 0; digit < 8; ++digit) {
    digits[digit] = static_cast<std::uint8_t>("0123456789abcdef"[value >> (28 - 4 * digit) & 15]);
  }
  return true;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos || text.find(from, at + 1) != std::string::npos) {
    throw std::logic_error("a test replaces \"" + std::string(from) + "\", which is not there exactly once");
  }
  return text.replace(at, from.size(), to);
}

}  // namespace itrt::test
