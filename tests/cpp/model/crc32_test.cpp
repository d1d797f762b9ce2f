#include "model/crc32.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string_view>
#include <vector>

namespace itrt::model {
namespace {

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// The definition, a bit at a time.
std::uint32_t naive_crc32(std::span<const std::uint8_t> bytes) {
  std::uint32_t value = 0xFFFFFFFF;
  for (const std::uint8_t byte : bytes) {
    value ^= byte;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0xEDB88320 : 0);
  }
  return ~value;
}

TEST(Crc32, KnownValues) {
  EXPECT_EQ(crc32({}), 0u);
  EXPECT_EQ(crc32(bytes_of("a")), 0xE8B7BE43u);
  EXPECT_EQ(crc32(bytes_of("123456789")), 0xCBF43926u);
  EXPECT_EQ(crc32(bytes_of("The quick brown fox jumps over the lazy dog")), 0x414FA339u);
  EXPECT_EQ(crc32(std::vector<std::uint8_t>(32, 0)), 0x190A55ADu);
}

TEST(Crc32, EveryLengthAndEverySplitGivesTheDefinition) {
  std::vector<std::uint8_t> bytes;
  for (int i = 0; i < 70; ++i) bytes.push_back(static_cast<std::uint8_t>(i * 37 + 11));
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    const auto part = std::span(bytes).first(length);
    const std::uint32_t expected = naive_crc32(part);
    for (std::size_t split = 0; split <= length; ++split) {
      ASSERT_EQ(crc32(part.subspan(split), crc32(part.first(split))), expected) << length << " split at " << split;
    }
  }
}

}  // namespace
}  // namespace itrt::model
