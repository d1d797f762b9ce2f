// Plain C++: sixteen output channels a block, the inner loops written so that compilers vectorize them. Sums are left
// to the driver (convolution_sums.h), so that nothing here needs floating point.
#include "kernels/convolution/convolution_kernel.h"
#include "kernels/convolution/convolution_rows.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t width = 16;

std::int64_t block_vectors(std::int64_t) { return 1; }

// [4][channel], 16 bits.
void pack_quad(const std::int8_t* quad, std::int64_t, std::byte* packed) {
  std::int16_t* out = reinterpret_cast<std::int16_t*>(packed);
  for (std::int64_t byte = 0; byte < 4; ++byte) {
    for (std::int64_t channel = 0; channel < width; ++channel) *out++ = quad[channel * 4 + byte];
  }
}

void run(const ConvolutionBlock& block) {
  for (std::int64_t pixel = 0; pixel < block.pixels; ++pixel) {
    std::int32_t sum[width];
    for (std::int64_t channel = 0; channel < width; ++channel) sum[channel] = block.start[channel];
    if (block.initial != nullptr) {
      const std::int32_t* initial = block.initial + pixel * block.initial_stride;
      for (std::int64_t channel = 0; channel < width; ++channel) sum[channel] += initial[channel];
    }
    const std::int16_t* weight = reinterpret_cast<const std::int16_t*>(block.weights);
    for (std::int64_t s = 0; s < block.segment_count; ++s) {
      const std::uint8_t* input = block.pointers[s * block.pointer_stride + pixel] + block.segments[s].offset;
      for (std::int64_t byte = 0; byte < block.segments[s].quads * 4; ++byte, weight += width) {
        const std::int16_t value = input[byte];
        for (std::int64_t channel = 0; channel < width; ++channel) sum[channel] += value * weight[channel];
      }
    }
    std::int32_t* out = static_cast<std::int32_t*>(block.output) + pixel * block.output_stride;
    for (std::int64_t channel = 0; channel < width; ++channel) out[channel] = sum[channel];
  }
}

}  // namespace

const ConvolutionKernel convolution_portable = {
    .name = "portable_1x16",
    .isa = Isa::portable,
    .vector_width = width,
    .bytes_a_quad = 4 * sizeof(std::int16_t),
    .known = {},
    .block_vectors = block_vectors,
    .channel_of_lane = channel_of_lane,
    .pack_quad = pack_quad,
    .run = run,
};

}  // namespace itrt::kernels
