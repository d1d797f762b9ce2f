#include "runtime/session.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "base/checked.h"
#include "base/errors.h"
#include "kernels/convolution/convolution_add.h"
#include "plan/lifetimes.h"
#include "plan/solver.h"
#include "plan/validator.h"

namespace itrt {
namespace {

constexpr std::int64_t whole_weight = 256;  // of a state that replaces another

struct TensorLayout {
  std::vector<model::Size> sizes;
  Schedule schedule;
  std::vector<std::int64_t> offsets;  // one a tensor
  std::vector<std::int64_t> offsets_of_sums;
  MemoryPlan memory;
  bool copies_state = false;
};

// A tensor's place, which may be another one meanwhile.
class KeptPlace {
 public:
  explicit KeptPlace(std::uint8_t*& place) : place_(place), kept_(place) {}
  ~KeptPlace() { place_ = kept_; }
  KeptPlace(const KeptPlace&) = delete;
  KeptPlace& operator=(const KeptPlace&) = delete;

 private:
  std::uint8_t*& place_;
  std::uint8_t* kept_;
};

std::int64_t scratch_bytes_of(const FusedOperator& fused, const Program& program) {
  const PreparedOperator& op = fused.first();
  std::size_t bytes = 0;
  if (const auto* convolution = std::get_if<PreparedConvolution>(&op.body)) {
    const auto bytes_of = fused.joined != nullptr ? kernels::convolution_add_scratch_bytes : kernels::scratch_bytes;
    for (const auto& packed : convolution->packed.values()) bytes = std::max(bytes, bytes_of(packed));
  } else if (const auto* resize = std::get_if<model::Resize>(&op.body);
             resize != nullptr && resize->mode == model::Resize::Mode::bilinear) {
    const std::int64_t channels = program.model().tensors[static_cast<std::size_t>(fused.op->output)].channels;
    bytes = (fused.joined != nullptr ? kernels::resize_add_scratch_bytes : kernels::resize_scratch_bytes)(channels);
  }
  return static_cast<std::int64_t>(bytes);
}

TensorLayout lay_out(const Program& program, model::Size image, Fusion fusion, std::span<const Stripe> stripes) {
  constexpr auto alignment = static_cast<std::int64_t>(cache_line);
  TensorLayout result;
  result.sizes = model::infer_sizes(program.model(), image);
  result.schedule = make_schedule(program, result.sizes, fusion, stripes);
  const plan::TensorBuffers tensors =
      plan::tensor_buffers(program.model(), result.sizes, alignment, result.schedule.memory);
  const plan::Layout layout = plan::solve(tensors.buffers).layout;
  if (const auto conflict = plan::find_conflict(tensors.buffers, layout)) {
    throw std::logic_error("memory plan: " + *conflict);
  }
  for (const std::size_t buffer : tensors.buffer_of_tensor) result.offsets.push_back(layout.offsets[buffer]);
  for (const std::size_t buffer : tensors.buffer_of_sums) result.offsets_of_sums.push_back(layout.offsets[buffer]);
  result.copies_state = tensors.copies_state;
  // Kernels may read a little behind the end of an input, also of the last one.
  result.memory.arena_bytes = round_up(layout.height + static_cast<std::int64_t>(kernels::input_slack), alignment);
  for (const SectionSchedule& section : result.schedule.sections) {
    for (const FusedOperator& fused : section.operators) {
      result.memory.scratch_bytes = std::max(result.memory.scratch_bytes, scratch_bytes_of(fused, program));
    }
  }
  result.memory.scratch_bytes = round_up(result.memory.scratch_bytes, alignment);
  return result;
}

}  // namespace

MemoryPlan plan_memory(const Program& program, model::Size image, Fusion fusion, std::span<const Stripe> stripes) {
  return lay_out(program, image, fusion, stripes).memory;
}

Session::Session(std::shared_ptr<const Program> program, model::Size image, int threads, Fusion fusion,
                 std::span<const Stripe> stripes)
    : program_(std::move(program)), threads_(threads) {
  TensorLayout layout = lay_out(*program_, image, fusion, stripes);
  sizes_ = std::move(layout.sizes);
  schedule_ = std::move(layout.schedule);
  copies_state_ = layout.copies_state;
  arena_bytes_ = layout.memory.arena_bytes;
  scratch_bytes_ = layout.memory.scratch_bytes;
  memory_ = AlignedBuffer(static_cast<std::size_t>(arena_bytes_ + scratch_bytes_ * threads_));
  for (const std::int64_t offset : layout.offsets) tensors_.push_back(memory_.as<std::uint8_t>() + offset);
  for (const std::int64_t offset : layout.offsets_of_sums) {
    sums_.push_back(reinterpret_cast<std::int32_t*>(memory_.data() + offset));
  }
  first_rows_.assign(tensors_.size(), 0);
  std::size_t widest = 0, most_runs = 0;
  for (const auto* section : {&program_->stem(), &program_->block(), &program_->head()}) {
    for (const PreparedOperator& op : *section) {
      if (const auto* convolution = std::get_if<PreparedConvolution>(&op.body)) {
        widest = std::max(widest, convolution->inputs.size());
      } else if (const auto* add = std::get_if<model::Add>(&op.body)) {
        widest = std::max(widest, add->inputs.size());
      } else if (const auto* gather = std::get_if<model::Gather>(&op.body)) {
        most_runs = std::max(most_runs, gather->channels.size());
      }
    }
  }
  convolution_inputs_.resize(widest);
  add_inputs_.resize(widest);
  gather_runs_.resize(most_runs);
}

void Session::start(std::span<const std::uint8_t> image, const Tap* tap, const Interruption* interruption) {
  const TensorView target = view(program_->model().image);
  if (image.size() != target.bytes.size()) {
    throw InvalidArgument("image: expected " + std::to_string(target.bytes.size()) + " bytes, found " +
                          std::to_string(image.size()));
  }
  std::memcpy(data(target.index), image.data(), image.size());
  if (tap != nullptr) (*tap)(target);
  iterations_done_ = first_step_ = 0;
  started_ = false;
  run(Section::stem, 0, tap, interruption);
  hoist(interruption);
  started_ = true;
}

void Session::mix_state(std::span<const std::uint8_t> other, std::int64_t weight, std::int64_t first_step) {
  if (!started_ || iterations_done_ > 0) {
    throw InvalidArgument("state: expected between the image and the first iteration, found " +
                          (started_ ? std::to_string(iterations_done_) + " iterations done" : "no image"));
  }
  const TensorView target = state();
  if (other.size() != target.bytes.size()) {
    throw InvalidArgument("state: expected " + std::to_string(target.bytes.size()) + " bytes, found " +
                          std::to_string(other.size()));
  }
  if (weight < 0 || weight > whole_weight) {
    throw InvalidArgument("weight: expected 0 to " + std::to_string(whole_weight) + ", found " +
                          std::to_string(weight));
  }
  const auto steps = program_->model().max_iterations;
  if (first_step < 0 || (steps && first_step >= *steps)) {
    throw InvalidArgument("first_step: expected " +
                          (steps ? "0 to " + std::to_string(*steps - 1) : std::string("at least 0")) + ", found " +
                          std::to_string(first_step));
  }
  std::uint8_t* state = data(target.index);
  const auto theirs = static_cast<unsigned>(weight), ours = static_cast<unsigned>(whole_weight - weight);
  constexpr auto half = static_cast<unsigned>(whole_weight / 2);
  for (std::size_t i = 0; i < other.size(); ++i) {
    state[i] = static_cast<std::uint8_t>((ours * state[i] + theirs * other[i] + half) >> 8);
  }
  first_step_ = first_step;
}

TensorView Session::state() const {
  if (!program_->model().state) throw InvalidArgument("state: expected a network with a loop, found one without");
  if (!started_) throw InvalidArgument("session: expected an image before a state, found none");
  return loop_state();
}

void Session::iterate(const Tap* tap, const Interruption* interruption) {
  if (!started_) throw InvalidArgument("session: expected an image before the first iteration, found none");
  const auto limit = program_->model().max_iterations;
  if (limit && iterations_done_ >= *limit) {
    throw InvalidArgument("iterations: expected at most " + std::to_string(*limit) + ", found one more");
  }
  run_block(tap, interruption);
  if (copies_state_) {
    const TensorView next = view(*program_->model().next_state);
    std::memcpy(data(*program_->model().state), next.bytes.data(), next.bytes.size());
  }
  ++iterations_done_;
}

// The block writes the next state over the state or, once that is dead, anything at all. Of what it reads from outside,
// the state alone changes: with it, an interrupted iteration was never begun.
void Session::run_block(const Tap* tap, const Interruption* interruption) {
  const bool keeps_state = interruption != nullptr && program_->model().state.has_value();
  if (keeps_state) kept_state_.assign(loop_state().bytes.begin(), loop_state().bytes.end());
  try {
    run(Section::block, step_of(iterations_done_), tap, interruption);
  } catch (const Cancelled&) {
    if (keeps_state) std::memcpy(data(loop_state().index), kept_state_.data(), kept_state_.size());
    throw;
  }
}

std::int64_t Session::step_of(std::int64_t iteration) const {
  const auto steps = program_->model().max_iterations;
  const std::int64_t step = first_step_ + iteration;
  return steps ? std::min(step, *steps - 1) : step;
}

TensorView Session::answer(const Tap* tap, std::uint8_t* logits) {
  if (!started_) throw InvalidArgument("session: expected an image before an answer, found none");
  const model::TensorIndex index = program_->model().logits;
  const std::vector<FusedOperator>& head = schedule_.sections[static_cast<std::size_t>(Section::head)].operators;
  const bool written = !head.empty() && head.back().op->output == index;  // or the stem has written them
  std::uint8_t*& place = tensors_[static_cast<std::size_t>(index)];
  const KeptPlace kept(place);
  if (logits != nullptr && written) place = logits;
  run(Section::head, step_of(std::max<std::int64_t>(iterations_done_ - 1, 0)), tap);
  TensorView result = view(index);
  if (logits != nullptr && !written) {
    std::memcpy(logits, result.bytes.data(), result.bytes.size());
    result.bytes = {logits, result.bytes.size()};
  }
  return result;
}

TensorView Session::view(model::TensorIndex index) const {
  const std::int64_t channels = tensor(index).channels;
  const auto bytes = static_cast<std::size_t>(size(index).height * size(index).width * channels);
  return {index, size(index), channels, {data(index), bytes}};
}

std::byte* Session::scratch(int thread) const {
  // The arena is this session's own, though the session is const here: scratch is not part of what it means.
  return const_cast<std::byte*>(memory_.data()) + arena_bytes_ + scratch_bytes_ * thread;
}

void Session::run(Section index, std::int64_t step, const Tap* tap, const Interruption* interruption) {
  const SectionSchedule& section = schedule_.sections[static_cast<std::size_t>(index)];
  auto striped = section.striped.begin();
  for (std::size_t i = 0; i < section.operators.size(); ++i) {
    throw_if_due(interruption);
    if (striped != section.striped.end() && striped->first == i) {
      run_stripes(section, *striped, step, tap, interruption);
      i = striped->last;
      ++striped;
    } else {
      const FusedOperator& fused = section.operators[i];
      run(fused, {0, size(fused.op->output).height}, step);
      if (tap != nullptr) (*tap)(view(fused.op->output));
    }
  }
}

void Session::run_stripes(const SectionSchedule& section, const StripedOperators& striped, std::int64_t step,
                          const Tap* tap, const Interruption* interruption) {
  for (std::size_t stripe = 0; stripe < striped.plan.computed.size(); ++stripe) {
    throw_if_due(interruption);
    move_halos(striped, stripe);
    for (std::size_t i = striped.first; i <= striped.last; ++i) {
      const plan::Rows rows = striped.plan.computed[stripe][i - striped.first];
      if (rows.count() > 0) run(section.operators[i], rows, step);
    }
  }
  if (tap == nullptr) return;
  for (std::size_t i = striped.first; i <= striped.last; ++i) {
    const model::TensorIndex output = section.operators[i].op->output;
    const bool in_line = std::any_of(striped.lines.begin(), striped.lines.end(),
                                     [&](const PlannedLine& line) { return line.tensor == output; });
    if (!in_line) (*tap)(view(output));
  }
}

// What the last stripe left in the line buffers and this one needs moves to their front.
void Session::move_halos(const StripedOperators& striped, std::size_t stripe) {
  for (const PlannedLine& line : striped.lines) {
    const plan::Rows held = striped.plan.held[stripe][line.planned];
    if (stripe > 0) {
      const plan::Rows before = striped.plan.held[stripe - 1][line.planned];
      const std::int64_t rows = before.last - held.first;
      if (rows > 0 && held.first > before.first) {
        std::memmove(data(line.tensor), row(line.tensor, held.first),
                     static_cast<std::size_t>(rows * row_bytes(line.tensor)));
      }
    }
    first_rows_[static_cast<std::size_t>(line.tensor)] = held.first;
  }
}

void Session::run(const FusedOperator& fused, plan::Rows rows, std::int64_t step) {
  const PreparedOperator& op = *fused.op;
  if (const auto* convolution = std::get_if<PreparedConvolution>(&fused.first().body)) {
    return fused.joined != nullptr ? run_joined(*convolution, fused, rows, step) : run(*convolution, fused, rows, step);
  }
  if (fused.joined != nullptr) {
    return run_joined(std::get<model::Resize>(fused.joined->body), fused.joined->output, std::get<model::Add>(op.body),
                      op.output, rows);
  }
  std::visit(
      [&](const auto& body) {
        if constexpr (!std::is_same_v<std::decay_t<decltype(body)>, PreparedConvolution>) {
          run(body, op.output, rows, step);
        }
      },
      op.body);
}

}  // namespace itrt
