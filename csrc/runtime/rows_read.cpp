#include "runtime/rows_read.h"

#include <algorithm>

namespace itrt {
namespace {

using plan::RowsRead;

class Reader {
 public:
  Reader(std::span<const model::Size> sizes, model::TensorIndex output) : sizes_(sizes), output_(height(output)) {}

  std::vector<InputRows> operator()(const PreparedConvolution& convolution) const {
    std::vector<InputRows> result;
    const auto& terms = convolution.packed.at(0).terms;
    for (std::size_t term = 0; term < terms.size(); ++term) {
      const kernels::ConvolutionTerm& t = terms[term];
      result.push_back({convolution.inputs[term],
                        RowsRead::convolution(t.kernel_height, t.stride_height, t.padding_top, t.dilation_height)});
    }
    return result;
  }

  std::vector<InputRows> operator()(const model::Add& add) const { return elementwise(add.inputs); }

  std::vector<InputRows> operator()(const model::Gather& gather) const { return elementwise(gather.inputs); }

  // An input of one pixel is read for every row.
  std::vector<InputRows> operator()(const model::Multiply& multiply) const {
    std::vector<InputRows> result;
    for (const model::TensorIndex input : multiply.inputs) {
      const bool is_broadcast = height(input) < output_;
      result.push_back({input, is_broadcast ? RowsRead::everything(height(input)) : RowsRead::elementwise()});
    }
    return result;
  }

  std::vector<InputRows> operator()(const model::Lookup& lookup) const {
    return {{lookup.input, RowsRead::elementwise()}};
  }

  std::vector<InputRows> operator()(const model::Resize& resize) const {
    const std::int64_t input = height(resize.input);
    if (resize.mode == model::Resize::Mode::nearest) return {{resize.input, RowsRead::nearest(input, output_)}};
    return {{resize.input,
             resize.align_corners ? RowsRead::aligned_corners(input, output_) : RowsRead::bilinear(input, output_)}};
  }

  std::vector<InputRows> operator()(const model::Pool& pool) const {
    return {{pool.input, RowsRead::convolution(pool.kernel[0], pool.stride[0], pool.padding[0], pool.dilation[0])}};
  }

  std::vector<InputRows> operator()(const model::AdaptivePool& pool) const {
    return {{pool.input, RowsRead::divided(height(pool.input), output_)}};
  }

  std::vector<InputRows> operator()(const model::Pad& pad) const {
    const std::int64_t top = pad.padding[0], bottom = pad.padding[2];
    if (pad.mode == model::Pad::Mode::replicate) return {{pad.input, RowsRead::replicated(top)}};
    const bool mirrors = pad.mode == model::Pad::Mode::reflect;
    return {{pad.input, RowsRead::padded(top, mirrors ? std::max<std::int64_t>({top, bottom, 0}) : 0)}};
  }

  std::vector<InputRows> operator()(const model::DepthToSpace& op) const {
    return {{op.input, RowsRead::blocks(op.block[0])}};
  }

 private:
  std::int64_t height(model::TensorIndex index) const { return sizes_[static_cast<std::size_t>(index)].height; }

  static std::vector<InputRows> elementwise(const std::vector<model::TensorIndex>& inputs) {
    std::vector<InputRows> result;
    for (const model::TensorIndex input : inputs) result.push_back({input, RowsRead::elementwise()});
    return result;
  }

  std::span<const model::Size> sizes_;
  std::int64_t output_;  // rows
};

}  // namespace

std::vector<InputRows> rows_read(const PreparedOperator& op, std::span<const model::Size> sizes) {
  return std::visit(Reader(sizes, op.output), op.body);
}

}  // namespace itrt
