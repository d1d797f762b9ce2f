// Bytes between numpy and the core.
#pragma once

#include <pybind11/numpy.h>

#include <cstdint>
#include <span>

namespace itrt::bindings {

using ByteArray = pybind11::array_t<std::uint8_t, pybind11::array::c_style>;

inline std::span<const std::uint8_t> bytes_of(const ByteArray& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

}  // namespace itrt::bindings
