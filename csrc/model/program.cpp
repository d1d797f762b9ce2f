#include "model/program.h"

namespace itrt::model {
namespace {

struct InputsOf {
  std::vector<TensorIndex> operator()(const Convolution& convolution) const {
    std::vector<TensorIndex> result;
    for (const Term& term : convolution.terms) result.push_back(term.input);
    return result;
  }
  std::vector<TensorIndex> operator()(const Add& add) const { return add.inputs; }
  std::vector<TensorIndex> operator()(const Multiply& multiply) const {
    return {multiply.inputs.begin(), multiply.inputs.end()};
  }
  std::vector<TensorIndex> operator()(const Gather& gather) const { return gather.inputs; }
  template <class OneInput>
  std::vector<TensorIndex> operator()(const OneInput& body) const {
    return {body.input};
  }
};

}  // namespace

std::vector<TensorIndex> inputs_of(const Operator& op) { return std::visit(InputsOf{}, op.body); }

std::vector<TensorIndex> elementwise_inputs_of(const Operator& op) {
  const bool is_elementwise = std::holds_alternative<Add>(op.body) || std::holds_alternative<Lookup>(op.body) ||
                              std::holds_alternative<Multiply>(op.body);
  return is_elementwise ? inputs_of(op) : std::vector<TensorIndex>{};
}

}  // namespace itrt::model
