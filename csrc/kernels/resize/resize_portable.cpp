#include "kernels/resize/resize.h"
#include "kernels/resize/resize_gather.h"

namespace itrt::kernels {
namespace {

void pair(const std::uint8_t* weights0, const std::uint8_t* weights1, std::int64_t count, std::uint8_t* pairs) {
  for (std::int64_t i = 0; i < count; ++i) {
    pairs[2 * i] = weights0[i];
    pairs[2 * i + 1] = weights1[i];
  }
}

void across(const std::uint8_t* left, const std::uint8_t* right, const std::uint8_t* pairs, std::int16_t whole,
            std::int64_t count, std::uint16_t* words) {
  for (std::int64_t i = 0; i < count; ++i) {
    words[i] = static_cast<std::uint16_t>(pairs[2 * i] * left[i] + pairs[2 * i + 1] * right[i] + whole / 2);
  }
}

void down(const std::uint16_t* above, const std::uint16_t* below, std::int16_t weight0, std::int16_t whole,
          std::int64_t count, std::uint8_t* output) {
  const int weight1 = whole - weight0, shift = whole == sixteenths ? 8 : 14;
  for (std::int64_t i = 0; i < count; ++i) {
    output[i] = static_cast<std::uint8_t>((weight0 * above[i] + weight1 * below[i]) >> shift);
  }
}

}  // namespace

const ResizeKernel resize_portable = {"portable", Isa::portable, gather_pixels<16>, pair, across, down};

}  // namespace itrt::kernels
