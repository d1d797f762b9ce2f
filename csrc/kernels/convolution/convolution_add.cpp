#include "kernels/convolution/convolution_add.h"

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "kernels/convolution/convolution_kernel.h"

namespace itrt::kernels {
namespace {

// Of a tile, which is added from the cache that it was written to; with fewer pixels, weights would be read more often.
constexpr std::int64_t tile_pixels = 10 * pixel_granule;

std::size_t tile_offset(const PackedConvolution& packed) {
  return static_cast<std::size_t>(round_up(static_cast<std::int64_t>(scratch_bytes(packed)), cache_line));
}

}  // namespace

std::size_t convolution_add_scratch_bytes(const PackedConvolution& packed) {
  return tile_offset(packed) + static_cast<std::size_t>(tile_pixels * packed.out_channels);
}

void convolve_add(const PackedConvolution& packed, const AddKernel& add_kernel, const ConvolutionAddCall& call,
                  std::int64_t first, std::int64_t last) {
  const std::int64_t channels = packed.out_channels;
  ConvolutionCall convolution = call.convolution;
  convolution.output = reinterpret_cast<std::uint8_t*>(convolution.scratch + tile_offset(packed));
  std::array<AddInput, 2> inputs = {call.add.inputs[0], call.add.inputs[1]};
  inputs[call.convolved_input].data = convolution.output;
  AddElements part = add_elements(call.add);
  part.inputs = inputs.data();
  const AddInput& other = call.add.inputs[1 - call.convolved_input];
  for (; first < last; first += tile_pixels) {
    const std::int64_t pixels = std::min(tile_pixels, last - first), begin = (first - call.first_pixel) * channels;
    convolution.output_first_pixel = first;
    convolve(packed, convolution, first, first + pixels);
    inputs[1 - call.convolved_input].data = other.data + begin;
    part.output = call.add.output + begin;
    add_kernel.elements(part, 0, pixels * channels);
  }
}

}  // namespace itrt::kernels
