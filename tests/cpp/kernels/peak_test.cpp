// The loops that measure the machine's limit: a loop that did less than it says would make every kernel look slow.
#include "kernels/peak/peak.h"

#include <gtest/gtest.h>

namespace itrt::test {
namespace {

TEST(Peak, DoesAsManyMultiplyAccumulatesAsItsInstructionsCanHold) {
  for (const kernels::PeakKernel* kernel : kernels::peak_kernels()) {
    if (!is_detected(kernel->isa)) continue;
    SCOPED_TRACE(kernel->name);
    const std::int64_t once = kernel->run(1);
    EXPECT_GT(once, 0);
    EXPECT_EQ(kernel->run(0), 0);
    EXPECT_EQ(kernel->run(1000), 1000 * once);
    EXPECT_EQ(kernel->run(kernels::most_peak_rounds), kernels::most_peak_rounds * once);  // no sum overflows
  }
}

TEST(Peak, IsThatOfExactlyTheInstructionSet) {
  EXPECT_EQ(kernels::find_peak(Isa::portable), nullptr);
  for (const kernels::PeakKernel* kernel : kernels::peak_kernels()) EXPECT_EQ(kernels::find_peak(kernel->isa), kernel);
}

}  // namespace
}  // namespace itrt::test
