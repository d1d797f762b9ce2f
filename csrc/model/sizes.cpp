#include "model/sizes.h"

#include <algorithm>
#include <string>

#include "base/checked.h"
#include "base/errors.h"

namespace itrt::model {
namespace {

std::string to_string(Size size) { return std::to_string(size.height) + "x" + std::to_string(size.width); }

// The window that a kernel covers along one axis must fit into the padded input at least once. All factors are below
// 2^17 (the reader's limits), so nothing here overflows.
std::int64_t convolved(std::int64_t extent, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                       std::int64_t dilation) {
  const std::int64_t room = extent + padding - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

// With `ceil` there is a window more where places are left over, if it starts inside the input or the padding before
// it.
std::int64_t pooled(std::int64_t extent, std::int64_t kernel, std::int64_t stride, std::int64_t before,
                    std::int64_t behind, std::int64_t dilation, bool ceil) {
  if (!ceil) return convolved(extent, kernel, stride, before + behind, dilation);
  // What ceil adds: as much as may be missing to another step.
  const std::int64_t count = convolved(extent, kernel, stride, before + behind + stride - 1, dilation);
  return (count - 1) * stride >= extent + before ? count - 1 : count;
}

constexpr Size one_pixel{1, 1};

class SizeInference {
 public:
  SizeInference(const Program& program, Size image) : program_(program), image_(image), sizes_(program.tensors.size()) {
    set(program.image, image, "image");
  }

  std::vector<Size> run() {
    for (const std::vector<Operator>* section : {&program_.stem, &program_.block, &program_.head}) {
      for (const Operator& op : *section) {
        set(op.output, std::visit([&](const auto& body) { return output_size(body, op.name); }, op.body), op.name);
      }
    }
    if (program_.state) same(at(*program_.state), at(*program_.next_state), "next state");
    return std::move(sizes_);
  }

 private:
  Size at(TensorIndex index) const { return sizes_[static_cast<std::size_t>(index)]; }

  [[noreturn]] void fail(const std::string& what, const std::string& expected, const std::string& found) const {
    throw InvalidArgument("image of " + to_string(image_) + " (height x width): " + what + ": expected " + expected +
                          ", found " + found);
  }

  void same(Size expected, Size found, const std::string& what) const {
    if (expected != found) fail(what, to_string(expected), to_string(found));
  }

  void set(TensorIndex index, Size size, const std::string& what) {
    const std::int64_t channels = program_.tensors[static_cast<std::size_t>(index)].channels;
    if (size.height < 1 || size.width < 1) fail(what, "at least one pixel", to_string(size));
    const auto pixels = checked_multiply(size.height, size.width);
    const auto bytes = pixels ? checked_multiply(*pixels, channels) : std::nullopt;
    if (!bytes || *bytes > max_tensor_bytes) fail(what, "tensors of at most 8 GiB", to_string(size));
    sizes_[static_cast<std::size_t>(index)] = size;
  }

  Size output_size(const Convolution& convolution, const std::string& name) const {
    const Size result = output_size(convolution.terms.front());
    for (const Term& term : convolution.terms) same(result, output_size(term), name);
    return result;
  }

  Size output_size(const Term& term) const {
    const Size input = at(term.input);
    const auto& [top, left, bottom, right] = term.padding;
    return {convolved(input.height, term.weight_shape[1], term.stride[0], top + bottom, term.dilation[0]),
            convolved(input.width, term.weight_shape[2], term.stride[1], left + right, term.dilation[1])};
  }

  Size output_size(const Add& add, const std::string& name) const {
    const Size result = at(add.inputs.front());
    for (const TensorIndex input : add.inputs) same(result, at(input), name);
    return result;
  }

  Size output_size(const Resize& resize, const std::string&) const {
    if (resize.size_of) return at(*resize.size_of);
    if (resize.size) return {(*resize.size)[0], (*resize.size)[1]};
    const Size input = at(resize.input);
    const auto& [height, width] = *resize.factor;
    return {input.height * height.numerator / height.denominator, input.width * width.numerator / width.denominator};
  }

  Size output_size(const Pool& pool, const std::string&) const { return pooled_size(pool, at(pool.input)); }

  Size output_size(const AdaptivePool& pool, const std::string&) const { return {pool.size[0], pool.size[1]}; }

  Size output_size(const Lookup& lookup, const std::string&) const { return at(lookup.input); }

  Size output_size(const Multiply& multiply, const std::string& name) const {
    const Size first = at(multiply.inputs[0]), second = at(multiply.inputs[1]);
    const Size result = first == one_pixel ? second : first;
    if (second != one_pixel) same(result, second, name);
    return result;
  }

  Size output_size(const Gather& gather, const std::string& name) const {
    const Size result = at(gather.inputs.front());
    for (const TensorIndex input : gather.inputs) same(result, at(input), name);
    return result;
  }

  Size output_size(const Pad& pad, const std::string& name) const {
    const Size input = at(pad.input);
    const auto& [top, left, bottom, right] = pad.padding;
    if (pad.mode == Pad::Mode::reflect &&
        (std::max(top, bottom) >= input.height || std::max(left, right) >= input.width)) {
      fail(name, "more pixels than are reflected", to_string(input));
    }
    return {std::max<std::int64_t>(input.height + top + bottom, 0),
            std::max<std::int64_t>(input.width + left + right, 0)};
  }

  Size output_size(const DepthToSpace& op, const std::string&) const {
    const Size input = at(op.input);
    return {input.height * op.block[0], input.width * op.block[1]};
  }

  const Program& program_;
  Size image_;
  std::vector<Size> sizes_;
};

}  // namespace

Size pooled_size(const Pool& pool, Size input) {
  const auto& [top, left, bottom, right] = pool.padding;
  return {pooled(input.height, pool.kernel[0], pool.stride[0], top, bottom, pool.dilation[0], pool.ceil),
          pooled(input.width, pool.kernel[1], pool.stride[1], left, right, pool.dilation[1], pool.ceil)};
}

std::vector<Size> infer_sizes(const Program& program, Size image) { return SizeInference(program, image).run(); }

}  // namespace itrt::model
