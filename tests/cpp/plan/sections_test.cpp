#include "plan/sections.h"

#include <gtest/gtest.h>

namespace itrt::plan {
namespace {

std::vector<std::vector<std::size_t>> names(const Sections& sections) {
  std::vector<std::vector<std::size_t>> result;
  for (const auto& members : sections.members) {
    result.emplace_back();
    for (const Member& member : members) result.back().push_back(member.buffer);
  }
  return result;
}

TEST(Sections, AreTheMomentsThatAreNoSubsets) {
  // The picture of sections.h.
  const std::vector<Buffer> buffers = {
      {1, {{0, 18, 0, 1}}}, {1, {{0, 7, 0, 1}}}, {1, {{10, 20, 0, 1}}}, {1, {{13, 25, 0, 1}}}};
  const auto sections = find_sections(buffers, 100);
  ASSERT_TRUE(sections);
  EXPECT_EQ(names(*sections), (std::vector<std::vector<std::size_t>>{{0, 1}, {0, 2, 3}}));
  EXPECT_EQ(sections->runs[0], (std::vector<plan::Run>{{0, 1}}));
  EXPECT_EQ(sections->runs[3], (std::vector<plan::Run>{{1, 1}}));
}

TEST(Sections, ABufferMayComeBackInAnotherSize) {
  const std::vector<Buffer> buffers = {{1, {{0, 2, 0, 5}, {4, 6, 0, 7}}}, {1, {{1, 3, 0, 1}}}, {1, {{2, 5, 0, 1}}}};
  const auto sections = find_sections(buffers, 100);
  ASSERT_TRUE(sections);
  EXPECT_EQ(names(*sections), (std::vector<std::vector<std::size_t>>{{0, 1}, {1, 2}, {0, 2}}));
  EXPECT_EQ(sections->runs[0], (std::vector<plan::Run>{{0, 0}, {2, 2}}));
  EXPECT_EQ(sections->members[2][0].size, 7);
}

TEST(Sections, AreNotMadeWhereTheyAreTooMany) {
  const std::vector<Buffer> buffers = {{1, {{0, 2, 0, 1}}}, {1, {{1, 4, 0, 1}}}, {1, {{3, 5, 0, 1}}}};
  EXPECT_TRUE(find_sections(buffers, 4));
  EXPECT_FALSE(find_sections(buffers, 3));
}

}  // namespace
}  // namespace itrt::plan
