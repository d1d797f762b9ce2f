#include "model/reader.h"

#include "model/container.h"
#include "model/field.h"
#include "model/operator_reader.h"
#include "model/validate.h"

namespace itrt::model {
namespace {

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
    result.image = read_index(field["image"]);
    result.state = optional_index(field["state"]);
    result.next_state = optional_index(field["next_state"]);
    result.logits = read_index(field["logits"]);
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
  static std::optional<TensorIndex> optional_index(const Field& field) {
    return field.is_null() ? std::nullopt : std::optional(read_index(field));
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
    for (const Field& entry : section.elements()) result.push_back(read_operator(entry, container_));
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
