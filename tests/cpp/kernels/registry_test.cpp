#include "kernels/registry.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "kernels/add/add.h"
#include "kernels/convolution/convolution.h"
#include "kernels/convolution/convolution_kernel.h"
#include "kernels/labels/labels.h"
#include "kernels/lookup/lookup.h"
#include "kernels/multiply/multiply.h"
#include "kernels/pool/pool.h"
#include "kernels/resize/resize.h"

namespace itrt::test {
namespace {

TEST(Registry, EveryOperationHasAPortableKernelAndUniqueNames) {
  std::set<std::string> portable, names;
  for (const kernels::KernelRow& row : kernels::registered_kernels()) {
    EXPECT_TRUE(names.insert(std::string(row.operation) + '/' + row.name).second) << row.operation << ' ' << row.name;
    if (row.isa == Isa::portable) portable.insert(row.operation);
  }
  EXPECT_EQ(portable, (std::set<std::string>{"add", "convolution", "grouped_convolution", "labels", "lookup",
                                             "multiply", "pool", "resize"}));
}

template <class Kernels, class Select>
void expect_selection(const Kernels& rows, const Select& select) {
  for (std::size_t i = 0; i + 1 < rows.size(); ++i) EXPECT_GE(rows[i]->isa, rows[i + 1]->isa) << "best first";
  EXPECT_EQ(select(Isa::portable).isa, Isa::portable);
  EXPECT_EQ(&select(rows[0]->isa), rows[0]);
  for (const auto* row : rows) EXPECT_EQ(select(row->isa).isa, row->isa);
  for (std::size_t i = 0; i < isa_names().size(); ++i)
    EXPECT_TRUE(includes(static_cast<Isa>(i), select(static_cast<Isa>(i)).isa));
}

TEST(Registry, SelectsTheBestKernelOfAnInstructionSet) {
  expect_selection(kernels::add_kernels(), kernels::select_add);
  expect_selection(kernels::convolution_kernels(), kernels::select_convolution);
  expect_selection(kernels::labels_kernels(), kernels::select_labels);
  expect_selection(kernels::lookup_kernels(), kernels::select_lookup);
  expect_selection(kernels::multiply_kernels(), kernels::select_multiply);
  expect_selection(kernels::pool_kernels(), kernels::select_pool);
  expect_selection(kernels::resize_kernels(), kernels::select_resize);
}

}  // namespace
}  // namespace itrt::test
