#include "model/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/errors.h"

namespace itrt::model::json {
namespace {

constexpr int max_depth = 32;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Value document() {
    Value value = parse_value(0);
    skip_space();
    if (at_ != text_.size()) fail("the end");
    return value;
  }

 private:
  [[noreturn]] void fail(std::string_view expected) const {
    const std::string found =
        at_ < text_.size() ? "byte " + std::to_string(static_cast<unsigned char>(text_[at_])) : "the end";
    throw ModelFileError("model file: JSON at position " + std::to_string(at_) + ": expected " + std::string(expected) +
                         ", found " + found);
  }

  void skip_space() {
    while (at_ < text_.size() && std::strchr(" \t\n\r", text_[at_]) != nullptr && text_[at_] != '\0') ++at_;
  }

  bool consume(char character) {
    if (at_ < text_.size() && text_[at_] == character) {
      ++at_;
      return true;
    }
    return false;
  }

  bool consume_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  Value parse_value(int depth) {
    if (depth >= max_depth) fail("at most 32 nested values");
    skip_space();
    if (at_ == text_.size()) fail("a value");
    switch (text_[at_]) {
      case '{':
        return {parse_object(depth)};
      case '[':
        return {parse_array(depth)};
      case '"':
        return {parse_string()};
      default:
        if (consume_word("true")) return {true};
        if (consume_word("false")) return {false};
        if (consume_word("null")) return {nullptr};
        return parse_number();
    }
  }

  Object parse_object(int depth) {
    Object object;
    ++at_;
    skip_space();
    if (consume('}')) return object;
    do {
      skip_space();
      if (at_ == text_.size() || text_[at_] != '"') fail("a key");
      std::string key = parse_string();
      skip_space();
      if (!consume(':')) fail("':'");
      object.emplace_back(std::move(key), parse_value(depth + 1));
      skip_space();
    } while (consume(','));
    if (!consume('}')) fail("',' or '}'");
    reject_duplicates(object);
    return object;
  }

  void reject_duplicates(const Object& object) const {
    std::vector<std::string_view> keys;
    for (const auto& [key, value] : object) keys.push_back(key);
    std::sort(keys.begin(), keys.end());
    if (std::adjacent_find(keys.begin(), keys.end()) != keys.end()) fail("an object with distinct keys before here");
  }

  Array parse_array(int depth) {
    Array array;
    ++at_;
    skip_space();
    if (consume(']')) return array;
    do {
      array.push_back(parse_value(depth + 1));
      skip_space();
    } while (consume(','));
    if (!consume(']')) fail("',' or ']'");
    return array;
  }

  std::string parse_string() {
    std::string result;
    ++at_;
    while (true) {
      if (at_ == text_.size() || static_cast<unsigned char>(text_[at_]) < 0x20) fail("'\"'");
      if (consume('"')) return result;
      if (consume('\\')) {
        append_escape(result);
      } else {
        append_character(result);
      }
    }
  }

  // One well-formed UTF-8 sequence (RFC 3629): names go into messages and into Python's strings.
  void append_character(std::string& result) {
    const auto byte = [&](std::size_t offset) -> unsigned {
      return at_ + offset < text_.size() ? static_cast<unsigned char>(text_[at_ + offset]) : 0;
    };
    const unsigned first = byte(0);
    std::size_t length = 0;
    if (first < 0x80) length = 1;
    if (first >= 0xC2 && first <= 0xDF) length = 2;
    if (first >= 0xE0 && first <= 0xEF) length = 3;
    if (first >= 0xF0 && first <= 0xF4) length = 4;
    // The second byte's range leaves out what is longer than need be, surrogates and all above U+10FFFF.
    const unsigned lowest = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const unsigned highest = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    bool well_formed = length == 1 || (length > 1 && byte(1) >= lowest && byte(1) <= highest);
    for (std::size_t offset = 2; offset < length; ++offset) well_formed &= (byte(offset) & 0xC0) == 0x80;
    if (!well_formed) fail("UTF-8");
    result += text_.substr(at_, length);
    at_ += length;
  }

  void append_escape(std::string& result) {
    static constexpr std::string_view names = "\"\\/bfnrt", characters = "\"\\/\b\f\n\r\t";
    if (at_ == text_.size()) fail("an escape");
    const std::size_t index = names.find(text_[at_]);
    if (index != std::string_view::npos) {
      result += characters[index];
      ++at_;
    } else if (consume('u')) {
      std::uint32_t code = parse_hexadecimal();
      if (code >= 0xD800 && code < 0xDC00) {  // a surrogate pair
        if (!consume_word("\\u")) fail("a low surrogate");
        const std::uint32_t low = parse_hexadecimal();
        if (low < 0xDC00 || low > 0xDFFF) fail("a low surrogate before here");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      } else if (code >= 0xDC00 && code <= 0xDFFF) {
        fail("a high surrogate before here");
      }
      append_utf8(result, code);
    } else {
      fail("an escape");
    }
  }

  std::uint32_t parse_hexadecimal() {
    std::uint32_t code = 0;
    const char* first = text_.data() + at_;
    if (text_.size() - at_ < 4 || std::from_chars(first, first + 4, code, 16).ptr != first + 4)
      fail("four hexadecimal digits");
    at_ += 4;
    return code;
  }

  static void append_utf8(std::string& result, std::uint32_t code) {
    const auto byte = [&](std::uint32_t value) { result += static_cast<char>(static_cast<unsigned char>(value)); };
    if (code < 0x80) {
      byte(code);
    } else if (code < 0x800) {
      byte(0xC0 | code >> 6);
      byte(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      byte(0xE0 | code >> 12);
      byte(0x80 | (code >> 6 & 0x3F));
      byte(0x80 | (code & 0x3F));
    } else {
      byte(0xF0 | code >> 18);
      byte(0x80 | (code >> 12 & 0x3F));
      byte(0x80 | (code >> 6 & 0x3F));
      byte(0x80 | (code & 0x3F));
    }
  }

  Value parse_number() {
    const std::size_t length = text_.find_first_not_of("+-.0123456789eE", at_);
    const std::string_view token = text_.substr(at_, length == std::string_view::npos ? length : length - at_);
    const std::string_view digits = token.substr(token.starts_with('-') ? 1 : 0);
    const auto is_digit = [&](std::size_t index) {
      return index < digits.size() && digits[index] >= '0' && digits[index] <= '9';
    };
    const std::size_t dot = digits.find('.');
    const bool leading_zero = is_digit(0) && digits[0] == '0' && is_digit(1);
    if (!is_digit(0) || leading_zero || (dot != std::string_view::npos && !is_digit(dot + 1))) fail("a value");
    const char *first = token.data(), *last = first + token.size();
    std::int64_t integer = 0;
    if (const auto [end, error] = std::from_chars(first, last, integer); end == last && error == std::errc()) {
      at_ += token.size();
      return {integer};
    }
    double number = 0;
    const auto [end, error] = std::from_chars(first, last, number);
    if (end != last || error != std::errc() || !std::isfinite(number)) fail("a finite number");
    at_ += token.size();
    return {number};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Value parse(std::string_view text) { return Parser(text).document(); }

std::string_view kind_name(const Value& value) {
  static constexpr std::string_view names[] = {"null",     "a boolean", "an integer", "a number",
                                               "a string", "an array",  "an object"};
  return names[value.data.index()];
}

}  // namespace itrt::model::json
