// Between the driver (stem.cpp) and the kernels of image stems: 3x3 terms of stride 2 on three channels, with which
// networks for images begin. Their runs are too short for pointers a pixel, and 9 bytes are no quads:
//
//   kernel row 0   pixel 0 [b0 b1 b2 b3|b4 b5 b6 b7|b8]       two quads a row are read where they lie; the last bytes
//                             pixel 1 [b0 b1 b2 b3|b4 ...     of the three rows are put together: a seventh quad
//   kernel row 1   ...
//
// The file is included by files that are compiled for a newer instruction set: declarations only.
#pragma once

#include <cstdint>

#include "base/isa.h"
#include "kernels/convolution/convolution_kernel.h"

namespace itrt::kernels {

inline constexpr std::int64_t stem_rows = 3;  // of the term's kernel
inline constexpr std::int64_t stem_run = 9;   // bytes of a kernel row
inline constexpr std::int64_t stem_step = 6;  // bytes from one output pixel's runs to the next one's
inline constexpr std::int64_t stem_tile_pixels = 12;

// Bytes of an input row that a tile's pixels have, and those behind them that a kernel may read and ignores.
inline constexpr std::int64_t stem_tile_bytes = (stem_tile_pixels - 1) * stem_step + stem_run;
inline constexpr std::int64_t stem_overrun = 3;

// Where byte `byte` of a pixel's three runs, one after the other, stands in the order in which its weights are packed.
constexpr std::int64_t stem_position(std::int64_t byte) {
  const std::int64_t row = byte / stem_run, in_row = byte % stem_run;
  return in_row < stem_run - 1 ? row * (stem_run - 1) + in_row : stem_rows * (stem_run - 1) + row;
}

// Neighbours in an output row.
struct StemTile {
  const std::uint8_t* rows[stem_rows];  // the first pixel's runs
  std::int64_t pixel;                   // its place in the output
};

// Multiplies what a ConvolutionKernel would, with its layout of weights and lanes.
struct StemKernel {
  const char* name;
  Isa isa;
  // `output` is that of the pixel whose place is 0, `initial` is null; pixels, pointers and segments are not used.
  // Outputs of tiles may overlap.
  void (*run)(const ConvolutionBlock& block, const StemTile* tiles, std::int64_t count);
};

}  // namespace itrt::kernels
