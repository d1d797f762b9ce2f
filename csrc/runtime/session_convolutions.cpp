// A session's convolutions: a kernel's call is filled in, and threads divide the output's pixels.
#include "kernels/convolution/convolution_add.h"
#include "runtime/session.h"
#include "runtime/thread_pool.h"

namespace itrt {
namespace {

// A chunk that a thread takes: small enough to balance, large enough that a kernel's tiles are full.
constexpr std::int64_t pixel_grain = 48;

}  // namespace

kernels::ConvolutionCall Session::convolution_call(const PreparedConvolution& convolution, model::TensorIndex output,
                                                   std::int64_t step, std::optional<std::size_t> sums) {
  const std::size_t terms = convolution.inputs.size();
  for (std::size_t term = 0; term < terms; ++term) {
    const model::TensorIndex input = convolution.inputs[term];
    convolution_inputs_[term] = {data(input), size(input).height, size(input).width, first_row(input)};
  }
  kernels::ConvolutionCall call;
  call.inputs = std::span(convolution_inputs_).first(terms);
  call.requantization = &convolution.requantization.at(step);
  if (sums) call.hoisted = sums_[*sums];
  call.output = data(output);
  call.output_height = size(output).height;
  call.output_width = size(output).width;
  call.output_first_pixel = first_row(output) * call.output_width;
  return call;
}

template <class Body>
void Session::each_tile(model::TensorIndex output, plan::Rows rows, const Body& body) const {
  const std::int64_t width = size(output).width, begin = rows.first * width;
  ThreadPool::shared().parallel_for(
      threads_, rows.count() * width, pixel_grain,
      [&](int thread, std::int64_t first, std::int64_t last) { body(thread, begin + first, begin + last); });
}

// What the block's convolutions add up in the same way in every iteration.
void Session::hoist(const Interruption* interruption) {
  for (const FusedOperator& fused : schedule_.sections[static_cast<std::size_t>(Section::block)].operators) {
    if (!fused.sums) continue;
    throw_if_due(interruption);
    const model::TensorIndex output = fused.op->output;
    const auto& convolution = std::get<PreparedConvolution>(fused.first().body);
    const kernels::ConvolutionCall call = convolution_call(convolution, output, 0, std::nullopt);
    each_tile(output, {0, size(output).height}, [&](int thread, std::int64_t first, std::int64_t last) {
      kernels::ConvolutionCall mine = call;
      mine.scratch = scratch(thread);
      kernels::convolve_hoisted(convolution.packed.at(0), mine, sums_[*fused.sums], first, last);
    });
  }
}

void Session::run(const PreparedConvolution& convolution, const FusedOperator& fused, plan::Rows rows,
                  std::int64_t step) {
  const kernels::ConvolutionCall call = convolution_call(convolution, fused.op->output, step, fused.sums);
  each_tile(fused.op->output, rows, [&](int thread, std::int64_t first, std::int64_t last) {
    kernels::ConvolutionCall mine = call;
    mine.scratch = scratch(thread);
    kernels::convolve(convolution.packed.at(step), mine, first, last);
  });
}

void Session::run_joined(const PreparedConvolution& convolution, const FusedOperator& fused, plan::Rows rows,
                         std::int64_t step) {
  const model::TensorIndex convolved = fused.joined->output, output = fused.op->output;
  const auto& add = std::get<model::Add>(fused.op->body);
  const kernels::ConvolutionAddCall call = {
      .convolution = convolution_call(convolution, output, step, fused.sums),
      .add = add_call(add, output, rows.first, convolved),
      .first_pixel = rows.first * size(output).width,
      .convolved_input = add.inputs[0] == convolved ? std::size_t{0} : std::size_t{1}};
  each_tile(output, rows, [&](int thread, std::int64_t first, std::int64_t last) {
    kernels::ConvolutionAddCall mine = call;
    mine.convolution.scratch = scratch(thread);
    kernels::convolve_add(convolution.packed.at(step), program_->add_kernel(), mine, first, last);
  });
}

}  // namespace itrt
