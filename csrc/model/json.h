// A strict JSON reader for untrusted text (RFC 8259): bounded depth, no duplicate keys, nothing behind the value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace itrt::model::json {

struct Value;
using Array = std::vector<Value>;
using Object = std::vector<std::pair<std::string, Value>>;

// Numbers without fraction and exponent that fit 64 bits are integers.
struct Value {
  std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object> data;
};

// Throws ModelFileError that says where in `text` and what was expected.
Value parse(std::string_view text);

// "an object", "a string", ...: for error messages.
std::string_view kind_name(const Value& value);

}  // namespace itrt::model::json
