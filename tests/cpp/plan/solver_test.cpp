#include "plan/solver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "plan/validator.h"

namespace itrt::plan {
namespace {

Buffer buffer(std::int64_t size, std::vector<Interval> lifetime, std::int64_t alignment = 1) {
  return {size, alignment, std::move(lifetime)};
}

std::vector<Buffer> random_buffers(unsigned seed) {
  std::mt19937 engine(seed);
  const auto below = [&](std::int64_t count) {
    return static_cast<std::int64_t>(engine() % static_cast<unsigned>(count));
  };
  std::vector<Buffer> buffers(static_cast<std::size_t>(1 + below(40)));
  const std::int64_t alignment = std::int64_t{1} << below(7);
  for (Buffer& each : buffers) {
    each.size = below(12) == 0 ? 0 : 1 + below(500);
    each.alignment = alignment;
    std::int64_t time = below(30);
    for (std::int64_t count = 1 + below(3); count > 0; --count) {
      const std::int64_t begin = time, end = begin + 1 + below(12);
      each.lifetime.push_back({begin, end});
      time = end + below(8);
    }
  }
  return buffers;
}

TEST(Solver, OfNothing) {
  EXPECT_EQ(solve({}).height, 0);
  EXPECT_EQ(lower_bound({}), 0);
}

TEST(Solver, BuffersThatLiveTogetherLieApart) {
  const std::vector<Buffer> buffers = {buffer(10, {{0, 2}}), buffer(20, {{1, 3}})};
  const Layout layout = solve(buffers);
  EXPECT_EQ(layout.height, 30);
  EXPECT_EQ(layout.offsets, (std::vector<std::int64_t>{20, 0}));  // the largest first
}

TEST(Solver, BuffersThatDoNotMeetShareTheirPlace) {
  const std::vector<Buffer> buffers = {buffer(10, {{0, 2}}), buffer(20, {{2, 3}})};  // half open: they do not meet
  EXPECT_EQ(solve(buffers).height, 20);
  EXPECT_FALSE(overlap(buffers[0], buffers[1]));
}

TEST(Solver, ABufferMayUseTheGapInAnothersLife) {
  // A state that is dead in the middle of the block, and a temporary that lives just there.
  const std::vector<Buffer> buffers = {buffer(100, {{0, 3}, {6, 9}}), buffer(80, {{3, 6}})};
  const Layout layout = solve(buffers);
  EXPECT_EQ(layout.height, 100);
  EXPECT_EQ(layout.offsets, (std::vector<std::int64_t>{0, 0}));
  const std::vector<Buffer> longer = {buffers[0], buffer(80, {{3, 7}})};
  EXPECT_EQ(solve(longer).height, 180);
}

TEST(Solver, FillsAGapBetweenNeighbours) {
  // The last one meets the first and the third; where the second was, it fits exactly.
  const std::vector<Buffer> buffers = {buffer(50, {{0, 9}}), buffer(45, {{0, 2}}), buffer(45, {{1, 9}}),
                                       buffer(45, {{3, 9}})};
  const Layout layout = solve(buffers);
  EXPECT_EQ(layout.offsets, (std::vector<std::int64_t>{0, 50, 95, 50}));
  EXPECT_EQ(layout.height, 140);
}

TEST(Solver, OffsetsAreAligned) {
  const std::vector<Buffer> buffers = {buffer(65, {{0, 1}}, 64), buffer(3, {{0, 1}}, 64), buffer(1, {{0, 1}}, 64)};
  const Layout layout = solve(buffers);
  EXPECT_EQ(layout.offsets, (std::vector<std::int64_t>{0, 128, 192}));
  EXPECT_EQ(layout.height, 193);
}

TEST(Solver, ABufferWithoutALifeTakesNoRoom) {
  const std::vector<Buffer> buffers = {buffer(10, {{0, 2}}), buffer(0, {}), buffer(10, {{0, 2}})};
  EXPECT_EQ(solve(buffers).height, 20);
}

TEST(Solver, TheLowerBoundIsTheLargestSum) {
  const std::vector<Buffer> buffers = {buffer(10, {{0, 4}}), buffer(20, {{1, 2}, {5, 6}}), buffer(40, {{5, 7}})};
  EXPECT_EQ(lower_bound(buffers), 60);  // at 5: 20 + 40
}

TEST(Solver, RandomBuffersDoNotCollide) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    const std::vector<Buffer> buffers = random_buffers(seed);
    const Layout layout = solve(buffers);
    ASSERT_EQ(find_conflict(buffers, layout), std::nullopt) << "seed " << seed;
    ASSERT_GE(layout.height, lower_bound(buffers)) << "seed " << seed;
    std::int64_t highest = 0;
    for (std::size_t i = 0; i < buffers.size(); ++i) highest = std::max(highest, layout.offsets[i] + buffers[i].size);
    ASSERT_EQ(layout.height, highest) << "seed " << seed;
  }
}

TEST(Solver, TheSameBuffersGiveTheSameLayout) {
  const std::vector<Buffer> buffers = random_buffers(3);
  EXPECT_EQ(solve(buffers).offsets, solve(buffers).offsets);
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
    Interval interval;
    Buffer each;
    EXPECT_TRUE(columns >> id >> interval.begin >> interval.end >> each.size) << line;
    each.lifetime = {interval};
    buffers.push_back(each);
  }
  return buffers;
}

TEST(Solver, MiniMallocsHardInstances) {
  const std::filesystem::path directory = ITRT_MINIMALLOC;  // beside the repository, where it is worked on
  if (!std::filesystem::is_directory(directory)) GTEST_SKIP() << "no " << directory;
  int instances = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() != ".csv") continue;
    SCOPED_TRACE(entry.path().filename());
    ++instances;
    const std::vector<Buffer> buffers = read_csv(entry.path());
    ASSERT_GT(buffers.size(), 100u);
    const Layout layout = solve(buffers);
    EXPECT_EQ(find_conflict(buffers, layout), std::nullopt);
    EXPECT_GE(layout.height, lower_bound(buffers));
    EXPECT_LE(layout.height, lower_bound(buffers) * 3 / 2);  // greedy by size is known to need 1.29 to 1.37 times
    EXPECT_LE(lower_bound(buffers), 1 << 20);
  }
  EXPECT_GT(instances, 0);
}

}  // namespace
}  // namespace itrt::plan
