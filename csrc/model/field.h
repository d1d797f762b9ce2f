// A JSON value with its path, so that each wrong one is reported by name: "program.block[3].clamp: expected ..., found
// ...".
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/json.h"

namespace itrt::model {

class Field {
 public:
  Field(const json::Value& value, std::string path) : value_(value), path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  bool is_null() const { return std::holds_alternative<std::nullptr_t>(value_.data); }
  bool is_list() const { return std::holds_alternative<json::Array>(value_.data); }

  // Each throws ModelFileError where the value is of another kind or out of range.
  bool boolean() const;
  std::int64_t integer(std::int64_t lowest, std::int64_t highest) const;
  float number() const;  // finite as a float
  const std::string& string() const;
  const json::Object& object() const;
  std::vector<Field> elements() const;
  std::vector<std::int64_t> integers(std::int64_t lowest, std::int64_t highest) const;
  Field operator[](std::string_view key) const;
  void only_keys(std::span<const std::string_view> keys) const;
  void only_keys(std::initializer_list<std::string_view> keys) const;

  [[noreturn]] void fail(std::string_view expected, std::string_view found) const;

 private:
  template <class T>
  const T& get(std::string_view expected) const;

  const json::Value& value_;
  std::string path_;
};

}  // namespace itrt::model
