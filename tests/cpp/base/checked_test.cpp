#include "base/checked.h"

#include <gtest/gtest.h>

#include <limits>

namespace itrt {
namespace {

constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();

TEST(Checked, GivesSumsAndProducts) {
  EXPECT_EQ(checked_add(highest - 1, 1), highest);
  EXPECT_EQ(checked_add(-3, 2), -1);
  EXPECT_EQ(checked_multiply(std::int64_t{1} << 31, std::int64_t{1} << 31), std::int64_t{1} << 62);
  EXPECT_EQ(checked_multiply(highest, 0), 0);
}

TEST(Checked, ReportsOverflow) {
  EXPECT_EQ(checked_add(highest, 1), std::nullopt);
  EXPECT_EQ(checked_add(lowest, -1), std::nullopt);
  EXPECT_EQ(checked_multiply(std::int64_t{1} << 32, std::int64_t{1} << 31), std::nullopt);
  EXPECT_EQ(checked_multiply(lowest, -1), std::nullopt);
}

TEST(Checked, RoundsUp) {
  EXPECT_EQ(round_up(0, 64), 0);
  EXPECT_EQ(round_up(1, 64), 64);
  EXPECT_EQ(round_up(64, 64), 64);
  EXPECT_EQ(round_up(65, 48), 96);
}

}  // namespace
}  // namespace itrt
