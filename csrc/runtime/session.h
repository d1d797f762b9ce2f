// One run of a program on images of one size: the arena and the loop. Mutable; one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/function_ref.h"
#include "model/sizes.h"
#include "runtime/program.h"

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
// Whether operators that can be computed in one are (PreparedOperator::joins_next). Without it every tensor of the
// program exists at its time, for taps.
enum class Fusion { off, on };

MemoryPlan plan_memory(const Program& program, model::Size image, Fusion fusion = Fusion::on);

class Session {
 public:
  // Called with every tensor right after the operator that wrote it; with fusion those alone that are written.
  using Tap = FunctionRef<void(const TensorView&)>;

  // Allocates all memory of all runs. Throws InvalidArgument where the program does not fit the image size.
  Session(std::shared_ptr<const Program> program, model::Size image, int threads, Fusion fusion = Fusion::on);

  // Take an image, (height, width, channels) u8, and run the stem.
  void start(std::span<const std::uint8_t> image, const Tap* tap = nullptr);

  // Run the block once. Throws InvalidArgument past max_iterations.
  void iterate(const Tap* tap = nullptr);

  // Run the head on the state; the view is valid until the next call.
  TensorView answer(const Tap* tap = nullptr);

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
  std::byte* scratch(int thread) const;
  void run(const std::vector<PreparedOperator>& operators, std::int64_t step, const Tap* tap);
  void run(const PreparedConvolution& convolution, model::TensorIndex output, std::int64_t step);
  void run(const model::Add& add, model::TensorIndex output, std::int64_t step);
  void run(const model::Resize& resize, model::TensorIndex output, std::int64_t step);
  void run_joined(const model::Resize& resize, model::TensorIndex resized, const model::Add& add,
                  model::TensorIndex output);
  kernels::AddCall add_call(const model::Add& add, model::TensorIndex output);
  kernels::ResizeCall resize_call(const model::Resize& resize, model::TensorIndex output) const;

  std::shared_ptr<const Program> program_;
  int threads_;
  Fusion fusion_;
  std::vector<model::Size> sizes_;
  std::int64_t arena_bytes_ = 0;
  std::int64_t scratch_bytes_ = 0;
  bool copies_state_ = false;
  AlignedBuffer memory_;                // the arena, then a scratch a thread
  std::vector<std::uint8_t*> tensors_;  // where each tensor lies
  std::vector<kernels::ConvolutionInput>
      convolution_inputs_;  // room for the widest operator, so that a run allocates nothing
  std::vector<kernels::AddInput> add_inputs_;
  std::int64_t iterations_done_ = 0;
  bool started_ = false;
};

}  // namespace itrt
