// One run of a program on images of one size: the arena and the loop. Mutable; one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/function_ref.h"
#include "kernels/rearrange/rearrange.h"
#include "model/sizes.h"
#include "runtime/interruption.h"
#include "runtime/program.h"
#include "runtime/schedule.h"

namespace itrt {

// A tensor's bytes, (height, width, channels), valid during the call that gives it.
struct TensorView {
  model::TensorIndex index = 0;
  model::Size size;
  std::int64_t channels = 0;
  std::span<const std::uint8_t> bytes;
};

// What the arena of a program would be for an image size.
struct MemoryPlan {
  std::int64_t arena_bytes = 0;    // tensors
  std::int64_t scratch_bytes = 0;  // kernels' work space, a thread
};

// Throws InvalidArgument where the program does not fit the image size, or the stripes not the program.
MemoryPlan plan_memory(const Program& program, model::Size image, Fusion fusion = Fusion::on,
                       std::span<const Stripe> stripes = {});

class Session {
 public:
  // Called with every tensor right after the operator that wrote it, or the last one of its stripes. With fusion those
  // alone that are written, with stripes those alone that are stored whole.
  using Tap = FunctionRef<void(const TensorView&)>;

  // Allocates all memory of all runs. Throws what plan_memory throws.
  Session(std::shared_ptr<const Program> program, model::Size image, int threads, Fusion fusion = Fusion::on,
          std::span<const Stripe> stripes = {});

  // Take an image, (height, width, channels) u8, and run the stem. Where it is interrupted it throws Cancelled, and the
  // session needs an image again.
  void start(std::span<const std::uint8_t> image, const Tap* tap = nullptr, const Interruption* interruption = nullptr);

  // Mix a state into the stem's, once the image is there: that of another run of the size. With w = weight, an element
  // becomes ((256 - w) * stem's + w * other + 128) >> 8. Iterations then take the constants of first_step,
  // first_step + 1, ...; where these end, the last ones again. Throws InvalidArgument for a state of another size, a
  // weight that is not 0 to 256, a step that is none, a network without a loop, or too late.
  void mix_state(std::span<const std::uint8_t> other, std::int64_t weight, std::int64_t first_step);

  // The state; the view is valid until the next call. Throws InvalidArgument for a network without a loop.
  TensorView state() const;

  // Run the block once. Throws InvalidArgument past max_iterations. Where it is interrupted it throws Cancelled, and
  // the session is as it was before: an iteration is done or was never begun.
  void iterate(const Tap* tap = nullptr, const Interruption* interruption = nullptr);

  // Run the head on the state. The logits are written to `logits`, which has bytes for them, and are valid as long as
  // it is; without it to the session's memory, and are valid until the next call.
  TensorView answer(const Tap* tap = nullptr, std::uint8_t* logits = nullptr);

  model::Size logits_size() const { return size(program_->model().logits); }
  std::int64_t classes() const { return tensor(program_->model().logits).channels; }
  std::int64_t iterations_done() const { return iterations_done_; }
  std::int64_t arena_bytes() const { return arena_bytes_; }
  model::Size image_size() const { return sizes_[static_cast<std::size_t>(program_->model().image)]; }

 private:
  TensorView view(model::TensorIndex index) const;
  std::uint8_t* data(model::TensorIndex index) const { return tensors_[static_cast<std::size_t>(index)]; }
  model::Size size(model::TensorIndex index) const { return sizes_[static_cast<std::size_t>(index)]; }
  const model::Tensor& tensor(model::TensorIndex index) const {
    return program_->model().tensors[static_cast<std::size_t>(index)];
  }
  // The row that `data` points to: 0, but of a tensor in a line buffer.
  std::int64_t first_row(model::TensorIndex index) const { return first_rows_[static_cast<std::size_t>(index)]; }
  std::int64_t row_bytes(model::TensorIndex index) const { return size(index).width * tensor(index).channels; }
  std::uint8_t* row(model::TensorIndex index, std::int64_t row) const {
    return data(index) + (row - first_row(index)) * row_bytes(index);
  }
  std::byte* scratch(int thread) const;

  // The constants that an iteration takes.
  std::int64_t step_of(std::int64_t iteration) const;
  TensorView loop_state() const { return view(*program_->model().state); }
  void run_block(const Tap* tap, const Interruption* interruption);
  void run(Section section, std::int64_t step, const Tap* tap, const Interruption* interruption = nullptr);
  void run_stripes(const SectionSchedule& section, const StripedOperators& striped, std::int64_t step, const Tap* tap,
                   const Interruption* interruption);
  void move_halos(const StripedOperators& striped, std::size_t stripe);
  // `sums`: FusedOperator::sums.
  kernels::ConvolutionCall convolution_call(const PreparedConvolution& convolution, model::TensorIndex output,
                                            std::int64_t step, std::optional<std::size_t> sums);
  void hoist(const Interruption* interruption);
  // These compute rows [rows.first, rows.last) of the output.
  void run(const FusedOperator& fused, plan::Rows rows, std::int64_t step);
  // body(thread, first pixel, last pixel) of the whole output: convolutions count them so.
  template <class Body>
  void each_tile(model::TensorIndex output, plan::Rows rows, const Body& body) const;
  void run(const PreparedConvolution& convolution, const FusedOperator& fused, plan::Rows rows, std::int64_t step);
  void run(const model::Add& add, model::TensorIndex output, plan::Rows rows, std::int64_t step);
  void run(const model::Resize& resize, model::TensorIndex output, plan::Rows rows, std::int64_t step);
  void run(const model::Pool& pool, model::TensorIndex output, plan::Rows rows, std::int64_t step);
  void run(const model::AdaptivePool& pool, model::TensorIndex output, plan::Rows rows, std::int64_t step);
  void run(const model::Lookup& lookup, model::TensorIndex output, plan::Rows rows, std::int64_t step);
  void run(const model::Multiply& multiply, model::TensorIndex output, plan::Rows rows, std::int64_t step);
  void run(const model::Gather& gather, model::TensorIndex output, plan::Rows rows, std::int64_t step);
  void run(const model::Pad& pad, model::TensorIndex output, plan::Rows rows, std::int64_t step);
  void run(const model::DepthToSpace& op, model::TensorIndex output, plan::Rows rows, std::int64_t step);
  template <class Pool>
  void run_pool(const Pool& pool, model::TensorIndex output, plan::Rows rows);
  void run_joined(const model::Resize& resize, model::TensorIndex resized, const model::Add& add,
                  model::TensorIndex output, plan::Rows rows);
  void run_joined(const PreparedConvolution& convolution, const FusedOperator& fused, plan::Rows rows,
                  std::int64_t step);
  // What these read and write element by element begins at `first_row`. `unstored`: an input without memory.
  kernels::AddCall add_call(const model::Add& add, model::TensorIndex output, std::int64_t first_row,
                            std::optional<model::TensorIndex> unstored = std::nullopt);
  kernels::ResizeCall resize_call(const model::Resize& resize, model::TensorIndex output, std::int64_t first_row) const;
  // Threads divide rows, or the pixels of them: body(first row, last row), body(first pixel, last pixel) of `rows`.
  template <class Body>
  void each_row(plan::Rows rows, const Body& body) const;
  template <class Body>
  void each_pixel(model::TensorIndex output, plan::Rows rows, const Body& body) const;

  std::shared_ptr<const Program> program_;
  int threads_;
  Schedule schedule_;
  std::vector<model::Size> sizes_;
  std::int64_t arena_bytes_ = 0;
  std::int64_t scratch_bytes_ = 0;
  bool copies_state_ = false;
  AlignedBuffer memory_;                // the arena, then a scratch a thread
  std::vector<std::uint8_t*> tensors_;  // where each tensor lies
  std::vector<std::int32_t*> sums_;     // and what is hoisted: FusedOperator::sums
  std::vector<std::int64_t> first_rows_;
  std::vector<kernels::ConvolutionInput>
      convolution_inputs_;  // room for the widest operator, so that a run allocates nothing
  std::vector<kernels::AddInput> add_inputs_;
  std::vector<kernels::GatherRun> gather_runs_;
  std::vector<std::uint8_t> kept_state_;  // of before an iteration that may be interrupted; empty until the first one
  std::int64_t first_step_ = 0;
  std::int64_t iterations_done_ = 0;
  bool started_ = false;
};

}  // namespace itrt
