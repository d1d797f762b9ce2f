#include "model/sizes.h"

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

  Size output_size(const Resize& resize, const std::string&) const { return at(resize.size_of); }

  const Program& program_;
  Size image_;
  std::vector<Size> sizes_;
};

}  // namespace

std::vector<Size> infer_sizes(const Program& program, Size image) { return SizeInference(program, image).run(); }

}  // namespace itrt::model
