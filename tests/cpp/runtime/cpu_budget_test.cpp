#include "runtime/cpu_budget.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <cstdlib>
#include <string>

#include "base/errors.h"
#include "expect_error.h"

namespace itrt {
namespace {

TEST(CpuBudget, IsAtMostTheAffinity) {
  cpu_set_t set;
  ASSERT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
  EXPECT_GE(cpu_budget(), 1);
  EXPECT_LE(cpu_budget(), CPU_COUNT(&set));
}

TEST(CpuBudget, FollowsTheAffinity) {
  cpu_set_t all, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
  int cpu = 0;
  while (!CPU_ISSET(cpu, &all)) ++cpu;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(cpu_budget(), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof(all), &all), 0);
}

class ThreadsVariable : public testing::Test {
 protected:
  void SetUp() override { unsetenv("ITRT_NUM_THREADS"); }
  void TearDown() override { unsetenv("ITRT_NUM_THREADS"); }
  static void set(const char* value) { setenv("ITRT_NUM_THREADS", value, 1); }
};

TEST_F(ThreadsVariable, IsTheDefault) {
  EXPECT_EQ(default_threads(), std::min(cpu_budget(), max_threads));
  set("");
  EXPECT_EQ(default_threads(), std::min(cpu_budget(), max_threads));
  set("1");
  EXPECT_EQ(default_threads(), 1);
  set("256");
  EXPECT_EQ(default_threads(), 256);
}

TEST_F(ThreadsVariable, MustBeANumberInRange) {
  for (const std::string value : {"0", "-1", "257", "two", "2 ", " 2", "+2", "2.0", "0x2", "99999999999999999999"}) {
    SCOPED_TRACE(value);
    set(value.c_str());
    test::expect_error<InvalidArgument>([] { default_threads(); },
                                        {"ITRT_NUM_THREADS", "from 1 to 256", "found \"" + value + "\""});
  }
}

}  // namespace
}  // namespace itrt
