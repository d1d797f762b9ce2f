#include "plan/canonical_search.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "plan/brute_force.h"
#include "plan/random_buffers.h"
#include "plan/search.h"

namespace itrt::plan {
namespace {

constexpr std::int64_t enough = 100'000;  // nodes, for instances that need some dozens

Problem describe_all(std::span<const Buffer> buffers) { return describe(buffers, *find_sections(buffers, 1 << 20)); }

// Every order of the one search, and the other one again and again: from its second attempt on it has other
// preferences.
template <class Run>
void expect_truth(std::span<const Buffer> buffers, std::int64_t optimum, Run run) {
  for (std::int64_t height = std::max<std::int64_t>(0, optimum - 2); height <= optimum + 1; ++height) {
    const auto [answer, offsets] = run(height);
    ASSERT_EQ(answer, height >= optimum ? Answer::fits : Answer::impossible) << "height " << height;
    if (answer == Answer::fits) {
      ASSERT_EQ(find_conflict(buffers, {offsets, height}), std::nullopt);
    }
  }
}

TEST(CanonicalSearch, BothSearchesAnswerWhatBruteForceAnswers) {
  for (const std::vector<std::int64_t>& alignments : {std::vector<std::int64_t>{1}, {2}, {3, 1}, {2, 3, 4}}) {
    const test::RandomBuffers random{
        .most = 6, .times = 5, .longest = 4, .pieces = 2, .size = 4, .alignments = alignments};
    for (unsigned seed = 0; seed < 300 && !testing::Test::HasFatalFailure(); ++seed) {
      SCOPED_TRACE(seed);
      const std::vector<Buffer> buffers = random(seed);
      const std::int64_t optimum = test::lowest_height(buffers);
      const Problem problem = describe_all(buffers);
      CanonicalSearch canonical(buffers, problem);
      Search learning(problem);
      for (std::size_t order = 0; order < CanonicalSearch::orders; ++order) {
        expect_truth(buffers, optimum, [&](std::int64_t height) {
          const Answer answer = canonical.run(height, order, enough, [] { return false; });
          return std::pair(answer, canonical.offsets());
        });
        expect_truth(buffers, optimum, [&](std::int64_t height) {
          const Answer answer = learning.run(height, enough, [] { return false; });
          return std::pair(answer, learning.offsets());
        });
      }
    }
  }
}

TEST(CanonicalSearch, TwinsDoNotStandInEachOthersWay) {
  // The learning search once refused the first of two twins above the second.
  const std::vector<Buffer> buffers = {{1, {{3, 5, 0, 4}}}, {1, {{4, 5, 0, 1}}}, {1, {{3, 5, 0, 4}}}};
  const Problem problem = describe_all(buffers);
  Search search(problem);
  for (int attempt = 0; attempt < 50; ++attempt) {
    ASSERT_EQ(search.run(9, enough, [] { return false; }), Answer::fits) << "attempt " << attempt;
  }
}

TEST(CanonicalSearch, EndsAtItsLimitAndWhenItIsCancelled) {
  std::vector<Buffer> buffers;
  for (std::int64_t index = 0; index < 200; ++index) {
    buffers.push_back({1, {{index % 7, 10 + index % 5, 0, 1 + index}}});  // none finds a place without a placement
  }
  const Problem problem = describe_all(buffers);
  CanonicalSearch search(buffers, problem);
  ASSERT_EQ(search.run(1 << 20, 0, 3, [] { return false; }), Answer::unknown);
  EXPECT_EQ(search.nodes(), 3);
  EXPECT_EQ(search.run(1 << 20, 0, enough, [] { return true; }), Answer::unknown);
  EXPECT_LT(search.nodes(), 100);
  EXPECT_EQ(search.run(1 << 20, 0, enough, [] { return false; }), Answer::fits);
}

}  // namespace
}  // namespace itrt::plan
