// A convolution as a sum of terms, packed once.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/isa.h"
#include "bindings/arguments.h"
#include "bindings/convolution_term.h"
#include "bindings/kernel_call.h"
#include "bindings/module.h"
#include "kernels/convolution/convolution_kernel.h"
#include "runtime/thread_pool.h"

namespace py = pybind11;

namespace itrt::bindings {
namespace {

std::string input_name(std::size_t index) { return "input " + std::to_string(index); }

// The inputs of all terms, in memory that kernels may read; an array that several terms share is copied once.
class Inputs {
 public:
  Inputs(const std::vector<Term>& terms, const std::vector<py::object>& objects) {
    check_count("inputs", objects.size(), terms.size());
    for (std::size_t i = 0; i < objects.size(); ++i) append(terms[i], objects[i], i);
  }

  std::int64_t images() const { return images_; }
  std::array<std::int64_t, 2> output_size() const { return output_size_; }

  std::vector<py::ssize_t> output_shape(std::int64_t channels) const {
    std::vector<py::ssize_t> shape = {output_size_[0], output_size_[1], channels};
    if (axes_ == 4) shape.insert(shape.begin(), images_);
    return shape;
  }

  // One image of every term's input.
  std::vector<kernels::ConvolutionInput> views(std::int64_t image) const {
    std::vector<kernels::ConvolutionInput> result = views_;
    for (std::size_t i = 0; i < result.size(); ++i) result[i].data += image * image_bytes_[i];
    return result;
  }

 private:
  void append(const Term& term, const py::object& object, std::size_t index) {
    const std::string name = input_name(index);
    const auto array = checked<std::uint8_t>(name, object, 3, 4);
    const py::ssize_t axis = array.ndim() - 3;
    if (array.shape(axis + 2) != term.in_channels()) {
      fail(name, std::to_string(term.in_channels()) + " channels", "shape " + shape_text(array));
    }
    const std::int64_t height = array.shape(axis), width = array.shape(axis + 1), images = axis ? array.shape(0) : 1;
    const auto output_size = term.output_size(name, height, width);
    if (index == 0) {
      axes_ = array.ndim();
      images_ = images;
      output_size_ = output_size;
    } else if (array.ndim() != axes_ || images != images_ || output_size != output_size_) {
      fail(name, "as many images and the same output size as input 0 gives", "shape " + shape_text(array));
    }
    auto [memory, is_new] = memory_.try_emplace(object.ptr());
    if (is_new) memory->second = with_slack(array);
    views_.push_back({memory->second.as<std::uint8_t>(), height, width});
    image_bytes_.push_back(height * width * term.in_channels());
  }

  std::map<PyObject*, AlignedBuffer> memory_;
  std::vector<kernels::ConvolutionInput> views_;
  std::vector<std::int64_t> image_bytes_;
  py::ssize_t axes_ = 0;
  std::int64_t images_ = 1;
  std::array<std::int64_t, 2> output_size_ = {};
};

class ConvolutionCall final : public KernelCall {
 public:
  ConvolutionCall(const kernels::PackedConvolution& packed, const kernels::PackedRequantization& requantization,
                  Inputs inputs, int threads)
      : KernelCall(inputs.output_shape(packed.out_channels), py::dtype::of<std::uint8_t>()),
        packed_(packed),
        requantization_(requantization),
        inputs_(std::move(inputs)),
        threads_(threads),
        scratch_(kernels::scratch_bytes(packed), threads) {}

 private:
  void execute() override {
    for (std::int64_t image = 0; image < inputs_.images(); ++image) execute_image(image);
  }

  void execute_image(std::int64_t image) {
    const std::vector<kernels::ConvolutionInput> views = inputs_.views(image);
    const auto [height, width] = inputs_.output_size();
    kernels::ConvolutionCall call;
    call.inputs = views;
    call.requantization = &requantization_;
    call.output = output() + image * height * width * packed_.out_channels;
    call.output_height = height;
    call.output_width = width;
    const auto body = [&](int thread, std::int64_t first, std::int64_t last) {
      kernels::ConvolutionCall mine = call;
      mine.scratch = scratch_.of(thread);
      kernels::convolve(packed_, mine, first, last);
    };
    ThreadPool::shared().parallel_for(threads_, height * width, kernels::pixel_granule, body);
  }

  const kernels::PackedConvolution& packed_;
  const kernels::PackedRequantization& requantization_;
  Inputs inputs_;
  int threads_;
  Scratch scratch_;
};

class Convolution {
 public:
  Convolution(std::vector<Term> terms, const py::object& bias, const py::object& scale, std::int64_t y_zero_point,
              const Pair& clamp, const std::optional<std::string>& isa)
      : terms_(std::move(terms)) {
    check_range("y_zero_point", y_zero_point, 0, 255);
    check_clamp(clamp);
    check_terms();
    const std::int64_t channels = terms_[0].out_channels();
    const auto bias_array = checked<std::int32_t>("bias_i32", bias, 1, 1);
    check_count("bias_i32", static_cast<std::size_t>(bias_array.size()), static_cast<std::size_t>(channels));
    const auto scale_array = checked<float>("scale_f32", scale, 1, 1);
    check_count("scale_f32", static_cast<std::size_t>(scale_array.size()), static_cast<std::size_t>(channels));
    for (std::int64_t o = 0; o < channels; ++o) check_finite("scale_f32", scale_array.at(o));

    for (std::int64_t o = 0; o < channels; ++o) check_accumulator(o, 0);  // before zero points are summed up
    std::vector<kernels::ConvolutionTerm> views;
    for (const Term& term : terms_) views.push_back(term.view());
    packed_ = kernels::pack(kernels::select_convolution(select_isa(isa)), channels, views);
    for (std::int64_t o = 0; o < channels; ++o) {
      check_accumulator(o, std::int64_t{bias_array.at(o)} - packed_.zero_point_sum[static_cast<std::size_t>(o)]);
    }
    requantization_ = kernels::pack(packed_, {.bias = {bias_array.data(), static_cast<std::size_t>(channels)},
                                              .scale = {scale_array.data(), static_cast<std::size_t>(channels)},
                                              .output_zero_point = static_cast<std::int32_t>(y_zero_point),
                                              .clamp_lower = static_cast<std::int32_t>(clamp.first),
                                              .clamp_upper = static_cast<std::int32_t>(clamp.second)});
  }

  std::string kernel() const { return packed_.kernel->name; }

  std::unique_ptr<KernelCall> bind(const std::vector<py::object>& inputs, int threads) const {
    check_threads(threads);
    return std::make_unique<ConvolutionCall>(packed_, requantization_, Inputs(terms_, inputs), threads);
  }

 private:
  void check_terms() const {
    if (terms_.empty()) fail("terms", "at least one", "none");
    for (const Term& term : terms_) {
      if (term.out_channels() != terms_[0].out_channels()) {
        fail("terms", std::to_string(terms_[0].out_channels()) + " output channels, as the first term has",
             std::to_string(term.out_channels()));
      }
    }
  }

  // Throws where an order of summation exists that could leave 31 bits.
  void check_accumulator(std::int64_t channel, std::int64_t constant) const {
    std::int64_t largest = std::abs(constant);
    for (const Term& term : terms_) largest += term.largest_sum(channel);
    if (largest <= INT32_MAX) return;
    fail("w_s8", "accumulators of at most 31 bits", std::to_string(largest) + " in channel " + std::to_string(channel));
  }

  std::vector<Term> terms_;
  kernels::PackedConvolution packed_;
  kernels::PackedRequantization requantization_;
};

}  // namespace

void register_convolution(py::module_& module) {
  py::class_<Term>(module, "Term", "A summand of a convolution.")
      .def(py::init<const py::object&, const py::object&, const Pair&, const Term::Padding&, const Pair&,
                    std::int64_t>(),
           py::arg("w"), py::arg("x_zero_points"), py::arg("stride"), py::arg("padding"), py::arg("dilation"),
           py::arg("groups"));
  operation_class<Convolution>(module, "Convolution", "A convolution with packed weights.")
      .def(py::init<std::vector<Term>, const py::object&, const py::object&, std::int64_t, const Pair&,
                    const std::optional<std::string>&>(),
           py::arg("terms"), py::arg("bias"), py::arg("scale"), py::arg("y_zero_point"), py::arg("clamp"),
           py::arg("isa"));
}

}  // namespace itrt::bindings
