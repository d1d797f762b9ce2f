// Plain C++, one pixel at a time: the loops over a block's channels are written so that compilers vectorize them. Sums
// are left to the driver (convolution_sums.h).
#include "kernels/convolution/grouped_kernel.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t width = 16;

void pack(const std::int8_t* values, std::int64_t taps, bool, std::byte* packed) {
  std::int16_t* out = reinterpret_cast<std::int16_t*>(packed);
  for (std::int64_t i = 0; i < taps * width; ++i) out[i] = values[i];
}

void run(const GroupedBlock& block) {
  for (std::int64_t pixel = 0; pixel < block.pixels; ++pixel) {
    const std::int32_t* initial = block.initial + pixel * block.initial_stride;
    std::int32_t sum[width];
    for (std::int64_t channel = 0; channel < width; ++channel) sum[channel] = initial[channel];
    const std::int16_t* weight = reinterpret_cast<const std::int16_t*>(block.weights);
    for (std::int64_t tap = 0; tap < block.taps; ++tap, weight += width) {
      const std::uint8_t* input = block.pointers[block.offsets[tap] + pixel] + block.first_channel;
      for (std::int64_t channel = 0; channel < width; ++channel) sum[channel] += input[channel] * weight[channel];
    }
    std::int32_t* out = static_cast<std::int32_t*>(block.output) + pixel * block.output_stride;
    for (std::int64_t channel = 0; channel < width; ++channel) out[channel] = sum[channel];
  }
}

}  // namespace

const GroupedKernel depthwise_portable = {
    "portable_depthwise", Isa::portable, width, 1, 1, 0, sizeof(std::int16_t), {}, pack, run,
};

}  // namespace itrt::kernels
