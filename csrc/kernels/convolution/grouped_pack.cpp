// Packing of terms with small groups: which kernel takes a term, its taps in the kernel's order, its weights.
#include <algorithm>

#include "kernels/convolution/grouped.h"

namespace itrt::kernels {
namespace {

constexpr const GroupedKernel* rows[] = {
#if defined(ITRT_X86)
    &depthwise_avx512_vnni,    &groups_of_4_avx512_vnni, &groups_of_8_avx512_vnni,
    &groups_of_16_avx512_vnni, &depthwise_avx2,
#endif
    &depthwise_portable,
};

const std::int8_t* tap_weight(const ConvolutionTerm& term, std::int64_t channel, const KernelTap& tap) {
  const std::int64_t row = channel * term.kernel_height + tap.row;
  return term.weight.data() + (row * term.kernel_width + tap.column) * (term.in_channels / term.groups);
}

bool has_weights(const ConvolutionTerm& term, const KernelTap& tap) {
  for (std::int64_t channel = 0; channel < term.in_channels; ++channel) {
    const std::int8_t* weight = tap_weight(term, channel, tap);
    if (std::any_of(weight, weight + term.in_channels / term.groups, [](std::int8_t w) { return w != 0; })) return true;
  }
  return false;
}

// The kernel's columns, one after the other, each filled up to taps_together rows.
std::vector<KernelTap> list_columns(const GroupedKernel& kernel, const ConvolutionTerm& term) {
  std::vector<KernelTap> taps;
  for (std::int64_t column = 0; column < term.kernel_width; ++column) {
    for (std::int64_t row = 0; row < kernel.taps_together; ++row) {
      const bool exists = row < term.kernel_height;
      taps.push_back({exists ? row : 0, column, !exists});
    }
  }
  return taps;
}

// The taps that have a weight other than zero, filled up to a multiple of taps_together.
std::vector<KernelTap> list_taps(const GroupedKernel& kernel, const ConvolutionTerm& term) {
  std::vector<KernelTap> taps;
  for (std::int64_t row = 0; row < term.kernel_height; ++row) {
    for (std::int64_t column = 0; column < term.kernel_width; ++column) {
      if (has_weights(term, {row, column})) taps.push_back({row, column});
    }
  }
  while (static_cast<std::int64_t>(taps.size()) % kernel.taps_together) taps.push_back({.fills_up = true});
  return taps;
}

// values[tap][input channel of the kernel's group][channel of the block] (GroupedKernel::pack).
std::vector<std::int8_t> block_values(const GroupedKernel& kernel, const ConvolutionTerm& term,
                                      const GroupedOutputBlock& block, const std::vector<KernelTap>& taps) {
  const std::int64_t group = term.in_channels / term.groups;
  std::vector<std::int8_t> values(taps.size() * static_cast<std::size_t>(kernel.group * kernel.width));
  for (std::size_t t = 0; t < taps.size(); ++t) {
    for (std::int64_t c = 0; !taps[t].fills_up && c < block.channels; ++c) {
      const std::int64_t channel = block.first_channel + c;
      const std::int8_t* weight = tap_weight(term, channel, taps[t]);
      const std::int64_t first = channel % kernel.group / group * group;  // of its group, in the kernel's
      for (std::int64_t i = 0; i < group; ++i) {
        const std::int64_t input = static_cast<std::int64_t>(t) * kernel.group + first + i;
        values[static_cast<std::size_t>(input * kernel.width + c)] = weight[i];
      }
    }
  }
  return values;
}

}  // namespace

std::span<const GroupedKernel* const> grouped_kernels() { return rows; }

const GroupedKernel* select_grouped(Isa isa, const ConvolutionTerm& term, std::int64_t out_channels) {
  if (term.groups == 1 || term.in_channels != out_channels) return nullptr;
  for (const GroupedKernel* kernel : rows) {
    if (includes(isa, kernel->isa) && kernel->group % (term.in_channels / term.groups) == 0) return kernel;
  }
  return nullptr;
}

PackedGroupedTerm pack_grouped(const GroupedKernel& kernel, const PackedConvolution& packed,
                               const ConvolutionTerm& term, std::int64_t index) {
  PackedGroupedTerm grouped;
  grouped.kernel = &kernel;
  grouped.term = index;
  grouped.sliding = term.stride_width == 1 && term.dilation_width == 1 && term.kernel_width == kernel.slide_columns &&
                    term.kernel_height > 1 && term.kernel_height <= kernel.taps_together;
  grouped.taps = grouped.sliding ? list_columns(kernel, term) : list_taps(kernel, term);

  const std::int64_t taps = static_cast<std::int64_t>(grouped.taps.size());
  const std::int64_t weights = taps * kernel.group * kernel.width;
  const std::size_t bytes = static_cast<std::size_t>(weights * kernel.bytes_a_weight);
  grouped.block_bytes = (bytes + cache_line - 1) / cache_line * cache_line;
  grouped.weights = AlignedBuffer(grouped.block_bytes * packed.grouped_blocks.size());
  for (std::size_t b = 0; b < packed.grouped_blocks.size(); ++b) {
    const GroupedOutputBlock& block = packed.grouped_blocks[b];
    const std::vector<std::int8_t> values = block_values(kernel, term, block, grouped.taps);
    kernel.pack(values.data(), taps, is_in_order(block, kernel), grouped.weights.data() + b * grouped.block_bytes);
  }

  grouped.padding = AlignedBuffer(static_cast<std::size_t>(term.in_channels) + input_slack);
  for (std::size_t c = 0; c < static_cast<std::size_t>(term.in_channels); ++c) {
    grouped.padding.as<std::uint8_t>()[c] = term.zero_points[term.zero_points.size() == 1 ? 0 : c];
  }
  return grouped;
}

}  // namespace itrt::kernels
