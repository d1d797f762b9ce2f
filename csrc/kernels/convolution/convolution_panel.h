// A panel of output pixels and where each reads its runs: the kernels' pointers.
//
//   output row y      |border|        interior         |border|
//   pointer to        | copy |  the input itself,      | copy |     copy: the run put together in scratch from pixels
//                     | in   |  one pixel apart in x   | in   |           inside the image and zero points outside
//                     scratch                          scratch      rows outside the image point to zero points
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/convolution/convolution.h"
#include "kernels/convolution/convolution_kernel.h"
#include "kernels/convolution/convolution_run.h"
#include "kernels/convolution/convolution_skip.h"

namespace itrt::kernels {

// Many: a kernel takes its time to begin and to end a panel. Few enough for pointers to stay in the nearest caches.
inline constexpr std::int64_t panel_pixels = 16 * pixel_granule;

// Bytes of scratch memory that a Panel uses.
std::size_t panel_bytes(const PackedConvolution& packed);

class Panel {
 public:
  // Of some runs; the first panel begins at output pixel `first`, of the flattened height * width range.
  Panel(const PackedConvolution& packed, const ConvolutionCall& call, const RunRange& runs, std::int64_t first);

  // Of the first of runs(): [segment][panel_pixels]. Behind the last pixel they repeat it, for as long as a tile that
  // begins at any pixel may read, if the panel has no more than panel_pixels - pixel_granule; for one that begins at a
  // multiple of pixel_granule, if it has more.
  const std::uint8_t* const* pointers() const { return pointers_ + runs_.first * panel_pixels; }

  // Goes on to the next pixels, as many as fit but none from `last` on; returns how many.
  std::int64_t fill(std::int64_t last);

  // The runs that the panel's pixels read; others have no pointers.
  const RunRange& runs() const { return runs_; }

 private:
  // Where a segment's pointers or copies of the panel's part of an output row go.
  struct Part {
    std::int64_t position;     // in the panel
    std::int64_t row, column;  // of the output
    std::int64_t count;
  };

  const ConvolutionTerm& term(const ConvolutionRun& run) const {
    return packed_.terms[static_cast<std::size_t>(run.term)];
  }
  const ConvolutionInput& input(const ConvolutionRun& run) const {
    return call_.inputs[static_cast<std::size_t>(run.term)];
  }
  const std::uint8_t* padding(const ConvolutionRun& run) const {
    return packed_.padding.as<std::uint8_t>() + run.padding_offset;
  }
  bool at_border(std::int64_t column) const { return column < inside_.first || column >= inside_.last; }

  std::int64_t count_pixels(std::int64_t limit) const;
  std::int64_t pixels_alike() const;
  template <class Body>
  void each_part(const Body& body) const;
  const std::uint8_t* source(const ConvolutionRun& run, std::int64_t row, std::int64_t column) const;
  void point(std::size_t segment) const;
  void gather() const;
  void gather_pixel(std::int64_t row, std::int64_t column, std::uint8_t* out) const;
  void gather_inside(std::int64_t row, std::int64_t first, std::int64_t last, std::uint8_t* out) const;

  const PackedConvolution& packed_;
  const ConvolutionCall& call_;
  const std::uint8_t** pointers_;  // [segment][panel_pixels]
  Interior* interiors_;            // [run]
  std::uint8_t* copies_;           // gathered pixels, or runs of pixels at the border
  Interior inside_ = {0, 0};       // output columns for which no run is assembled
  bool is_flat_;                   // a pixel reads the input's of its place alone: rows are no matter
  std::int64_t first_, row_, column_;
  std::int64_t count_ = 0;
  RunRange runs_;
};

}  // namespace itrt::kernels
