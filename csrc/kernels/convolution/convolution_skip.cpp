#include "kernels/convolution/convolution_skip.h"

#include <algorithm>

#include "kernels/convolution/convolution_run.h"

namespace itrt::kernels {

RunRange runs_of_row(const PackedConvolution& packed, const ConvolutionCall& call, std::int64_t row) {
  const RunRange all = {0, packed.segment_count};
  if (packed.run_starts.size() == 0) return all;
  const auto is_inside = [&](const ConvolutionRun& run) {
    const auto term = static_cast<std::size_t>(run.term);
    const std::int64_t in_row = input_row(run, packed.terms[term], row);
    return in_row >= 0 && in_row < call.inputs[term].height;
  };
  // Runs are in the order of kernel rows: those inside are neighbours.
  const auto first = std::find_if(packed.runs.begin(), packed.runs.end(), is_inside);
  if (first == packed.runs.end()) return {0, 1};
  const auto last = std::find_if_not(first, packed.runs.end(), is_inside);
  return {first - packed.runs.begin(), last - first};
}

std::int64_t rows_alike(const PackedConvolution& packed, const ConvolutionCall& call, std::int64_t row,
                        std::int64_t last) {
  if (packed.run_starts.size() == 0) return last - row;
  const RunRange runs = runs_of_row(packed, call, row);
  std::int64_t next = row + 1;
  while (next < last && runs_of_row(packed, call, next) == runs) ++next;
  return next - row;
}

const std::int32_t* SkippedStart::of(const RunRange& runs) {
  if (packed_.run_starts.size() == 0 || runs.count == packed_.segment_count) return start_;
  if (runs == runs_) return lanes_;
  runs_ = runs;
  std::copy_n(start_, packed_.lanes, lanes_);
  for (std::int64_t run = 0; run < packed_.segment_count; ++run) {
    if (run >= runs.first && run < runs.first + runs.count) continue;
    const std::int32_t* starts = packed_.run_starts.as<std::int32_t>() + run * packed_.lanes;
    for (std::int64_t lane = 0; lane < packed_.lanes; ++lane) lanes_[lane] -= starts[lane];
  }
  return lanes_;
}

void restrict_to(const RunRange& runs, const PackedConvolution& packed, ConvolutionBlock& block) {
  std::int64_t quads = 0;
  for (std::int64_t run = 0; run < runs.first; ++run) quads += block.segments[run].quads;
  block.weights += quads * block.width * packed.kernel->bytes_a_quad;
  block.segments += runs.first;
  block.segment_count = runs.count;
}

}  // namespace itrt::kernels
