#include "model/container.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "expect_error.h"
#include "model/model_builder.h"

namespace itrt::model {
namespace {

using test::assemble;
using test::expect_error;
using test::ModelFile;
using test::replaced;

ModelFile two_blobs() {
  ModelFile file;
  file.program = "{\"name\":\"x\"}";
  file.blobs = {{"a", "I8", {2, 3}, {1, 2, 3, 4, 5, 6}}, {"b", "F32", {1}, {0, 0, 128, 63}}};
  return file;
}

void expect_rejected(const std::vector<std::uint8_t>& bytes, std::initializer_list<std::string_view> parts) {
  expect_error<ModelFileError>([&] { read_container(bytes); }, parts);
}

// The header with one change, sealed again.
std::vector<std::uint8_t> with_header(std::string_view from, std::string_view to) {
  const ModelFile file = two_blobs();
  return assemble(replaced(file.header(), from, to), file.data());
}

TEST(Container, GivesTheProgramAndItsBlobs) {
  const std::vector<std::uint8_t> bytes = two_blobs().bytes();
  const Container container = read_container(bytes);
  EXPECT_EQ(container.program, "{\"name\":\"x\"}");
  ASSERT_EQ(container.blobs.size(), 2u);
  const Blob &a = container.blobs.at("a"), &b = container.blobs.at("b");
  EXPECT_EQ(a.dtype, "I8");
  EXPECT_EQ(a.shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(std::vector(a.bytes.begin(), a.bytes.end()), (std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(b.dtype, "F32");
  EXPECT_EQ(b.bytes.size(), 4u);
}

TEST(Container, MayHoldEmptyAndNoBlobs) {
  ModelFile file = two_blobs();
  file.blobs = {{"none", "I32", {0, 7}, {}}, {"a", "I8", {1}, {9}}, {"scalar", "I8", {}, {3}}, {"end", "F32", {0}, {}}};
  const std::vector<std::uint8_t> bytes = file.bytes();
  EXPECT_EQ(read_container(bytes).blobs.at("scalar").bytes.front(), 3);
  file.blobs.clear();
  const std::vector<std::uint8_t> without = file.bytes();
  EXPECT_TRUE(read_container(without).blobs.empty());
}

TEST(Container, TooShortForALength) {
  expect_rejected({}, {"size", "at least 8 bytes", "found 0"});
  expect_rejected({1, 2, 3, 4, 5, 6, 7}, {"size", "at least 8 bytes", "found 7"});
}

TEST(Container, AHeaderLongerThanTheFile) {
  expect_rejected({9, 0, 0, 0, 0, 0, 0, 0, '{', '}'}, {"header length", "at most 2", "found 9"});
  expect_rejected({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, '{', '}'},
                  {"header length", "18446744073709551615"});
  const std::vector<std::uint8_t> png = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R'};
  expect_rejected(png, {"header length", "an itrt file"});
}

TEST(Container, AHeaderLongerThanTheLimit) {
  std::vector<std::uint8_t> bytes((std::size_t{16} << 20) + 8 + 64, ' ');
  const std::size_t length = bytes.size() - 8;
  for (std::size_t byte = 0; byte < 8; ++byte) bytes[byte] = static_cast<std::uint8_t>(length >> 8 * byte);
  expect_rejected(bytes, {"header length", "at most 16777216", std::to_string(length)});
}

TEST(Container, EveryTruncationIsAnError) {
  const std::vector<std::uint8_t> bytes = two_blobs().bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    SCOPED_TRACE(size);
    expect_rejected({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}, {"expected", "found"});
  }
}

TEST(Container, AHeaderThatIsNoJson) {
  expect_rejected(assemble("", {}), {"JSON", "a value", "the end"});
  expect_rejected(assemble("not json", {}), {"JSON", "a value"});
  expect_rejected(assemble("[]", {}), {"header", "an object", "an array"});
}

TEST(Container, AnotherSafetensorsFile) {
  expect_rejected(assemble("{}", {}), {"header", "\"__metadata__\"", "none"});
  expect_rejected(assemble("{\"w\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", {0, 0, 0, 0}),
                  {"header", "\"__metadata__\"", "none"});
  expect_rejected(assemble("{\"__metadata__\":{\"format\":\"pt\"}}", {}), {"format", "itrt", "found pt"});
  expect_rejected(assemble("{\"__metadata__\":{}}", {}), {"__metadata__", "\"format\"", "none"});
  expect_rejected(assemble("{\"__metadata__\":7}", {}), {"__metadata__", "an object", "an integer"});
}

TEST(Container, AnotherFormatVersion) {
  ModelFile file = two_blobs();
  file.format_version = "1";
  expect_rejected(file.bytes(), {"format_version", "expected 3", "found 1"});
  expect_rejected(with_header("\"format_version\":\"3\"", "\"format_version\":3"),
                  {"format_version", "a string", "an integer"});
}

TEST(Container, UnknownMetadata) {
  expect_rejected(with_header("\"format\":", "\"author\":\"me\",\"format\":"),
                  {"__metadata__", "only known keys", "\"author\""});
}

TEST(Container, MissingProgram) {
  std::string header = two_blobs().header();
  const std::size_t from = header.find(",\"program\""), to = header.find("},\"a\"");
  header.erase(from, to - from);
  expect_rejected(assemble(header, two_blobs().data()), {"__metadata__", "\"program\"", "none"});
}

TEST(Container, AWrongChecksum) {
  std::vector<std::uint8_t> bytes = two_blobs().bytes();
  bytes.back() ^= 1;
  expect_rejected(bytes, {"checksum", "damaged"});
}

TEST(Container, AChecksumThatIsNone) {
  const std::vector<std::uint8_t> data = two_blobs().data();
  const std::string header = two_blobs().header();
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = replaced(header, from, to);
    text.resize((text.size() + 7) / 8 * 8, ' ');
    std::vector<std::uint8_t> bytes = {
        static_cast<std::uint8_t>(text.size()), static_cast<std::uint8_t>(text.size() >> 8), 0, 0, 0, 0, 0, 0};
    bytes.insert(bytes.end(), text.begin(), text.end());
    bytes.insert(bytes.end(), data.begin(), data.end());
    return bytes;
  };
  expect_rejected(with("00000000", "0000000g"), {"checksum", "0000000g"});
  expect_rejected(with("00000000", ""), {"checksum"});
  expect_rejected(with("\"00000000\"", "0"), {"checksum", "a string", "an integer"});
  expect_rejected(with("\"checksum\":", "\"checksum\": "), {"checksum", "eight hexadecimal digits"});
  expect_rejected(with("\"checksum\":\"00000000\",", ""), {"\"checksum\"", "none"});
}

TEST(Container, BlobsOfOtherTypes) {
  expect_rejected(with_header("\"I8\"", "\"U4\""), {"header.a.dtype", "I8, U8, I16, I32 or F32", "found U4"});
  expect_rejected(with_header("\"I8\"", "8"), {"header.a.dtype", "a string", "an integer"});
  expect_rejected(with_header("\"dtype\":\"I8\"", "\"dtype\":\"I8\",\"order\":1"),
                  {"header.a", "only known keys", "\"order\""});
  expect_rejected(with_header("\"dtype\":\"I8\",", ""), {"header.a", "\"dtype\"", "none"});
}

TEST(Container, ShapesThatAreNone) {
  expect_rejected(with_header("[2,3]", "[2,-3]"), {"header.a.shape[1]", "from 0", "found -3"});
  expect_rejected(with_header("[2,3]", "[2,3.0]"), {"header.a.shape[1]", "an integer", "a number"});
  expect_rejected(with_header("[2,3]", "6"), {"header.a.shape", "an array", "an integer"});
}

TEST(Container, OffsetsThatDoNotFitTheShape) {
  expect_rejected(with_header("[2,3]", "[2,4]"), {"header.a.data_offsets", "dtype and shape"});
  expect_rejected(with_header("[2,3]", "[4611686018427387904,4]"), {"header.a.data_offsets", "dtype and shape"});
  expect_rejected(with_header("[2,3]", "[9223372036854775807,9223372036854775807]"), {"header.a.data_offsets"});
  expect_rejected(with_header("[0,6]", "[6,0]"), {"header.a.data_offsets"});
  expect_rejected(with_header("[0,6]", "[0]"), {"header.a.data_offsets"});
  expect_rejected(with_header("[0,6]", "[0,6,6]"), {"header.a.data_offsets"});
  expect_rejected(with_header("[0,6]", "[-1,5]"), {"header.a.data_offsets[0]", "from 0 to 10", "-1"});
  expect_rejected(with_header("[6,10]", "[7,11]"), {"header.b.data_offsets[1]", "from 0 to 10", "11"});
}

TEST(Container, GapsOverlapsAndLeftovers) {
  const std::string header = two_blobs().header();
  std::vector<std::uint8_t> data = two_blobs().data();
  data.push_back(0);
  expect_rejected(assemble(header, data), {"data", "nothing behind the last blob"});
  expect_rejected(assemble(replaced(header, "[6,10]", "[7,11]"), data), {"data", "without gaps and overlaps"});
  expect_rejected(assemble(replaced(header, "[6,10]", "[5,9]"), data), {"data", "without gaps and overlaps"});
}

TEST(Container, DuplicateBlobs) { expect_rejected(with_header("\"b\":", "\"a\":"), {"JSON", "distinct keys"}); }

TEST(Container, FlippingAnyByteIsAnError) {
  const std::vector<std::uint8_t> good = two_blobs().bytes();
  std::vector<std::uint8_t> bytes = good;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int value = 1; value < 256; ++value) {
      bytes[at] = static_cast<std::uint8_t>(good[at] ^ value);
      EXPECT_THROW(read_container(bytes), ModelFileError) << "byte " << at << " xor " << value;
    }
    bytes[at] = good[at];
  }
  EXPECT_NO_THROW(read_container(good));
}

}  // namespace
}  // namespace itrt::model
