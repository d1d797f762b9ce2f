// CRC-32 as zlib computes it.
#pragma once

#include <cstdint>
#include <span>

namespace itrt::model {

// The checksum of the bytes so far (`previous`, 0 at the start) followed by `bytes`.
std::uint32_t crc32(std::span<const std::uint8_t> bytes, std::uint32_t previous = 0);

}  // namespace itrt::model
