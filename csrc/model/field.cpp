#include "model/field.h"

#include <algorithm>
#include <cmath>

#include "base/errors.h"

namespace itrt::model {

void Field::fail(std::string_view expected, std::string_view found) const {
  throw ModelFileError("model file: " + path_ + ": expected " + std::string(expected) + ", found " +
                       std::string(found));
}

template <class T>
const T& Field::get(std::string_view expected) const {
  const T* value = std::get_if<T>(&value_.data);
  if (value == nullptr) fail(expected, json::kind_name(value_));
  return *value;
}

bool Field::boolean() const { return get<bool>("a boolean"); }

std::int64_t Field::integer(std::int64_t lowest, std::int64_t highest) const {
  const std::int64_t value = get<std::int64_t>("an integer");
  if (value < lowest || value > highest) {
    fail("an integer from " + std::to_string(lowest) + " to " + std::to_string(highest), std::to_string(value));
  }
  return value;
}

float Field::number() const {
  double value = 0;
  if (const auto* integer = std::get_if<std::int64_t>(&value_.data)) {
    value = static_cast<double>(*integer);
  } else {
    value = get<double>("a number");
  }
  const float result = static_cast<float>(value);
  if (!std::isfinite(result)) fail("a finite binary32 number", std::to_string(value));
  return result;
}

const std::string& Field::string() const { return get<std::string>("a string"); }

const json::Object& Field::object() const { return get<json::Object>("an object"); }

std::vector<Field> Field::elements() const {
  std::vector<Field> result;
  for (const json::Value& element : get<json::Array>("an array")) {
    result.emplace_back(element, path_ + "[" + std::to_string(result.size()) + "]");
  }
  return result;
}

std::vector<std::int64_t> Field::integers(std::int64_t lowest, std::int64_t highest) const {
  std::vector<std::int64_t> result;
  for (const Field& element : elements()) result.push_back(element.integer(lowest, highest));
  return result;
}

Field Field::operator[](std::string_view key) const {
  for (const auto& [name, value] : object()) {
    if (name == key) return Field(value, path_ + "." + name);
  }
  fail("a key \"" + std::string(key) + "\"", "none");
}

void Field::only_keys(std::initializer_list<std::string_view> keys) const {
  only_keys(std::span(keys.begin(), keys.size()));
}

void Field::only_keys(std::span<const std::string_view> keys) const {
  for (const auto& [name, value] : object()) {
    if (std::find(keys.begin(), keys.end(), name) == keys.end()) fail("only known keys", "\"" + name + "\"");
  }
}

}  // namespace itrt::model
