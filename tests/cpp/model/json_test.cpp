#include "model/json.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "expect_error.h"

namespace itrt::model::json {
namespace {

using test::expect_error;

template <class T>
T get(std::string_view text) {
  return std::get<T>(parse(text).data);
}

void expect_rejected(std::string_view text, std::string_view expected) {
  SCOPED_TRACE(std::string(text));
  expect_error<ModelFileError>([&] { parse(text); }, {"JSON at position", expected, "found"});
}

TEST(Json, ReadsEveryKindOfValue) {
  EXPECT_EQ(get<std::nullptr_t>("null"), nullptr);
  EXPECT_EQ(get<bool>("true"), true);
  EXPECT_EQ(get<bool>(" \t\r\nfalse\n"), false);
  EXPECT_EQ(get<std::string>("\"text\""), "text");
  EXPECT_EQ(get<Array>("[]").size(), 0u);
  EXPECT_EQ(get<Array>("[ 1 , [ 2 ] ]").size(), 2u);
  EXPECT_EQ(get<Object>("{}").size(), 0u);
  const auto object = get<Object>("{ \"b\" : 1 , \"a\" : [ ] }");
  ASSERT_EQ(object.size(), 2u);
  EXPECT_EQ(object[0].first, "b");  // in the order of the text
  EXPECT_EQ(object[1].first, "a");
}

TEST(Json, NamesKinds) {
  EXPECT_EQ(kind_name(parse("null")), "null");
  EXPECT_EQ(kind_name(parse("true")), "a boolean");
  EXPECT_EQ(kind_name(parse("1")), "an integer");
  EXPECT_EQ(kind_name(parse("1.0")), "a number");
  EXPECT_EQ(kind_name(parse("\"\"")), "a string");
  EXPECT_EQ(kind_name(parse("[]")), "an array");
  EXPECT_EQ(kind_name(parse("{}")), "an object");
}

TEST(Json, Integers) {
  EXPECT_EQ(get<std::int64_t>("0"), 0);
  EXPECT_EQ(get<std::int64_t>("-0"), 0);
  EXPECT_EQ(get<std::int64_t>("-17"), -17);
  EXPECT_EQ(get<std::int64_t>("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(get<std::int64_t>("-9223372036854775808"), INT64_MIN);
}

TEST(Json, OtherNumbersAreDoubles) {
  EXPECT_EQ(get<double>("9223372036854775808"), 9223372036854775808.0);
  EXPECT_EQ(get<double>("0.1"), 0.1);
  EXPECT_EQ(get<double>("-1.5e3"), -1500);
  EXPECT_EQ(get<double>("2E-3"), 0.002);
  EXPECT_EQ(get<double>("1e+2"), 100);
  EXPECT_EQ(get<double>("1.7976931348623157e308"), 1.7976931348623157e308);
  EXPECT_EQ(get<double>("5e-324"), 5e-324);
}

TEST(Json, NumbersHaveTheFormOfTheStandard) {
  for (const std::string_view text :
       {"+1", ".5", "-", "-.5", "01", "-01", "00.5", "0x10", "NaN", "Infinity", "-Infinity", "1_000", "--1"}) {
    expect_rejected(text, "expected");
  }
  for (const std::string_view text : {"1.", "1.e5", "-1.e5", "1e", "1e+", "1.5.2", "1-2", "1e5.5", "1e1e1", "0.e1"}) {
    expect_rejected(text, "expected");
  }
  expect_rejected("1e400", "a finite number");
  expect_rejected("-1e400", "a finite number");
}

TEST(Json, Escapes) {
  EXPECT_EQ(get<std::string>(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(get<std::string>(R"("\u0041\u00e9\u20AC")"), "A\xC3\xA9\xE2\x82\xAC");
  EXPECT_EQ(get<std::string>(R"("\u0000")"), std::string(1, '\0'));
  EXPECT_EQ(get<std::string>(R"("\ud83d\uDE00")"), "\xF0\x9F\x98\x80");  // a surrogate pair
  for (const std::string_view text : {R"("\x41")", R"("\U00000041")", R"("\'")", R"("\)"})
    expect_rejected(text, "an escape");
  for (const std::string_view text :
       {R"("\u12")", R"("\u12G4")", R"("\u-123")", R"("\u+123")", R"("\u 123")", R"("\u123)"}) {
    expect_rejected(text, "four hexadecimal digits");
  }
}

TEST(Json, HalfASurrogatePairIsNoCharacter) {
  expect_rejected(R"("\ud83d")", "a low surrogate");
  expect_rejected(R"("\ud83dx")", "a low surrogate");
  expect_rejected(R"("\ud83d\n")", "a low surrogate");
  expect_rejected(R"("\ud83d\u0041")", "a low surrogate");
  expect_rejected(R"("\ud83d\ud83d")", "a low surrogate");
  expect_rejected(R"("\ude00")", "a high surrogate");
}

TEST(Json, RawTextMustBeUtf8) {
  EXPECT_EQ(get<std::string>("\"A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""), "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(get<std::string>("\"\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF\""),
            "\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF");
  for (const std::string_view text : {
           "\"\x80\"",
           "\"\xBF\"",
           "\"\xE9trt\"",  // no first byte, none follows
           "\"\xC3\"",
           "\"\xC3\x28\"",
           "\"\xE2\x82\"",
           "\"\xF0\x9F\x98\"",  // too short
           "\"\xC0\x80\"",
           "\"\xC1\xBF\"",
           "\"\xE0\x9F\xBF\"",
           "\"\xF0\x8F\xBF\xBF\"",  // longer than need be
           "\"\xED\xA0\x80\"",
           "\"\xED\xBF\xBF\"",  // surrogates
           "\"\xF4\x90\x80\x80\"",
           "\"\xF5\x80\x80\x80\"",
           "\"\xFF\"",
           "\"\xFE\"",  // above U+10FFFF
       }) {
    expect_rejected(text, "UTF-8");
  }
  expect_rejected("{\"\xFF\":1}", "UTF-8");
}

TEST(Json, StringsEndAndHoldNoControlCharacters) {
  expect_rejected("\"abc", "'\"'");
  expect_rejected("\"a\nb\"", "'\"'");
  expect_rejected(std::string_view("\"a\0b\"", 5), "'\"'");
  expect_rejected("\"\x1F\"", "'\"'");
  EXPECT_EQ(get<std::string>("\"\x7F\""), "\x7F");
}

TEST(Json, NothingStandsBehindTheValue) {
  expect_rejected("1 2", "the end");
  expect_rejected("{}}", "the end");
  expect_rejected("nullx", "the end");
  expect_rejected("\"a\"b", "the end");
  expect_rejected(std::string_view("1\0", 2), "the end");
}

TEST(Json, BracketsCommasAndColons) {
  expect_rejected("", "a value");
  expect_rejected("   ", "a value");
  expect_rejected("[1,]", "a value");
  expect_rejected("[,1]", "a value");
  expect_rejected("[1 2]", "',' or ']'");
  expect_rejected("[1", "',' or ']'");
  expect_rejected("[1}", "',' or ']'");
  expect_rejected("{\"a\":1,}", "a key");
  expect_rejected("{1:2}", "a key");
  expect_rejected("{a:2}", "a key");
  expect_rejected("{\"a\" 1}", "':'");
  expect_rejected("{\"a\":}", "a value");
  expect_rejected("{\"a\":1", "',' or '}'");
  expect_rejected("{\"a\":1]", "',' or '}'");
  expect_rejected("tru", "a value");
  expect_rejected("True", "a value");
  expect_rejected("'a'", "a value");
  expect_rejected("[1] // comment", "the end");
  expect_rejected(
      "\xEF\xBB\xBF"
      "1",
      "a value");  // a byte order mark
}

TEST(Json, KeysAreDistinct) {
  expect_rejected(R"({"a":1,"b":2,"a":1})", "distinct keys");
  expect_rejected(R"([{"x":{"k":1,"\u006b":2}}])", "distinct keys");
  EXPECT_EQ(get<Array>(R"([{"a":1},{"a":1}])").size(), 2u);
}

TEST(Json, DepthIsBounded) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_NO_THROW(parse(nested(32)));
  expect_rejected(nested(33), "at most 32 nested values");
  expect_rejected(std::string(1'000'000, '['), "at most 32 nested values");
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  expect_rejected(objects, "at most 32 nested values");
}

TEST(Json, AnErrorSaysWhereAndWhatItFound) {
  expect_error<ModelFileError>([] { parse("[1, x]"); }, {"model file", "position 4", "found byte 120"});
  expect_error<ModelFileError>([] { parse("[1, "); }, {"position 4", "found the end"});
}

TEST(Json, EveryPrefixOfATextIsRejected) {
  const std::string text = R"({"key":[1,-2.5e3,"a\u00e9\n",true,false,null,{"x":{}}]})";
  EXPECT_NO_THROW(parse(text));
  for (std::size_t length = 0; length < text.size(); ++length) {
    expect_error<ModelFileError>([&] { parse(text.substr(0, length)); }, {"expected", "found"});
  }
}

}  // namespace
}  // namespace itrt::model::json
