// Image stems that have kernels of their own (stem_kernel.h): a tile of output pixels reads three rows of the image as
// they are. At a border its pixels are put together in scratch before:
//
//   output row   | tile | tile   tile   tile ... |              the last tile ends with the range and overlaps the one
//                | copy | the image itself   | tile |           before; a range shorter than a tile is computed aside
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/convolution/convolution.h"

namespace itrt::kernels {

// Whether the term is one for stem kernels, if it is gathered and a convolution's only one.
bool is_stem(const ConvolutionTerm& term);

// Bytes of scratch memory that `convolve_stem` uses.
std::size_t stem_scratch_bytes(const PackedConvolution& packed);

// `convolve` for PackedConvolution::stem.
void convolve_stem(const PackedConvolution& packed, const ConvolutionCall& call, std::int64_t first, std::int64_t last);

}  // namespace itrt::kernels
