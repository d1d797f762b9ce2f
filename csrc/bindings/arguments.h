// Checks of what Python passes to the kernels. A failure names the argument, what was expected and what was found.
#pragma once

#include <pybind11/numpy.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"

namespace itrt::bindings {

using Pair = std::pair<std::int64_t, std::int64_t>;
template <class T>
using Array = pybind11::array_t<T, pybind11::array::c_style>;

[[noreturn]] void fail(const std::string& name, const std::string& expected, const std::string& found);

// "(2, 3)", as Python writes it.
std::string shape_text(const pybind11::array& array);

// An array of exactly this type with one of these ranks and at least one element.
pybind11::array checked_array(const std::string& name, const pybind11::object& object, const pybind11::dtype& type,
                              pybind11::ssize_t fewest_axes, pybind11::ssize_t most_axes);

// The same, contiguous.
template <class T>
Array<T> checked(const std::string& name, const pybind11::object& object, pybind11::ssize_t fewest_axes,
                 pybind11::ssize_t most_axes) {
  return Array<T>::ensure(checked_array(name, object, pybind11::dtype::of<T>(), fewest_axes, most_axes));
}

// The only element of `inputs`: (height, width, channels).
Array<std::uint8_t> only_image(const std::vector<pybind11::object>& inputs);

void check_range(const std::string& name, std::int64_t value, std::int64_t lowest, std::int64_t highest);
void check_count(const std::string& name, std::size_t found, std::size_t expected);
void check_finite(const std::string& name, float value);
void check_clamp(const Pair& clamp);
void check_threads(int threads);

// A copy in aligned memory, with the bytes behind its end that kernels may read.
AlignedBuffer with_slack(const Array<std::uint8_t>& array);

}  // namespace itrt::bindings
