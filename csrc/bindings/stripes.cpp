// The arithmetic of stripes (plan/stripes.h) for planners in Python, and stripes as arguments.
#include "bindings/stripes.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/errors.h"
#include "bindings/module.h"
#include "plan/stripes.h"

namespace py = pybind11;

namespace itrt::bindings {
namespace {

constexpr std::array<const char*, 3> sections = {"stem", "block", "head"};

using RowPair = std::pair<std::int64_t, std::int64_t>;

std::vector<std::vector<RowPair>> pairs(const std::vector<std::vector<plan::Rows>>& stripes) {
  std::vector<std::vector<RowPair>> result;
  for (const auto& stripe : stripes) {
    std::vector<RowPair>& row = result.emplace_back();
    for (const plan::Rows& rows : stripe) row.emplace_back(rows.first, rows.last);
  }
  return result;
}

plan::StripePlan plan_stripes(
    const std::vector<std::pair<std::int64_t, bool>>& tensors,
    const std::vector<std::pair<std::size_t, std::vector<std::pair<std::size_t, plan::RowsRead>>>>& operators,
    std::int64_t rows, bool recompute) {
  plan::StripeGroup group;
  for (const auto& [height, whole] : tensors) group.tensors.push_back({height, whole});
  for (const auto& [output, inputs] : operators) {
    plan::StripedOperator& op = group.operators.emplace_back();
    op.output = output;
    for (const auto& [tensor, read] : inputs) op.inputs.push_back({tensor, read});
  }
  return plan::plan_stripes(group, rows, recompute ? plan::Halo::recomputed : plan::Halo::kept);
}

}  // namespace

std::vector<Stripe> stripes_of(std::span<const StripeRow> rows) {
  std::vector<Stripe> result;
  for (const auto& [section, first, last, count] : rows) {
    const auto* found = std::find(sections.begin(), sections.end(), section);
    if (found == sections.end()) {
      throw InvalidArgument("section of a stripe: expected stem, block or head, found '" + section + "'");
    }
    result.push_back({static_cast<Section>(found - sections.begin()), first, last, count});
  }
  return result;
}

std::vector<StripeRow> rows_of(std::span<const Stripe> stripes) {
  std::vector<StripeRow> result;
  for (const Stripe& each : stripes) {
    result.emplace_back(sections[static_cast<std::size_t>(each.section)], each.first, each.last, each.rows);
  }
  return result;
}

void register_stripes(py::module_& module) {
  using plan::RowsRead;
  using plan::StripePlan;
  py::class_<RowsRead>(module, "RowsRead", "Which rows of an input an operator reads for a row of its output.")
      .def_static("elementwise", &RowsRead::elementwise)
      .def_static("convolution", &RowsRead::convolution, py::arg("kernel"), py::arg("stride"), py::arg("padding_top"),
                  py::arg("dilation"))
      .def_static("bilinear", &RowsRead::bilinear, py::arg("input_height"), py::arg("output_height"))
      .def_static("aligned_corners", &RowsRead::aligned_corners, py::arg("input_height"), py::arg("output_height"))
      .def_static("nearest", &RowsRead::nearest, py::arg("input_height"), py::arg("output_height"))
      .def_static("divided", &RowsRead::divided, py::arg("input_height"), py::arg("output_height"))
      .def_static("padded", &RowsRead::padded, py::arg("top"), py::arg("mirrored"))
      .def_static("replicated", &RowsRead::replicated, py::arg("top"))
      .def_static("blocks", &RowsRead::blocks, py::arg("block_height"))
      .def_static("everything", &RowsRead::everything, py::arg("input_height"))
      .def(
          "of",
          [](const RowsRead& self, std::int64_t first, std::int64_t last, std::int64_t height) {
            const plan::Rows rows = self.of({first, last}, height);
            return RowPair(rows.first, rows.last);
          },
          py::arg("first"), py::arg("last"), py::arg("height"),
          "The rows of an input of `height` rows that the output's rows read, half open.");
  py::class_<StripePlan>(module, "StripePlan", "What operators that run in turns compute, and what they hold.")
      .def_property_readonly(
          "computed", [](const StripePlan& self) { return pairs(self.computed); },
          "[stripe][operator]: (first, last) row of its output, half open.")
      .def_property_readonly(
          "held", [](const StripePlan& self) { return pairs(self.held); },
          "[stripe][tensor]: (first, last) row in its buffer when the stripe's operators have run, half open.")
      .def_readonly("buffer_rows", &StripePlan::buffer_rows, "[tensor]: rows of its line buffer, or its height.")
      .def_readonly("recomputed_rows", &StripePlan::recomputed_rows, "Rows that were computed again.");
  module.def("plan_stripes", &plan_stripes, py::arg("tensors"), py::arg("operators"), py::arg("rows"),
             py::arg("recompute") = false,
             "Stripes of `rows` rows of the last output. tensors: (height, stored whole); operators, in order:\n"
             "(output, [(input, RowsRead)]); tensors are numbers. Halos are kept, or computed again.");
}

}  // namespace itrt::bindings
