// The operators of a session that are no convolutions: a kernel's call is filled in, and threads divide the output.
#include "runtime/pool_call.h"
#include "runtime/session.h"
#include "runtime/thread_pool.h"

namespace itrt {
namespace {

// Chunks that threads take: small enough to balance, large enough that starting one costs nothing beside it.
constexpr std::int64_t element_grain = 4096;
constexpr std::int64_t row_grain = 1;
constexpr std::int64_t pool_block_grain = 32;

std::int64_t pixel_grain_of(std::int64_t channels) { return std::max<std::int64_t>(element_grain / channels, 1); }

}  // namespace

template <class Body>
void Session::each_row(plan::Rows rows, const Body& body) const {
  ThreadPool::shared().parallel_for(threads_, rows.count(), row_grain, [&](int, std::int64_t first, std::int64_t last) {
    body(rows.first + first, rows.first + last);
  });
}

template <class Body>
void Session::each_pixel(model::TensorIndex output, plan::Rows rows, const Body& body) const {
  ThreadPool::shared().parallel_for(threads_, rows.count() * size(output).width,
                                    pixel_grain_of(tensor(output).channels),
                                    [&](int, std::int64_t first, std::int64_t last) { body(first, last); });
}

kernels::AddCall Session::add_call(const model::Add& add, model::TensorIndex output, std::int64_t first_row,
                                   std::optional<model::TensorIndex> unstored) {
  for (std::size_t index = 0; index < add.inputs.size(); ++index) {
    const model::TensorIndex input = add.inputs[index];
    const std::uint8_t* const bytes = input == unstored ? nullptr : row(input, first_row);
    add_inputs_[index] = {bytes, tensor(input).zero_points.front(), add.multipliers[index]};
  }
  return {.inputs = std::span(add_inputs_).first(add.inputs.size()),
          .shift = add.shift,
          .output_zero_point = tensor(output).zero_points.front(),
          .clamp_lower = add.clamp.lower,
          .clamp_upper = add.clamp.upper,
          .output = row(output, first_row)};
}

kernels::ResizeCall Session::resize_call(const model::Resize& resize, model::TensorIndex output,
                                         std::int64_t first_row) const {
  return {.input = data(resize.input),
          .input_height = size(resize.input).height,
          .input_width = size(resize.input).width,
          .input_first_row = this->first_row(resize.input),
          .channels = tensor(output).channels,
          .output = row(output, first_row),
          .output_height = size(output).height,
          .output_width = size(output).width,
          .output_first_row = first_row,
          .alignment = resize.align_corners ? kernels::Alignment::corners : kernels::Alignment::borders};
}

void Session::run(const model::Add& add, model::TensorIndex output, plan::Rows rows, std::int64_t) {
  const kernels::AddCall call = add_call(add, output, rows.first);
  const std::int64_t elements = rows.count() * row_bytes(output);
  ThreadPool::shared().parallel_for(threads_, elements, element_grain, [&](int, std::int64_t first, std::int64_t last) {
    program_->add_kernel().run(call, first, last);
  });
}

void Session::run(const model::Resize& resize, model::TensorIndex output, plan::Rows rows, std::int64_t) {
  const kernels::ResizeCall call = resize_call(resize, output, rows.first);
  if (resize.mode == model::Resize::Mode::nearest) {
    return each_row(rows, [&](std::int64_t first, std::int64_t last) { kernels::resize_nearest(call, first, last); });
  }
  ThreadPool::shared().parallel_for(threads_, rows.count(), row_grain,
                                    [&](int thread, std::int64_t first, std::int64_t last) {
                                      kernels::ResizeCall mine = call;
                                      mine.scratch = scratch(thread);
                                      program_->resize_kernel().run(mine, rows.first + first, rows.first + last);
                                    });
}

void Session::run_joined(const model::Resize& resize, model::TensorIndex resized, const model::Add& add,
                         model::TensorIndex output, plan::Rows rows) {
  const kernels::ResizeAddCall call = {.resize = resize_call(resize, output, rows.first),
                                       .add = add_call(add, output, rows.first, resized),
                                       .resized_input = add.inputs[0] == resized ? std::size_t{0} : std::size_t{1}};
  ThreadPool::shared().parallel_for(threads_, rows.count(), row_grain,
                                    [&](int thread, std::int64_t first, std::int64_t last) {
                                      kernels::ResizeAddCall mine = call;
                                      mine.resize.scratch = scratch(thread);
                                      kernels::resize_add(program_->resize_kernel(), program_->add_kernel(), mine,
                                                          rows.first + first, rows.first + last);
                                    });
}

template <class Pool>
void Session::run_pool(const Pool& pool, model::TensorIndex output, plan::Rows rows) {
  kernels::PoolCall call = pool_call(pool, {.input = size(pool.input),
                                            .output = size(output),
                                            .channels = tensor(output).channels,
                                            .input_zero_point = tensor(pool.input).zero_points.front(),
                                            .output_zero_point = tensor(output).zero_points.front()});
  call.input = data(pool.input);
  call.input_first_row = first_row(pool.input);
  call.output = data(output);
  call.output_first_row = first_row(output);
  const std::int64_t row_blocks = call.horizontal.output * kernels::pool_blocks(call.channels);
  const std::int64_t begin = rows.first * row_blocks;
  ThreadPool::shared().parallel_for(threads_, rows.count() * row_blocks, pool_block_grain,
                                    [&](int, std::int64_t first, std::int64_t last) {
                                      program_->pool_kernel().run(call, begin + first, begin + last);
                                    });
}

void Session::run(const model::Pool& pool, model::TensorIndex output, plan::Rows rows, std::int64_t) {
  run_pool(pool, output, rows);
}

void Session::run(const model::AdaptivePool& pool, model::TensorIndex output, plan::Rows rows, std::int64_t) {
  run_pool(pool, output, rows);
}

void Session::run(const model::Lookup& lookup, model::TensorIndex output, plan::Rows rows, std::int64_t step) {
  const kernels::LookupCall call = {.input = row(lookup.input, rows.first),
                                    .channels = tensor(output).channels,
                                    .tables = lookup.table.at(step).data(),
                                    .one_table = lookup.tables == 1,
                                    .output = row(output, rows.first)};
  each_pixel(output, rows,
             [&](std::int64_t first, std::int64_t last) { program_->lookup_kernel().run(call, first, last); });
}

void Session::run(const model::Multiply& multiply, model::TensorIndex output, plan::Rows rows, std::int64_t) {
  kernels::MultiplyCall call = {.inputs = {},
                                .channels = tensor(output).channels,
                                .multiplier = multiply.multiplier,
                                .shift = multiply.shift,
                                .output_zero_point = tensor(output).zero_points.front(),
                                .clamp_lower = multiply.clamp.lower,
                                .clamp_upper = multiply.clamp.upper,
                                .output = row(output, rows.first)};
  for (std::size_t n = 0; n < call.inputs.size(); ++n) {
    const model::TensorIndex input = multiply.inputs[n];
    const bool one_pixel = size(input) != size(output);
    call.inputs[n] = {.data = one_pixel ? data(input) : row(input, rows.first),
                      .zero_point = tensor(input).zero_points.front(),
                      .one_pixel = one_pixel,
                      .one_channel = tensor(input).channels != call.channels};
  }
  each_pixel(output, rows,
             [&](std::int64_t first, std::int64_t last) { program_->multiply_kernel().run(call, first, last); });
}

void Session::run(const model::Gather& gather, model::TensorIndex output, plan::Rows rows, std::int64_t) {
  for (std::size_t index = 0; index < gather.channels.size(); ++index) {
    const model::ChannelRun& from = gather.channels[index];
    const model::TensorIndex input = gather.inputs[static_cast<std::size_t>(from.input)];
    gather_runs_[index] = {row(input, rows.first), tensor(input).channels, from.first, from.count};
  }
  const kernels::GatherCall call = {.runs = std::span(gather_runs_).first(gather.channels.size()),
                                    .channels = tensor(output).channels,
                                    .output = row(output, rows.first)};
  each_pixel(output, rows, [&](std::int64_t first, std::int64_t last) { kernels::gather(call, first, last); });
}

void Session::run(const model::Pad& pad, model::TensorIndex output, plan::Rows rows, std::int64_t) {
  constexpr kernels::PadMode modes[] = {kernels::PadMode::constant, kernels::PadMode::reflect,
                                        kernels::PadMode::replicate};  // by model::Pad::Mode
  const kernels::PadCall call = {.input = data(pad.input),
                                 .input_height = size(pad.input).height,
                                 .input_width = size(pad.input).width,
                                 .input_first_row = first_row(pad.input),
                                 .channels = tensor(output).channels,
                                 .top = pad.padding[0],
                                 .left = pad.padding[1],
                                 .mode = modes[static_cast<std::size_t>(pad.mode)],
                                 .value = tensor(output).zero_points.front(),
                                 .output = data(output),
                                 .output_width = size(output).width,
                                 .output_first_row = first_row(output)};
  each_row(rows, [&](std::int64_t first, std::int64_t last) { kernels::pad(call, first, last); });
}

void Session::run(const model::DepthToSpace& op, model::TensorIndex output, plan::Rows rows, std::int64_t) {
  const kernels::DepthToSpaceCall call = {.input = data(op.input),
                                          .input_width = size(op.input).width,
                                          .input_first_row = first_row(op.input),
                                          .block = op.block,
                                          .channels = tensor(output).channels,
                                          .output = data(output),
                                          .output_first_row = first_row(output)};
  each_row(rows, [&](std::int64_t first, std::int64_t last) { kernels::depth_to_space(call, first, last); });
}

}  // namespace itrt
