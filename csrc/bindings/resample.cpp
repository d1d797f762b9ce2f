// What changes the size of an image: resampling, and labels from logits.
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/isa.h"
#include "bindings/arguments.h"
#include "bindings/kernel_call.h"
#include "bindings/module.h"
#include "kernels/labels/labels.h"
#include "kernels/resize/resize.h"
#include "runtime/labels.h"
#include "runtime/thread_pool.h"

namespace py = pybind11;

namespace itrt::bindings {
namespace {

void check_size(std::int64_t height, std::int64_t width) {
  check_range("height", height, 1, INT32_MAX);
  check_range("width", width, 1, INT32_MAX);
}

enum class Resampling { bilinear, aligned_corners, nearest };

class ResizeCall final : public KernelCall {
 public:
  ResizeCall(const kernels::ResizeKernel& kernel, Resampling resampling, const Array<std::uint8_t>& image,
             std::int64_t height, std::int64_t width, int threads)
      : KernelCall({height, width, image.shape(2)}, py::dtype::of<std::uint8_t>()),
        kernel_(kernel),
        nearest_(resampling == Resampling::nearest),
        memory_(with_slack(image)),
        scratch_(kernels::resize_scratch_bytes(image.shape(2)), threads),
        threads_(threads) {
    arguments_ = {.input = memory_.as<std::uint8_t>(),
                  .input_height = image.shape(0),
                  .input_width = image.shape(1),
                  .channels = image.shape(2),
                  .output = output(),
                  .output_height = height,
                  .output_width = width,
                  .alignment = resampling == Resampling::aligned_corners ? kernels::Alignment::corners
                                                                         : kernels::Alignment::borders};
  }

 private:
  void execute() override {
    const auto body = [&](int thread, std::int64_t first, std::int64_t last) {
      if (nearest_) return kernels::resize_nearest(arguments_, first, last);
      kernels::ResizeCall mine = arguments_;
      mine.scratch = scratch_.of(thread);
      kernel_.run(mine, first, last);
    };
    ThreadPool::shared().parallel_for(threads_, arguments_.output_height, 1, body);
  }

  const kernels::ResizeKernel& kernel_;
  bool nearest_;
  AlignedBuffer memory_;
  kernels::ResizeCall arguments_;
  Scratch scratch_;
  int threads_;
};

class Resize {
 public:
  Resize(std::int64_t height, std::int64_t width, const std::string& mode, bool align_corners,
         const std::optional<std::string>& isa)
      : kernel_(kernels::select_resize(select_isa(isa))),
        resampling_(mode == "nearest" ? Resampling::nearest
                    : align_corners   ? Resampling::aligned_corners
                                      : Resampling::bilinear),
        height_(height),
        width_(width) {
    check_size(height, width);
    if (mode != "bilinear" && mode != "nearest") fail("mode", "'bilinear' or 'nearest'", "'" + mode + "'");
    if (mode == "nearest" && align_corners) fail("align_corners", "False with mode 'nearest'", "True");
  }

  // Nearest pixels are copied: no instruction set has a kernel of its own.
  std::string kernel() const { return resampling_ == Resampling::nearest ? "portable" : kernel_.name; }

  std::unique_ptr<KernelCall> bind(const std::vector<py::object>& inputs, int threads) const {
    check_threads(threads);
    return std::make_unique<ResizeCall>(kernel_, resampling_, only_image(inputs), height_, width_, threads);
  }

 private:
  const kernels::ResizeKernel& kernel_;
  Resampling resampling_;
  std::int64_t height_, width_;
};

class LabelsCall final : public KernelCall {
 public:
  LabelsCall(Isa isa, const Array<std::uint8_t>& logits, model::Size size, int threads)
      : KernelCall({size.height, size.width},
                   logits.shape(2) <= 256 ? py::dtype::of<std::uint8_t>() : py::dtype::of<std::uint16_t>()),
        isa_(isa),
        logits_(logits.data(), logits.data() + logits.size()),
        from_{logits.shape(0), logits.shape(1)},
        classes_(logits.shape(2)),
        size_(size),
        threads_(threads) {}

 private:
  void execute() override { compute_labels(logits_, from_, classes_, size_, isa_, threads_, output()); }

  Isa isa_;
  std::vector<std::uint8_t> logits_;
  model::Size from_;
  std::int64_t classes_;
  model::Size size_;
  int threads_;
};

class Labels {
 public:
  Labels(std::int64_t height, std::int64_t width, const std::optional<std::string>& isa)
      : isa_(select_isa(isa)), size_{height, width} {
    check_size(height, width);
  }

  std::string kernel() const { return kernels::select_labels(isa_).name; }

  std::unique_ptr<KernelCall> bind(const std::vector<py::object>& inputs, int threads) const {
    check_threads(threads);
    const Array<std::uint8_t> logits = only_image(inputs);
    check_range("classes", logits.shape(2), 1, 65536);
    return std::make_unique<LabelsCall>(isa_, logits, size_, threads);
  }

 private:
  Isa isa_;
  model::Size size_;
};

}  // namespace

void register_resample(py::module_& module) {
  using IsaName = const std::optional<std::string>&;
  operation_class<Resize>(module, "Resize", "Resampling to one size.")
      .def(py::init<std::int64_t, std::int64_t, const std::string&, bool, IsaName>(), py::arg("height"),
           py::arg("width"), py::arg("mode"), py::arg("align_corners"), py::arg("isa"));
  operation_class<Labels>(module, "Labels", "Labels of logits at one size.")
      .def(py::init<std::int64_t, std::int64_t, IsaName>(), py::arg("height"), py::arg("width"), py::arg("isa"));
}

}  // namespace itrt::bindings
