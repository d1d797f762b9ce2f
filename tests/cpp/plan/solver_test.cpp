#include "plan/solver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>

#include "base/errors.h"
#include "expect_error.h"
#include "plan/bounds.h"
#include "plan/brute_force.h"
#include "plan/greedy.h"
#include "plan/random_buffers.h"
#include "plan/validator.h"

namespace itrt::plan {
namespace {

constexpr std::int64_t enough = 1'000'000;  // nodes, for instances that need some dozens

Buffer buffer(std::int64_t size, std::vector<std::pair<std::int64_t, std::int64_t>> lifetime,
              std::int64_t alignment = 1) {
  Buffer result{alignment, {}};
  for (const auto& [begin, end] : lifetime) result.pieces.push_back({begin, end, 0, size});
  return result;
}

// Greedy by size needs 8, the best layout 7, which is also the sum at time 2.
const std::vector<Buffer> greedy_fails = {buffer(3, {{0, 2}}), buffer(2, {{1, 4}}), buffer(2, {{0, 1}, {2, 5}}),
                                          buffer(3, {{3, 6}}), buffer(3, {{2, 3}})};

TEST(Solver, OfNothing) {
  const Solution solution = solve({});
  EXPECT_EQ(solution.layout.height, 0);
  EXPECT_TRUE(solution.proven());
  const std::vector<Buffer> empty = {buffer(10, {{3, 3}}), buffer(0, {{0, 9}}), buffer(10, {})};
  EXPECT_EQ(solve(empty).layout.height, 0);
}

TEST(Solver, BuffersThatLiveTogetherLieApart) {
  const std::vector<Buffer> buffers = {buffer(10, {{0, 2}}), buffer(20, {{1, 3}})};
  EXPECT_EQ(solve(buffers).layout.height, 30);
}

TEST(Solver, BuffersThatDoNotMeetShareTheirPlace) {
  const std::vector<Buffer> buffers = {buffer(10, {{0, 2}}), buffer(20, {{2, 3}})};  // half open: they do not meet
  EXPECT_EQ(solve(buffers).layout.height, 20);
}

TEST(Solver, ABufferMayUseTheGapInAnothersLife) {
  // A state that is dead in the middle of the block, and a temporary that lives just there.
  const std::vector<Buffer> buffers = {buffer(100, {{0, 3}, {6, 9}}), buffer(80, {{3, 6}})};
  EXPECT_EQ(solve(buffers).layout.height, 100);
  const std::vector<Buffer> longer = {buffers[0], buffer(80, {{3, 7}})};
  EXPECT_EQ(solve(longer).layout.height, 180);
}

TEST(Solver, OffsetsAreAligned) {
  const std::vector<Buffer> buffers = {buffer(65, {{0, 1}}, 64), buffer(3, {{0, 1}}, 64), buffer(1, {{0, 1}}, 64)};
  const Solution solution = solve(buffers);
  EXPECT_EQ(solution.layout.height, 64 + 64 + 65);  // 65 at the top
  EXPECT_TRUE(solution.proven());
}

TEST(Solver, UsesRoomThatAnotherLeavesWhenItShrinks) {
  const std::vector<Buffer> buffers = {{1, {{0, 2, 0, 8}, {2, 4, 6, 2}}}, {1, {{2, 4, 0, 6}}}};
  const Solution solution = solve(buffers);
  EXPECT_EQ(solution.layout.height, 8);
  EXPECT_TRUE(solution.proven());
}

void expect_consistent(std::span<const Buffer> buffers, const Solution& solution, std::int64_t optimum) {
  ASSERT_EQ(find_conflict(buffers, solution.layout), std::nullopt);
  ASSERT_GE(solution.layout.height, optimum);
  ASSERT_LE(solution.lower_bound, optimum);
  std::int64_t top = 0;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    top = std::max(top, extent(buffers[i]) == 0 ? 0 : solution.layout.offsets[i] + extent(buffers[i]));
  }
  ASSERT_EQ(solution.layout.height, top);
}

TEST(Solver, FindsTheOptimumThatBruteForceFinds) {
  int harder = 0;
  for (const std::vector<std::int64_t>& alignments : {std::vector<std::int64_t>{1}, {2}, {3, 1}, {2, 3, 4}}) {
    const test::RandomBuffers random{
        .most = 6, .times = 5, .longest = 4, .pieces = 2, .size = 4, .alignments = alignments};
    for (unsigned seed = 0; seed < 400 && !testing::Test::HasFatalFailure(); ++seed) {
      SCOPED_TRACE(seed);
      const std::vector<Buffer> buffers = random(seed);
      const std::int64_t optimum = test::lowest_height(buffers);
      const Solution solution = solve(buffers, {.nodes = enough});
      expect_consistent(buffers, solution, optimum);
      ASSERT_TRUE(solution.proven());
      harder += place_in_order(buffers, order_by_size(buffers)).height > optimum;
      for (const std::int64_t capacity : {optimum - 1, optimum, optimum + 1}) {
        if (capacity < 0) continue;
        const Solution within = solve(buffers, {.nodes = enough, .capacity = capacity});
        expect_consistent(buffers, within, optimum);
        ASSERT_EQ(within.fits(capacity), capacity >= optimum);
      }
    }
  }
  EXPECT_GT(harder, 100);  // greedy would not have passed
}

TEST(Solver, OfPiecesAboveTheirBuffersOffsetClaimsNothingWrong) {
  const test::RandomBuffers random{.most = 5, .times = 5, .longest = 4, .pieces = 3, .size = 4, .offsets = true};
  int proven = 0;
  for (unsigned seed = 0; seed < 1000 && !testing::Test::HasFatalFailure(); ++seed) {
    SCOPED_TRACE(seed);
    const std::vector<Buffer> buffers = random(seed);
    const Solution solution = solve(buffers, {.nodes = 3000});
    expect_consistent(buffers, solution, test::lowest_height(buffers));
    proven += solution.proven();
  }
  EXPECT_GT(proven, 300);
}

TEST(Solver, IsNeverWorseThanGreedyAndItsBoundsHold) {
  const test::RandomBuffers random{.alignments = {1, 2, 3, 64}};
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    const std::vector<Buffer> buffers = random(seed);
    const Solution solution = solve(buffers);
    ASSERT_EQ(find_conflict(buffers, solution.layout), std::nullopt);
    ASSERT_LE(solution.layout.height, place_in_order(buffers, order_by_size(buffers)).height);
    ASSERT_GE(solution.lower_bound, lower_bound(buffers));
    ASSERT_GE(solution.layout.height, solution.lower_bound);
  }
}

TEST(Solver, WithALimitOfWorkIsAFunctionOfItsArguments) {
  const test::RandomBuffers random{.most = 200, .times = 40, .pieces = 1};
  for (unsigned seed = 0; seed < 5; ++seed) {
    const std::vector<Buffer> buffers = random(seed);
    const Solution first = solve(buffers, {.nodes = 300}), second = solve(buffers, {.nodes = 300});
    EXPECT_EQ(first.layout.offsets, second.layout.offsets);
    EXPECT_EQ(first.lower_bound, second.lower_bound);
    EXPECT_LE(first.nodes, 300);
  }
}

TEST(Solver, WithoutAnyWorkIsGreedy) {
  const Solution solution = solve(greedy_fails, {.nodes = 0});
  EXPECT_EQ(solution.nodes, 0);
  EXPECT_EQ(solution.layout.height, place_in_order(greedy_fails, order_by_size(greedy_fails)).height);
}

TEST(Solver, StopsWhenItIsCancelled) {
  const std::vector<Buffer> buffers = test::RandomBuffers{.most = 200, .times = 40, .pieces = 1}(1);
  int questions = 0;
  const Solution solution =
      solve(buffers, {.nodes = std::numeric_limits<std::int64_t>::max()}, [&] { return ++questions > 5; });
  EXPECT_EQ(find_conflict(buffers, solution.layout), std::nullopt);
  EXPECT_LE(questions, 20);
}

TEST(Solver, ManyBuffersAreLaidOutWithoutAllTheirPairs) {
  std::vector<Buffer> buffers;
  std::mt19937 engine(1);
  for (int i = 0; i < 20'000; ++i) {
    const std::int64_t begin = engine() % 100'000;
    const bool lives_long = i % 10 == 0;
    const std::int64_t length = lives_long ? 50'000 : engine() % 100;
    buffers.push_back(buffer(1 + engine() % 5000, {{begin, begin + length}}));
  }
  const Solution solution = solve(buffers);
  EXPECT_EQ(solution.layout.offsets.size(), buffers.size());
  EXPECT_GE(solution.layout.height, lower_bound(buffers));
  EXPECT_LE(solution.layout.height, lower_bound(buffers) * 3 / 2);
}

TEST(Solver, EndsWhereItsSearchesFindNothingAndCannotProveIt) {
  const std::vector<Buffer> buffers = {{1, {{0, 2, 0, 8}, {2, 4, 6, 3}}}, {1, {{2, 4, 0, 6}}}, {1, {{0, 4, 0, 1}}}};
  const Solution solution = solve(buffers, {.nodes = 100'000, .capacity = 9});
  EXPECT_NE(solution.fits(9), true);
  EXPECT_EQ(find_conflict(buffers, solution.layout), std::nullopt);
}

TEST(Solver, RefusesANegativeCapacity) {
  test::expect_error<InvalidArgument>([] { solve({}, {.capacity = -1}); }, {"capacity", "0 or more", "-1"});
}

// Rows of "id,lower,upper,size" behind a line of names.
std::vector<Buffer> read_csv(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<Buffer> buffers;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::replace(line.begin(), line.end(), ',', ' ');
    std::istringstream columns(line);
    std::string id;
    Piece piece;
    EXPECT_TRUE(columns >> id >> piece.begin >> piece.end >> piece.size) << line;
    buffers.push_back({1, {piece}});
  }
  return buffers;
}

// All five are in tests/python/planner/test_instances.py: three of them take a minute under sanitizers.
TEST(Solver, MiniMallocsInstancesFitTheirCapacity) {
  const std::filesystem::path directory = ITRT_MINIMALLOC;  // beside the repository, where it is worked on
  if (!std::filesystem::is_directory(directory)) GTEST_SKIP() << "no " << directory;
  constexpr std::int64_t capacity = 1 << 20;
  for (const char* name : {"B.1048576.csv", "C.1048576.csv"}) {
    SCOPED_TRACE(name);
    const std::vector<Buffer> buffers = read_csv(directory / name);
    ASSERT_GT(buffers.size(), 100u);
    const Solution solution = solve(buffers, {.nodes = 100'000, .capacity = capacity});
    EXPECT_EQ(find_conflict(buffers, solution.layout), std::nullopt);
    EXPECT_EQ(solution.fits(capacity), true);
  }
}

}  // namespace
}  // namespace itrt::plan
