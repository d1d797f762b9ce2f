#include "model/crc32.h"

#include <array>
#include <cstddef>

namespace itrt::model {
namespace {

// Eight tables, so that eight bytes take eight independent look-ups instead of a chain of eight:
// tables[n][b] is the checksum of byte b followed by n zero bytes.
constexpr std::size_t stride = 8;
using Tables = std::array<std::array<std::uint32_t, 256>, stride>;

constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320u : 0u);
    tables[0][byte] = value;
  }
  for (std::size_t n = 1; n < stride; ++n)
    for (std::size_t byte = 0; byte < 256; ++byte)
      tables[n][byte] = (tables[n - 1][byte] >> 8) ^ tables[0][tables[n - 1][byte] & 0xFF];
  return tables;
}

constexpr Tables tables = make_tables();

}  // namespace

std::uint32_t crc32(std::span<const std::uint8_t> bytes, std::uint32_t previous) {
  std::uint32_t value = ~previous;
  std::size_t at = 0;
  for (; at + stride <= bytes.size(); at += stride) {
    std::uint32_t next = 0;
    for (std::size_t n = 0; n < stride; ++n) {
      const std::uint32_t mixed = n < 4 ? value >> (8 * n) & 0xFF : 0;
      next ^= tables[stride - 1 - n][mixed ^ bytes[at + n]];
    }
    value = next;
  }
  for (; at < bytes.size(); ++at) value = (value >> 8) ^ tables[0][(value ^ bytes[at]) & 0xFF];
  return ~value;
}

}  // namespace itrt::model
