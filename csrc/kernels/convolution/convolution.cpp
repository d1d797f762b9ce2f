// The driver: a panel of output pixels at a time, then every block of output channels over the panel, so that a block's
// weights stay in the nearest cache for all the panel's pixels.
#include "kernels/convolution/convolution.h"

#include <algorithm>

#include "base/checked.h"
#include "kernels/convolution/convolution_block.h"
#include "kernels/convolution/convolution_by_run.h"
#include "kernels/convolution/convolution_kernel.h"
#include "kernels/convolution/convolution_panel.h"
#include "kernels/convolution/convolution_skip.h"
#include "kernels/convolution/convolution_sums.h"
#include "kernels/convolution/grouped.h"
#include "kernels/convolution/prepared_thread.h"
#include "kernels/convolution/stem.h"
#include "kernels/convolution/stem_kernel.h"
#include "kernels/select.h"

namespace itrt::kernels {
namespace {

constexpr const ConvolutionKernel* rows[] = {
#if defined(ITRT_X86)
    &convolution_amx_int8, &convolution_avx512_vnni, &convolution_avx_vnni, &convolution_avx2,
#elif defined(ITRT_ARM)
    &convolution_neon_i8mm,
    &convolution_neon_dot,
#endif
    &convolution_portable,
};

// The scratch memory of grouped terms lies behind the panel's.
std::size_t grouped_scratch_offset(const PackedConvolution& packed) {
  return static_cast<std::size_t>(round_up(static_cast<std::int64_t>(panel_bytes(packed)), cache_line));
}

// And behind that the sums' start where runs are skipped.
std::size_t start_scratch_offset(const PackedConvolution& packed) {
  const std::size_t end = grouped_scratch_offset(packed) + grouped_scratch_bytes(packed);
  return static_cast<std::size_t>(round_up(static_cast<std::int64_t>(end), cache_line));
}

// And behind that the sums of runs.
std::size_t sums_scratch_offset(const PackedConvolution& packed) {
  const std::size_t end = start_scratch_offset(packed) + static_cast<std::size_t>(packed.lanes) * sizeof(std::int32_t);
  return static_cast<std::size_t>(round_up(static_cast<std::int64_t>(end), cache_line));
}

// Output pixels of a panel, at most.
std::int64_t panel_limit(const PackedConvolution& packed, bool by_run) {
  if (!packed.grouped.empty()) return grouped_panel_pixels;
  return by_run ? panel_pixels - pixel_granule : panel_pixels;
}

// Block `index` over a panel of `pixels` output pixels from `first` on.
ConvolutionBlock block_over(const Panel& panel, const PackedConvolution& packed, const ConvolutionCall& call,
                            std::size_t index, std::int64_t first, std::int64_t pixels) {
  ConvolutionBlock block = output_block(packed, call, index, first);
  block.pointers = panel.pointers();
  block.pointer_stride = panel_pixels;
  block.pixels = pixels;
  return block;
}

}  // namespace

std::size_t scratch_bytes(const PackedConvolution& packed) {
  if (packed.stem) return stem_scratch_bytes(packed);
  if (packed.segment_count == 0) return grouped_scratch_bytes(packed);
  return sums_scratch_offset(packed) + sums_by_run_bytes(packed);
}

void convolve(const PackedConvolution& packed, const ConvolutionCall& call, std::int64_t first, std::int64_t last) {
  if (packed.stem) return convolve_stem(packed, call, first, last);
  if (packed.segment_count == 0) return convolve_grouped(packed, call, first, last);
  const std::int64_t hoisted_runs = call.hoisted != nullptr ? packed.hoisted_runs : 0;
  Panel panel(packed, call, {hoisted_runs, packed.segment_count - hoisted_runs}, first);
  GroupedPanel grouped(packed, call, call.scratch + grouped_scratch_offset(packed));
  SkippedStart start(packed, call.requantization->lanes.as<std::int32_t>(),
                     reinterpret_cast<std::int32_t*>(call.scratch + start_scratch_offset(packed)));
  const SumsByRun sums(packed, call, reinterpret_cast<std::int32_t*>(call.scratch + sums_scratch_offset(packed)));
  const bool by_run = pays_by_run(packed, call);
  const PreparedThread prepared(*packed.kernel);
  while (first < last) {
    const std::int64_t pixels = panel.fill(std::min(last, first + panel_limit(packed, by_run)));
    const std::int32_t* const lanes = start.of(by_run ? RunRange{} : panel.runs());
    grouped.point(first, pixels);
    for (std::size_t b = 0; b < packed.blocks.size(); ++b) {
      ConvolutionBlock block = block_over(panel, packed, call, b, first, pixels);
      block.start = lanes + packed.blocks[b].first_lane;
      if (call.hoisted != nullptr) {  // then no term is grouped, and there is more than one: not by run
        block.initial = call.hoisted + first * packed.lanes + packed.blocks[b].first_lane;
        block.initial_stride = packed.lanes;
      } else if (by_run) {
        block.initial = sums.of(panel, first, block, packed.blocks[b].first_lane);
        block.initial_stride = block.width;
      } else {
        const LaneSums given = grouped.sum(packed.blocks[b]);
        block.initial = given.first;
        block.initial_stride = given.stride;
      }
      restrict_to(by_run ? RunRange{} : panel.runs(), packed, block);
      if (block.result == ConvolutionResult::sum) {
        run_by_sums(packed, *call.requantization, b, block);
      } else {
        packed.kernel->run(block);
      }
    }
    first += pixels;
  }
}

void convolve_hoisted(const PackedConvolution& packed, const ConvolutionCall& call, std::int32_t* sums,
                      std::int64_t first, std::int64_t last) {
  if (packed.hoisted_runs == 0) return;
  const RunRange runs = {0, packed.hoisted_runs};
  Panel panel(packed, call, runs, first);
  auto* const zeros = reinterpret_cast<std::int32_t*>(call.scratch + start_scratch_offset(packed));
  std::fill_n(zeros, packed.lanes, 0);
  const PreparedThread prepared(*packed.kernel);
  while (first < last) {
    const std::int64_t pixels = panel.fill(last);
    for (std::size_t b = 0; b < packed.blocks.size(); ++b) {
      ConvolutionBlock block = block_over(panel, packed, call, b, first, pixels);
      block.start = zeros + packed.blocks[b].first_lane;
      block.result = ConvolutionResult::sum;
      block.output = sums + first * packed.lanes + packed.blocks[b].first_lane;
      block.output_stride = packed.lanes;
      restrict_to(runs, packed, block);
      packed.kernel->run(block);
    }
    first += pixels;
  }
}

std::vector<std::string> kernel_names(const PackedConvolution& packed) {
  std::vector<std::string> names;
  for (const PackedGroupedTerm& grouped : packed.grouped) names.emplace_back(grouped.kernel->name);
  if (packed.stem) {
    names.emplace_back(packed.kernel->stem->name);
  } else if (packed.segment_count > 0) {
    names.emplace_back(packed.kernel->name);
  }
  return names;
}

std::span<const ConvolutionKernel* const> convolution_kernels() { return rows; }

const ConvolutionKernel& select_convolution(Isa isa) { return best_of<ConvolutionKernel>(rows, isa); }

}  // namespace itrt::kernels
