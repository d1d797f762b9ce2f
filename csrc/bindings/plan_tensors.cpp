// A program's tensors as buffers: those of a session, and those of a schedule that a planner makes up.
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/errors.h"
#include "bindings/arguments.h"
#include "bindings/module.h"
#include "bindings/stripes.h"
#include "kernels/convolution/convolution.h"
#include "plan/lifetimes.h"
#include "runtime/schedule.h"

namespace py = pybind11;

namespace itrt::bindings {
namespace {

using SharedProgram = std::shared_ptr<const Program>;
using Pair64 = std::pair<std::int64_t, std::int64_t>;
using PieceRow = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t>;
// A tensor, the bytes below it in its buffer, and those from one of its pixels to the next.
using TensorRow = std::tuple<std::size_t, std::int64_t, std::int64_t>;
// The tensors that share a buffer, and its pieces: (begin, end, offset, size).
using BufferRow = std::pair<std::vector<TensorRow>, std::vector<PieceRow>>;

std::vector<BufferRow> rows_of(const plan::TensorBuffers& tensors) {
  std::vector<BufferRow> result(tensors.buffers.size());
  for (std::size_t index = 0; index < tensors.buffer_of_tensor.size(); ++index) {
    result[tensors.buffer_of_tensor[index]].first.emplace_back(index, tensors.starts[index],
                                                               tensors.pixel_bytes[index]);
  }
  for (std::size_t index = 0; index < result.size(); ++index) {
    for (const plan::Piece& piece : tensors.buffers[index].pieces) {
      result[index].second.emplace_back(piece.begin, piece.end, piece.offset, piece.size);
    }
  }
  return result;
}

std::vector<BufferRow> tensor_buffers(const SharedProgram& program, std::int64_t height, std::int64_t width,
                                      std::int64_t alignment, const std::vector<Pair64>& striped,
                                      const std::vector<model::TensorIndex>& absent, std::int64_t rows_at_once,
                                      bool views) {
  if (rows_at_once < 0)
    throw InvalidArgument("rows_at_once: expected 0 or more, found " + std::to_string(rows_at_once));
  plan::Schedule schedule;
  schedule.rows_at_once = rows_at_once;
  schedule.views = views;
  for (const auto& [begin, end] : striped) schedule.striped.push_back({begin, end});
  const auto tensors = static_cast<std::int64_t>(program->model().tensors.size());
  for (const model::TensorIndex tensor : absent) {
    check_range("absent", tensor, 0, tensors - 1);
    schedule.line_buffers.push_back({tensor, 0});
  }
  const std::vector<model::Size> sizes = model::infer_sizes(program->model(), {height, width});
  return rows_of(plan::tensor_buffers(program->model(), sizes, alignment, schedule));
}

std::vector<BufferRow> session_buffers(const SharedProgram& program, std::int64_t height, std::int64_t width,
                                       const std::vector<StripeRow>& stripes) {
  const std::vector<model::Size> sizes = model::infer_sizes(program->model(), {height, width});
  const Schedule schedule = make_schedule(*program, sizes, Fusion::on, stripes_of(stripes));
  return rows_of(plan::tensor_buffers(program->model(), sizes, static_cast<std::int64_t>(cache_line), schedule.memory));
}

}  // namespace

void register_plan_tensors(py::module_& module) {
  py::module_ plan = module.attr("plan").cast<py::module_>();
  plan.attr("SESSION_ALIGNMENT") = cache_line;
  plan.attr("SESSION_SLACK") = kernels::input_slack;  // bytes behind the last tensor that kernels may read
  plan.def("tensor_buffers", &tensor_buffers, py::arg("program"), py::arg("height"), py::arg("width"),
           py::arg("alignment"), py::arg("striped"), py::arg("absent"), py::arg("rows_at_once"), py::arg("views"),
           "Tensors that share a buffer (each with the bytes below it there, and from one of its pixels to the next),\n"
           "and its pieces, where the operators in each of the ranges `striped` run in turns, some tensors are not\n"
           "there as a whole, convolutions write so many rows before they read what later rows need (0: in no order),\n"
           "and, with `views`, concatenations hold their inputs. Time counts operators: stem, block, head.");
  plan.def("session_buffers", &session_buffers, py::arg("program"), py::arg("height"), py::arg("width"),
           py::arg("stripes"), "The same of a session.");
}

}  // namespace itrt::bindings
