#include "base/isa.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/errors.h"
#include "expect_error.h"

namespace itrt {
namespace {

class Environment {
 public:
  explicit Environment(const char* value) { setenv("ITRT_ISA", value, 1); }
  ~Environment() { unsetenv("ITRT_ISA"); }
};

class IsaTest : public testing::Test {
 protected:
  void SetUp() override { unsetenv("ITRT_ISA"); }  // CI may run the tests with one
};

TEST_F(IsaTest, NamesAreInAscendingOrder) {
  ASSERT_EQ(isa_names().size(), 3u);
  for (std::size_t i = 0; i < isa_names().size(); ++i) EXPECT_EQ(isa_name(static_cast<Isa>(i)), isa_names()[i]);
}

TEST_F(IsaTest, TheDefaultIsTheBest) { EXPECT_EQ(select_isa(), detected_isa()); }

TEST_F(IsaTest, EverySetOfThisCpuCanBeForced) {
  for (std::size_t i = 0; i <= static_cast<std::size_t>(detected_isa()); ++i) {
    EXPECT_EQ(select_isa(isa_names()[i]), static_cast<Isa>(i));
    const Environment environment(isa_names()[i].data());
    EXPECT_EQ(select_isa(), static_cast<Isa>(i));
  }
}

TEST_F(IsaTest, AnArgumentWinsOverTheEnvironment) {
  const Environment environment("nonsense");
  EXPECT_EQ(select_isa("portable"), Isa::portable);
}

TEST_F(IsaTest, AnEmptyVariableIsNone) {
  const Environment environment("");
  EXPECT_EQ(select_isa(), detected_isa());
}

TEST_F(IsaTest, AnUnknownNameIsAnErrorThatNamesItsSource) {
  test::expect_error<InvalidArgument>([] { select_isa("neon"); }, {"isa", "portable, avx2, avx512_vnni", "'neon'"});
  const Environment environment("AVX2");
  test::expect_error<InvalidArgument>([] { select_isa(); }, {"ITRT_ISA", "expected one of", "'AVX2'"});
}

TEST_F(IsaTest, ASetThatTheCpuLacksIsAnError) {
  if (detected_isa() == Isa::avx512_vnni) GTEST_SKIP() << "this CPU has them all";
  test::expect_error<InvalidArgument>([] { select_isa("avx512_vnni"); }, {"this CPU has", "'avx512_vnni'"});
}

}  // namespace
}  // namespace itrt
