// A program that is ready to run on this CPU: kernels selected, weights packed. Immutable; sessions and threads share
// it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "base/isa.h"
#include "kernels/add/add.h"
#include "kernels/convolution/convolution.h"
#include "kernels/labels/labels.h"
#include "kernels/lookup/lookup.h"
#include "kernels/multiply/multiply.h"
#include "kernels/pool/pool.h"
#include "kernels/resize/resize.h"
#include "model/program.h"

namespace itrt {

// A value of each step, or one for all.
template <class T>
class PerStep {
 public:
  void push_back(T value) { values_.push_back(std::move(value)); }
  const T& at(std::int64_t step) const { return values_[values_.size() > 1 ? static_cast<std::size_t>(step) : 0]; }
  const std::vector<T>& values() const { return values_; }

 private:
  std::vector<T> values_;
};

// Which loop-invariant terms are summed up once, before the loop, where kernels can.
enum class Hoisting {
  none,
  where_it_pays,  // where a sum that is read back in every iteration costs less than multiplying for it
  all,
};

struct PreparedConvolution {
  std::vector<model::TensorIndex> inputs;  // one a term; those of hoisted terms come first
  std::int64_t hoisted_terms = 0;
  PerStep<kernels::PackedConvolution> packed;
  PerStep<kernels::PackedRequantization> requantization;
};

// An operator with everything that does not depend on the image.
struct PreparedOperator {
  std::string name;
  model::TensorIndex output = 0;
  std::variant<PreparedConvolution, model::Add, model::Resize, model::Pool, model::AdaptivePool, model::Lookup,
               model::Multiply, model::Gather, model::Pad, model::DepthToSpace>
      body;
  // A bilinear resize or a convolution whose only reader is the next operator, an addition of two tensors, which can
  // compute it on the way.
  bool joins_next = false;
};

class Program {
 public:
  // Throws ModelFileError for a bad file, InvalidArgument for an unknown or unsupported `isa`.
  static std::shared_ptr<const Program> load(std::span<const std::uint8_t> file,
                                             std::optional<std::string_view> isa = std::nullopt,
                                             Hoisting hoisting = Hoisting::where_it_pays);

  // Without the weights, biases and scales of its convolutions: they live in the prepared operators.
  const model::Program& model() const { return model_; }
  Isa isa() const { return isa_; }
  std::int64_t weight_bytes() const { return weight_bytes_; }  // of weights, biases, scales and tables, as in the file

  const std::vector<PreparedOperator>& stem() const { return stem_; }
  const std::vector<PreparedOperator>& block() const { return block_; }
  const std::vector<PreparedOperator>& head() const { return head_; }

  const kernels::AddKernel& add_kernel() const { return kernels::select_add(isa_); }
  const kernels::LookupKernel& lookup_kernel() const { return kernels::select_lookup(isa_); }
  const kernels::MultiplyKernel& multiply_kernel() const { return kernels::select_multiply(isa_); }
  const kernels::PoolKernel& pool_kernel() const { return kernels::select_pool(isa_); }
  const kernels::ResizeKernel& resize_kernel() const { return kernels::select_resize(isa_); }
  const kernels::LabelsKernel& labels_kernel() const { return kernels::select_labels(isa_); }

 private:
  Program(model::Program model, Isa isa, Hoisting hoisting);
  std::vector<PreparedOperator> prepare(std::vector<model::Operator>& operators, Hoisting hoisting);
  void find_joins(std::vector<PreparedOperator>& operators) const;
  PreparedConvolution prepare(model::Convolution& convolution, const model::Tensor& output, Hoisting hoisting);

  model::Program model_;
  Isa isa_;
  std::int64_t weight_bytes_ = 0;
  std::vector<PreparedOperator> stem_, block_, head_;
};

}  // namespace itrt
