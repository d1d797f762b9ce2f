#include "kernels/convolution/convolution_by_run.h"

#include <algorithm>

#include "base/checked.h"
#include "kernels/convolution/convolution_run.h"
#include "kernels/convolution/convolution_skip.h"

namespace itrt::kernels {
namespace {

// What it takes to load and store a tile's sums, in quads.
constexpr std::int64_t pass_quads = 16;
// Weights that the second level's cache keeps from one tile to the next, beside inputs and sums; in most CPUs it has
// 1 MB or more. Tiles that wait for larger ones took 1.8 times as long.
constexpr std::int64_t cached_bytes = 512 << 10;

bool may_go_by_run(const PackedConvolution& packed) { return packed.run_starts.size() > 0 && packed.grouped.empty(); }

std::int64_t largest_width(const PackedConvolution& packed) {
  std::int64_t width = 0;
  for (const ConvolutionOutputBlock& block : packed.blocks) width = std::max(width, block.width);
  return width;
}

// Output columns for which a run is multiplied: of a single tap, those at which it lies inside the image's rows.
Interior columns_of(const ConvolutionRun& run, const PackedConvolution& packed, const ConvolutionCall& call) {
  if (run.taps > 1) return {0, call.output_width};
  const auto term = static_cast<std::size_t>(run.term);
  const Interior inside = interior(run, packed.terms[term], call.inputs[term]);
  const std::int64_t first = std::min(inside.first, call.output_width);
  return {first, std::clamp(inside.last, first, call.output_width)};
}

// Calls body(position, count) for the parts of a panel's rows that lie in some columns; for the panel as a whole where
// it all does.
template <class Body>
void each_part(std::int64_t first, std::int64_t pixels, std::int64_t width, const Interior& columns, const Body& body) {
  if (columns.first == 0 && columns.last == width) return body(std::int64_t{0}, pixels);
  for (std::int64_t position = 0, column = first % width; position < pixels; column = 0) {
    const std::int64_t count = std::min(width - column, pixels - position);
    const std::int64_t begin = std::clamp(columns.first, column, column + count);
    const std::int64_t end = std::clamp(columns.last, begin, column + count);
    if (begin < end) body(position + begin - column, end - begin);
    position += count;
  }
}

}  // namespace

std::size_t sums_by_run_bytes(const PackedConvolution& packed) {
  if (!may_go_by_run(packed)) return 0;
  return static_cast<std::size_t>(panel_pixels * largest_width(packed)) * sizeof(std::int32_t);
}

bool pays_by_run(const PackedConvolution& packed, const ConvolutionCall& call) {
  if (!may_go_by_run(packed)) return false;
  std::int64_t all_quads = 0, by_run = 0;
  for (std::size_t r = 0; r < packed.runs.size(); ++r) {
    const Interior columns = columns_of(packed.runs[r], packed, call);
    const std::int64_t quads = packed.segments[r].quads;
    all_quads += quads;
    by_run += round_up(columns.last - columns.first, packed.kernel->tile_pixels) * (quads + pass_quads);
  }
  const bool is_cached = all_quads * packed.kernel->bytes_a_quad * largest_width(packed) <= cached_bytes;
  return by_run < call.output_width * all_quads * (is_cached ? 2 : 3) / 2;
}

const std::int32_t* SumsByRun::of(const Panel& panel, std::int64_t first, const ConvolutionBlock& block,
                                  std::int64_t first_lane) const {
  std::fill_n(sums_, block.pixels * block.width, 0);
  const RunRange& runs = panel.runs();
  for (std::int64_t r = runs.first; r < runs.first + runs.count; ++r) {
    const ConvolutionRun& run = packed_.runs[static_cast<std::size_t>(r)];
    ConvolutionBlock part = block;
    restrict_to({r, 1}, packed_, part);
    part.start = packed_.run_starts.as<std::int32_t>() + r * packed_.lanes + first_lane;
    part.result = ConvolutionResult::sum;
    part.output_stride = part.initial_stride = block.width;
    const std::uint8_t* const* pointers = panel.pointers() + (r - runs.first) * panel_pixels;
    const Interior columns = columns_of(run, packed_, call_);
    each_part(first, block.pixels, call_.output_width, columns, [&](std::int64_t position, std::int64_t count) {
      part.pointers = pointers + position;
      part.pixels = count;
      part.initial = sums_ + position * block.width;
      part.output = sums_ + position * block.width;
      packed_.kernel->run(part);
    });
  }
  return sums_;
}

}  // namespace itrt::kernels
