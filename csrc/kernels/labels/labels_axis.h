// How the outputs of an axis lie among its inputs (docs/numerics.md, bilinear resize):
//
//      inputs        0       1       2          Outputs to which one input alone gives weight lie ON it, the others
//      outputs   · · · · · · · · · · · ·        BETWEEN two. So the outputs are a sequence of RUNS, some of them empty:
//      runs      0   1       3       5          on 0, between 0 and 1, on 1, between 1 and 2, ...
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace itrt::kernels {

// [first, last)
struct OutputSpan {
  std::int64_t first = 0, last = 0;
  std::int64_t size() const { return last - first; }
};

class LabelsAxis {
 public:
  LabelsAxis(std::int64_t input_size, std::int64_t output_size);

  std::int64_t input_size() const { return static_cast<std::int64_t>(edges_.size() / 2); }
  std::int64_t output_size() const { return static_cast<std::int64_t>(weights_.size()); }
  std::int64_t run_count() const { return static_cast<std::int64_t>(shapes_.size()); }

  OutputSpan run(std::int64_t run) const { return {edges()[run], edges()[run + 1]}; }

  // The run on an input, or between it and the next one.
  static std::int64_t run_of(std::int64_t input, bool between) { return 2 * input + between; }

  // The inputs of a run; the same where it lies on one.
  static std::int64_t lower_input(std::int64_t run) { return run / 2; }
  static std::int64_t upper_input(std::int64_t run) { return (run + 1) / 2; }

  // Runs of equal shape have equal sizes and weights.
  std::int32_t shape(std::int64_t run) const { return shapes_[static_cast<std::size_t>(run)]; }

  // Where the runs begin, and behind them the output's size.
  const std::int32_t* edges() const { return edges_.data(); }

  // For every output the weight of its lower input, and in the upper 16 bits that of the upper one; together 128. Where
  // both are the same input, half is given to each, so that no weight is 128.
  const std::uint32_t* weights() const { return weights_.data(); }

 private:
  std::vector<std::int32_t> edges_, shapes_;
  std::vector<std::uint32_t> weights_;
};

}  // namespace itrt::kernels
