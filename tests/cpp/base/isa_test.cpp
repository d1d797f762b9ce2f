#include "base/isa.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

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

std::vector<Isa> all_isas() {
  std::vector<Isa> all;
  for (std::size_t i = 0; i < isa_names().size(); ++i) all.push_back(static_cast<Isa>(i));
  return all;
}

TEST_F(IsaTest, EveryEnumeratorHasAName) {
  ASSERT_EQ(isa_names().size(), static_cast<std::size_t>(Isa::neon_i8mm) + 1);
  for (std::size_t i = 0; i < isa_names().size(); ++i) EXPECT_EQ(isa_name(static_cast<Isa>(i)), isa_names()[i]);
  EXPECT_EQ(isa_name(Isa::avx512_vnni), "avx512_vnni");
  EXPECT_EQ(isa_name(Isa::neon_i8mm), "neon_i8mm");
}

TEST_F(IsaTest, IncludesItselfAndWhatItExtends) {
  const std::map<Isa, std::set<Isa>> extended = {
      {Isa::portable, {}},
      {Isa::avx2, {Isa::portable}},
      {Isa::avx_vnni, {Isa::portable, Isa::avx2}},
      {Isa::avx512_vnni, {Isa::portable, Isa::avx2}},
      {Isa::amx_int8, {Isa::portable, Isa::avx2, Isa::avx512_vnni}},
      {Isa::neon_dot, {Isa::portable}},
      {Isa::neon_i8mm, {Isa::portable, Isa::neon_dot}},
  };
  for (const Isa chosen : all_isas()) {
    for (const Isa needed : all_isas()) {
      EXPECT_EQ(includes(chosen, needed), chosen == needed || extended.at(chosen).contains(needed))
          << isa_name(chosen) << ' ' << isa_name(needed);
    }
  }
}

TEST_F(IsaTest, ACpuHasWhatItsSetsExtend) {
  EXPECT_TRUE(std::ranges::is_sorted(detected_isas()));
  for (const Isa isa : detected_isas()) {
    EXPECT_TRUE(is_detected(isa));
    for (const Isa other : all_isas()) EXPECT_TRUE(!includes(isa, other) || is_detected(other)) << isa_name(other);
  }
}

// What the operating system says about the same CPU.
TEST_F(IsaTest, DetectsWhatTheOperatingSystemLists) {
  std::set<std::string> flags;
  std::ifstream file("/proc/cpuinfo");
  for (std::string word; file >> word;) flags.insert(word);
  const std::map<Isa, std::string> flag = {
      {Isa::avx2, "avx2"},         {Isa::avx_vnni, "avx_vnni"}, {Isa::avx512_vnni, "avx512_vnni"},
      {Isa::amx_int8, "amx_int8"}, {Isa::neon_dot, "asimddp"},  {Isa::neon_i8mm, "i8mm"}};
#if defined(__aarch64__)
  constexpr const char* list = "Features";
#else
  constexpr const char* list = "flags";
#endif
  if (!flags.contains(list)) GTEST_SKIP() << "no list of this architecture's (an emulator shows the host's)";
  for (const auto& [isa, name] : flag) EXPECT_EQ(is_detected(isa), flags.contains(name)) << isa_name(isa);
}

TEST_F(IsaTest, TheDefaultIsTheBest) {
  EXPECT_EQ(select_isa(), detected_isa());
  EXPECT_EQ(detected_isa(), detected_isas().back());
}

TEST_F(IsaTest, EverySetOfThisCpuCanBeForced) {
  for (const Isa isa : detected_isas()) {
    EXPECT_EQ(select_isa(isa_name(isa)), isa);
    const Environment environment(isa_name(isa).data());
    EXPECT_EQ(select_isa(), isa);
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
  test::expect_error<InvalidArgument>(
      [] { select_isa("neon"); },
      {"isa", "portable, avx2, avx_vnni, avx512_vnni, amx_int8, neon_dot, neon_i8mm", "'neon'"});
  const Environment environment("AVX2");
  test::expect_error<InvalidArgument>([] { select_isa(); }, {"ITRT_ISA", "expected one of", "'AVX2'"});
}

TEST_F(IsaTest, ASetThatTheCpuLacksIsAnError) {
  for (const Isa isa : all_isas()) {  // no CPU has both x86's and ARM's
    if (is_detected(isa)) continue;
    const std::string name(isa_name(isa));
    test::expect_error<InvalidArgument>([&] { select_isa(name); }, {"this CPU has (portable", "'" + name + "'"});
  }
}

}  // namespace
}  // namespace itrt
