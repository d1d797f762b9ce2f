#include "runtime/program.h"

#include <algorithm>
#include <type_traits>

#include "model/reader.h"

namespace itrt {
namespace {

// Of an output channel's invariant terms: below, multiplying anew is as fast as reading the sum, four bytes that have
// left the nearest cache.
constexpr std::int64_t worthwhile_macs = 160;

kernels::ConvolutionTerm kernel_term(const model::Term& term, const model::Tensor& input, std::int64_t step) {
  kernels::ConvolutionTerm result;
  result.in_channels = input.channels;
  result.kernel_height = term.weight_shape[1];
  result.kernel_width = term.weight_shape[2];
  result.stride_height = term.stride[0];
  result.stride_width = term.stride[1];
  result.padding_top = term.padding[0];
  result.padding_left = term.padding[1];
  result.dilation_height = term.dilation[0];
  result.dilation_width = term.dilation[1];
  result.groups = term.groups;
  result.weight = term.weight.at(step);
  result.zero_points = input.zero_points;
  return result;
}

kernels::ConvolutionRequantization kernel_requantization(const model::Convolution& convolution,
                                                         const model::Tensor& output, std::int64_t step) {
  kernels::ConvolutionRequantization result;
  result.bias = convolution.bias.at(step);
  if (convolution.fixed) {
    result.multiplier = convolution.fixed->multiplier.at(step);
    result.shift = convolution.fixed->shift.at(step);
  } else {
    result.scale = convolution.scale.at(step);
  }
  result.output_zero_point = output.zero_points.front();
  result.clamp_lower = convolution.clamp.lower;
  result.clamp_upper = convolution.clamp.upper;
  return result;
}

std::size_t steps_of_requantization(const model::Convolution& convolution) {
  const std::size_t steps = std::max(convolution.bias.values.size(), convolution.scale.values.size());
  if (!convolution.fixed) return steps;
  return std::max({steps, convolution.fixed->multiplier.values.size(), convolution.fixed->shift.values.size()});
}

// How many of the first terms are summed up before the loop: the invariant ones, or none.
std::size_t count_hoisted(std::span<const model::Term> terms, Hoisting hoisting) {
  std::size_t count = 0;
  std::int64_t macs = 0;
  for (; count < terms.size() && terms[count].loop_invariant; ++count) {
    const auto& [out_channels, height, width, in_channels] = terms[count].weight_shape;
    macs += height * width * in_channels;
  }
  const bool pays = hoisting == Hoisting::all || (hoisting == Hoisting::where_it_pays && macs >= worthwhile_macs);
  return count < terms.size() && pays ? count : 0;
}

// Whether an addition has a kernel that computes the operator on the way.
bool can_join(const PreparedOperator& op) {
  const auto* resize = std::get_if<model::Resize>(&op.body);
  if (resize != nullptr) return resize->mode == model::Resize::Mode::bilinear;
  return std::holds_alternative<PreparedConvolution>(op.body);
}

template <class T>
std::int64_t bytes_of(const model::Constant<T>& constant) {
  std::size_t bytes = 0;
  for (const auto& value : constant.values) bytes += value.size() * sizeof(T);
  return static_cast<std::int64_t>(bytes);
}

}  // namespace

std::shared_ptr<const Program> Program::load(std::span<const std::uint8_t> file, std::optional<std::string_view> isa,
                                             Hoisting hoisting) {
  const Isa selected = select_isa(isa);
  return std::shared_ptr<const Program>(new Program(model::read(file), selected, hoisting));
}

Program::Program(model::Program model, Isa isa, Hoisting hoisting) : model_(std::move(model)), isa_(isa) {
  stem_ = prepare(model_.stem, Hoisting::none);
  block_ = prepare(model_.block, hoisting);
  head_ = prepare(model_.head, Hoisting::none);
  for (auto* section : {&stem_, &block_, &head_}) find_joins(*section);
}

std::vector<PreparedOperator> Program::prepare(std::vector<model::Operator>& operators, Hoisting hoisting) {
  std::vector<PreparedOperator> result;
  for (model::Operator& op : operators) {
    PreparedOperator prepared{op.name, op.output, model::Add{}};
    if (const auto* lookup = std::get_if<model::Lookup>(&op.body)) weight_bytes_ += bytes_of(lookup->table);
    std::visit(
        [&](auto& body) {
          if constexpr (std::is_same_v<std::decay_t<decltype(body)>, model::Convolution>) {
            prepared.body = prepare(body, model_.tensors[static_cast<std::size_t>(op.output)], hoisting);
          } else {
            prepared.body = body;
          }
        },
        op.body);
    result.push_back(std::move(prepared));
  }
  return result;
}

void Program::find_joins(std::vector<PreparedOperator>& operators) const {
  const auto is_read_elsewhere = [&](model::TensorIndex index, model::TensorIndex reader) {
    for (const auto* section : {&model_.stem, &model_.block, &model_.head}) {
      for (const model::Operator& op : *section) {
        const auto inputs = model::inputs_of(op);
        if (op.output != reader && std::find(inputs.begin(), inputs.end(), index) != inputs.end()) return true;
      }
    }
    return false;
  };
  for (std::size_t i = 0; i + 1 < operators.size(); ++i) {
    const model::TensorIndex output = operators[i].output;
    const auto* add = std::get_if<model::Add>(&operators[i + 1].body);
    if (add == nullptr || add->inputs.size() != 2 || !can_join(operators[i])) continue;
    const bool once = std::count(add->inputs.begin(), add->inputs.end(), output) == 1;
    const bool is_kept = output == model_.logits || output == model_.state || output == model_.next_state;
    operators[i].joins_next = once && !is_kept && !is_read_elsewhere(output, operators[i + 1].output);
  }
}

PreparedConvolution Program::prepare(model::Convolution& convolution, const model::Tensor& output, Hoisting hoisting) {
  PreparedConvolution result;
  std::stable_partition(convolution.terms.begin(), convolution.terms.end(),
                        [](const model::Term& term) { return term.loop_invariant; });
  const std::size_t hoisted = count_hoisted(convolution.terms, hoisting);
  std::size_t weight_steps = 1;
  for (const model::Term& term : convolution.terms) {
    result.inputs.push_back(term.input);
    weight_steps = std::max(weight_steps, term.weight.values.size());
    weight_bytes_ += bytes_of(term.weight);
  }
  weight_bytes_ += bytes_of(convolution.bias) + bytes_of(convolution.scale);
  if (convolution.fixed) weight_bytes_ += bytes_of(convolution.fixed->multiplier) + bytes_of(convolution.fixed->shift);

  for (std::size_t step = 0; step < weight_steps; ++step) {
    std::vector<kernels::ConvolutionTerm> terms;
    for (const model::Term& term : convolution.terms) {
      const model::Tensor& input = model_.tensors[static_cast<std::size_t>(term.input)];
      terms.push_back(kernel_term(term, input, static_cast<std::int64_t>(step)));
    }
    result.packed.push_back(kernels::pack(kernels::select_convolution(isa_), output.channels, terms, hoisted));
  }
  if (result.packed.at(0).hoisted_runs > 0) result.hoisted_terms = static_cast<std::int64_t>(hoisted);
  const std::size_t steps = std::max(weight_steps, steps_of_requantization(convolution));
  for (std::int64_t step = 0; step < static_cast<std::int64_t>(steps); ++step) {
    result.requantization.push_back(
        kernels::pack(result.packed.at(step), kernel_requantization(convolution, output, step)));
  }

  // Packed and folded: the file's own copies are not needed again.
  for (model::Term& term : convolution.terms) term.weight = {};
  convolution.bias = {};
  convolution.scale = {};
  if (convolution.fixed) *convolution.fixed = {};
  return result;
}

}  // namespace itrt
