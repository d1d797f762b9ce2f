// Program, thinly: arguments are checked in python/itrt/runtime.py, meanings are in csrc/runtime.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>

#include "base/errors.h"
#include "base/isa.h"
#include "bindings/arrays.h"
#include "bindings/gil.h"
#include "bindings/module.h"
#include "bindings/stripes.h"
#include "runtime/cpu_budget.h"
#include "runtime/cpu_cache.h"
#include "runtime/labels.h"
#include "runtime/program.h"
#include "runtime/session.h"

namespace py = pybind11;

namespace itrt::bindings {
namespace {

using SharedProgram = std::shared_ptr<const Program>;

Hoisting hoisting_of(const std::optional<bool>& hoist) {
  return !hoist ? Hoisting::where_it_pays : *hoist ? Hoisting::all : Hoisting::none;
}

SharedProgram load(const py::buffer& file, const std::optional<std::string>& isa, const std::optional<bool>& hoist) {
  const py::buffer_info info = file.request();
  const std::span bytes(static_cast<const std::uint8_t*>(info.ptr),
                        static_cast<std::size_t>(info.size * info.itemsize));
  const GilRelease release;
  return Program::load(bytes, isa, hoisting_of(hoist));
}

py::array labels(const SharedProgram& program, const ByteArray& logits, std::int64_t height, std::int64_t width,
                 int threads) {
  const auto classes = static_cast<std::int64_t>(program->model().classes.size());
  if (logits.ndim() != 3 || logits.size() == 0 || logits.shape(2) != classes || height < 1 || width < 1) {
    throw InvalidArgument("labels: expected logits (height, width, " + std::to_string(classes) +
                          ") and a size of at least one pixel, found others");
  }
  const model::Size from{logits.shape(0), logits.shape(1)};
  py::array result(classes <= 256 ? py::dtype::of<std::uint8_t>() : py::dtype::of<std::uint16_t>(),
                   std::vector<py::ssize_t>{height, width});
  void* data = result.mutable_data();
  const std::span bytes = bytes_of(logits);
  const GilRelease release;
  compute_labels(bytes, from, classes, {height, width}, program->isa(), threads, data);
  return result;
}

// What is known of an operator without running it.
struct OperatorRow {
  const char* section;
  const char* kind;
  std::string name;
  model::TensorIndex output;
  std::int64_t macs_per_pixel;  // of the output
  std::vector<std::string> kernels;
  bool joins_next;
  std::int64_t hoisted_terms;
};

std::int64_t macs_per_pixel(const model::Operator& op) {
  const auto* convolution = std::get_if<model::Convolution>(&op.body);
  std::int64_t count = 0;
  if (convolution == nullptr) return count;
  for (const model::Term& term : convolution->terms) {
    count += std::accumulate(term.weight_shape.begin(), term.weight_shape.end(), std::int64_t{1}, std::multiplies<>());
  }
  return count;
}

// The names of an operator's kernels; none where it only moves bytes.
struct KernelNames {
  const Program& program;

  std::vector<std::string> operator()(const PreparedConvolution& convolution) const {
    return kernels::kernel_names(convolution.packed.at(0));
  }
  std::vector<std::string> operator()(const model::Add&) const { return {program.add_kernel().name}; }
  std::vector<std::string> operator()(const model::Pool&) const { return {program.pool_kernel().name}; }
  std::vector<std::string> operator()(const model::AdaptivePool&) const { return {program.pool_kernel().name}; }
  std::vector<std::string> operator()(const model::Lookup&) const { return {program.lookup_kernel().name}; }
  std::vector<std::string> operator()(const model::Multiply&) const { return {program.multiply_kernel().name}; }
  std::vector<std::string> operator()(const model::Resize& resize) const {
    if (resize.mode == model::Resize::Mode::nearest) return {};
    return {program.resize_kernel().name};
  }
  std::vector<std::string> operator()(const model::Gather&) const { return {}; }
  std::vector<std::string> operator()(const model::Pad&) const { return {}; }
  std::vector<std::string> operator()(const model::DepthToSpace&) const { return {}; }
};

std::int64_t hoisted_terms(const PreparedOperator& op) {
  const auto* convolution = std::get_if<PreparedConvolution>(&op.body);
  return convolution != nullptr ? convolution->hoisted_terms : 0;
}

OperatorRow describe(const char* section, const Program& program, const model::Operator& op,
                     const PreparedOperator& prepared) {
  return {section,
          model::kind_names[op.body.index()],
          op.name,
          op.output,
          macs_per_pixel(op),
          std::visit(KernelNames{program}, prepared.body),
          prepared.joins_next,
          hoisted_terms(prepared)};
}

std::vector<OperatorRow> operators(const SharedProgram& program) {
  std::vector<OperatorRow> rows;
  const auto append = [&](const char* section, const std::vector<model::Operator>& operators,
                          const std::vector<PreparedOperator>& prepared) {
    for (std::size_t i = 0; i < operators.size(); ++i) {
      rows.push_back(describe(section, *program, operators[i], prepared[i]));
    }
  };
  append("stem", program->model().stem, program->stem());
  append("block", program->model().block, program->block());
  append("head", program->model().head, program->head());
  return rows;
}

void register_program(py::module_& module) {
  py::class_<model::Tensor>(module, "Tensor", "An activation of a program.")
      .def_readonly("name", &model::Tensor::name)
      .def_readonly("channels", &model::Tensor::channels)
      .def_readonly("scale", &model::Tensor::scale)
      .def_property_readonly("zero_points", [](const model::Tensor& tensor) {
        return std::vector<int>(tensor.zero_points.begin(), tensor.zero_points.end());
      });

  py::class_<OperatorRow>(module, "Operator", "An operator of a program: what it writes, and what that costs.")
      .def_readonly("section", &OperatorRow::section)
      .def_readonly("kind", &OperatorRow::kind)
      .def_readonly("name", &OperatorRow::name)
      .def_readonly("output", &OperatorRow::output)
      .def_readonly("macs_per_pixel", &OperatorRow::macs_per_pixel)
      .def_readonly("kernels", &OperatorRow::kernels)
      .def_readonly("joins_next", &OperatorRow::joins_next)
      .def_readonly("hoisted_terms", &OperatorRow::hoisted_terms);

  const auto model = [](auto member) {
    return [member](const SharedProgram& program) { return program->model().*member; };
  };
  py::classh<Program>(module, "Program", "A validated program with packed weights; immutable.")
      .def(
          py::init([](const py::buffer& file, const std::optional<std::string>& isa, const std::optional<bool>& hoist) {
            return std::const_pointer_cast<Program>(load(file, isa, hoist));
          }),
          py::arg("file"), py::arg("isa") = py::none(), py::arg("hoist") = py::none())
      .def_property_readonly("name", model(&model::Program::name))
      .def_property_readonly("iterations", model(&model::Program::iterations))
      .def_property_readonly("max_iterations", model(&model::Program::max_iterations))
      .def_property_readonly("tensors", model(&model::Program::tensors))
      .def_property_readonly("operators", &operators)
      .def_property_readonly("image", model(&model::Program::image))
      .def_property_readonly("state", model(&model::Program::state))
      .def_property_readonly("logits", model(&model::Program::logits))
      .def_property_readonly("color_order", model(&model::Program::color_order))
      .def_property_readonly("mean", model(&model::Program::mean))
      .def_property_readonly("std", model(&model::Program::std))
      .def_property_readonly("classes", model(&model::Program::classes))
      .def_property_readonly("palette",
                             [](const SharedProgram& program) {
                               const auto& palette = program->model().palette;
                               ByteArray result({palette.size(), std::size_t{3}});
                               if (!palette.empty())
                                 std::memcpy(result.mutable_data(), palette.data(), palette.size() * 3);
                               return result;
                             })
      .def_property_readonly("metadata", model(&model::Program::metadata))
      .def_property_readonly("isa", [](const SharedProgram& program) { return std::string(isa_name(program->isa())); })
      .def_property_readonly("weight_bytes", [](const SharedProgram& program) { return program->weight_bytes(); })
      .def(
          "arena_bytes",
          [](const SharedProgram& program, std::int64_t height, std::int64_t width,
             const std::vector<StripeRow>& stripes) {
            return plan_memory(*program, {height, width}, Fusion::on, stripes_of(stripes)).arena_bytes;
          },
          py::arg("height"), py::arg("width"), py::arg("stripes") = std::vector<StripeRow>())
      .def(
          "check_stripes",
          [](const SharedProgram& program, const std::vector<StripeRow>& stripes) {
            check_stripes(*program, stripes_of(stripes));
          },
          py::arg("stripes"))
      .def(
          "choose_stripes",
          [](const SharedProgram& program, std::int64_t height, std::int64_t width) {
            const std::optional<std::int64_t> bytes = level2_cache_bytes();
            return bytes ? rows_of(choose_stripes(*program, {height, width}, *bytes)) : std::vector<StripeRow>();
          },
          py::arg("height"), py::arg("width"))
      .def("labels", &labels, py::arg("logits"), py::arg("height"), py::arg("width"), py::arg("threads"));
}

}  // namespace

void register_runtime(py::module_& module) {
  module.attr("max_threads") = max_threads;
  module.def("cpu_budget", &cpu_budget, "CPUs that affinity and cgroup quota leave to this process.");
  module.def("default_threads", &default_threads, "ITRT_NUM_THREADS or else cpu_budget().");
  module.def(
      "isa_names", [] { return std::vector<std::string>(isa_names().begin(), isa_names().end()); },
      "All instruction sets that itrt knows.");
  module.def(
      "detected_isas",
      [] {
        std::vector<std::string> names;
        for (const Isa isa : detected_isas()) names.emplace_back(isa_name(isa));
        return names;
      },
      "The instruction sets of this CPU, the best last.");
  module.def(
      "detected_isa", [] { return std::string(isa_name(detected_isa())); }, "The best instruction set of this CPU.");
  module.def(
      "select_isa", [](const std::optional<std::string>& isa) { return std::string(isa_name(select_isa(isa))); },
      py::arg("isa") = py::none(), "The instruction set that is used: as asked for, or by ITRT_ISA, or the best.");
  register_program(module);
}

}  // namespace itrt::bindings
