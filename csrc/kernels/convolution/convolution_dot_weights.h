// Weights as instructions read them that multiply four bytes at a time: packing hands them over that way. Internal
// linkage: each file compiles its own copy, with its own instructions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace itrt::kernels {
namespace {

constexpr std::int64_t dot_bytes_a_quad = 4;

inline void pack_dot_quad(const std::int8_t* quad, std::int64_t width, std::byte* packed) {
  std::memcpy(packed, quad, static_cast<std::size_t>(width * dot_bytes_a_quad));
}

}  // namespace
}  // namespace itrt::kernels
