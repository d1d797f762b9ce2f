// Terms with small groups, which have kernels of their own (grouped_kernel.h): a convolution's dense terms start from
// their sums, and where there is no dense term the last of them requantizes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "kernels/convolution/convolution.h"
#include "kernels/convolution/grouped_kernel.h"

namespace itrt::kernels {

// Output pixels that share a table of pointers and the memory of their sums: few enough for the second level's cache.
// (96, for the nearest one, are too short for AMX: a sixth more time with a dense term, the same for other kernels.)
inline constexpr std::int64_t grouped_panel_pixels = 384;

struct KernelTap {
  std::int64_t row = 0, column = 0;
  bool fills_up = false;  // a list that has to be longer: it is read, and has no weights
};

// A term in the layout of its kernel.
struct PackedGroupedTerm {
  const GroupedKernel* kernel = nullptr;
  std::int64_t term = 0;  // in PackedConvolution::terms
  std::vector<KernelTap> taps;
  bool sliding = false;  // taps are the kernel's columns (see GroupedBlock)
  AlignedBuffer weights;
  std::size_t block_bytes = 0;  // of the weights, a block
  AlignedBuffer padding;        // zero points of a pixel
};

// The kernels that are compiled in, best first.
std::span<const GroupedKernel* const> grouped_kernels();

// Whether lanes of the kernel's sums are channels in their order.
inline bool is_in_order(const GroupedOutputBlock& block, const GroupedKernel& kernel) {
  return block.is_joined || block.width < kernel.width;
}

// The best kernel for `isa` or below that takes the term; null: it is multiplied as a dense one.
const GroupedKernel* select_grouped(Isa isa, const ConvolutionTerm& term, std::int64_t out_channels);

// Packs term `index` for the blocks of `packed`.
PackedGroupedTerm pack_grouped(const GroupedKernel& kernel, const PackedConvolution& packed,
                               const ConvolutionTerm& term, std::int64_t index);

// Bytes of scratch memory that a GroupedPanel uses.
std::size_t grouped_scratch_bytes(const PackedConvolution& packed);

// [pixel][stride] of some lanes.
struct LaneSums {
  const std::int32_t* first = nullptr;
  std::int64_t stride = 0;
};

// The grouped terms of a call, for one panel of output pixels after the other.
class GroupedPanel {
 public:
  // `scratch`: grouped_scratch_bytes, 64-byte aligned.
  GroupedPanel(const PackedConvolution& packed, const ConvolutionCall& call, std::byte* scratch);

  // The panel: output pixels [first, first + count), at most grouped_panel_pixels.
  void point(std::int64_t first, std::int64_t count);

  // Sums without the bias, in a block's lanes, valid until the next call. Null where no term is grouped. Blocks come in
  // their order: neighbours may be computed at once.
  LaneSums sum(const ConvolutionOutputBlock& block);

  // Writes the outputs of a block, where all terms are grouped.
  void store(std::size_t block) const;

 private:
  struct RowPart {
    std::int64_t position;  // of its first pixel, in the panel
    std::int64_t row, column, count;
  };
  template <class Body>
  void each_row_part(const Body& body) const;
  void point_term(const PackedGroupedTerm& grouped, const std::uint8_t** table) const;
  void multiply(std::size_t block, const std::int32_t* start, ConvolutionResult result) const;

  const PackedConvolution& packed_;
  const ConvolutionCall& call_;
  std::int32_t* sums_;
  const std::uint8_t** pointers_;  // [term][taps of the kernel * grouped_panel_pixels]
  std::int64_t* offsets_;          // of the taps of the term at work
  std::int64_t first_ = 0, count_ = 0;
  const GroupedOutputBlock* summed_ = nullptr;  // whose sums these are; null: not of this panel
};

// `convolve` for a convolution all of whose terms are grouped.
void convolve_grouped(const PackedConvolution& packed, const ConvolutionCall& call, std::int64_t first,
                      std::int64_t last);

}  // namespace itrt::kernels
