// Greedy placement, its bookkeeping of free bytes, and the bound.
#include "plan/greedy.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "plan/bounds.h"
#include "plan/local_search.h"
#include "plan/random_buffers.h"
#include "plan/validator.h"

namespace itrt::plan {
namespace {

Buffer rectangle(std::int64_t size, std::int64_t begin, std::int64_t end, std::int64_t alignment = 1) {
  return {alignment, {{begin, end, 0, size}}};
}

TEST(Greedy, TheLargestGoesFirst) {
  const std::vector<Buffer> buffers = {rectangle(10, 0, 2), rectangle(20, 1, 3)};
  EXPECT_EQ(place_in_order(buffers, order_by_size(buffers)).offsets, (std::vector<std::int64_t>{20, 0}));
}

TEST(Greedy, FillsAGapBetweenNeighbours) {
  // The last one meets the first and the third; where the second was, it fits exactly.
  const std::vector<Buffer> buffers = {rectangle(50, 0, 9), rectangle(45, 0, 2), rectangle(45, 1, 9),
                                       rectangle(45, 3, 9)};
  const Layout layout = place_in_order(buffers, order_by_size(buffers));
  EXPECT_EQ(layout.offsets, (std::vector<std::int64_t>{0, 50, 95, 50}));
  EXPECT_EQ(layout.height, 140);
}

TEST(Greedy, OrdersAreByWhatTheirNamesSay) {
  const std::vector<Buffer> buffers = {rectangle(6, 0, 2), rectangle(1, 0, 9), rectangle(5, 0, 3)};
  EXPECT_EQ(order_by_size(buffers), (std::vector<std::size_t>{0, 2, 1}));
  EXPECT_EQ(order_by_lifetime(buffers), (std::vector<std::size_t>{1, 2, 0}));
  EXPECT_EQ(order_by_area(buffers), (std::vector<std::size_t>{2, 0, 1}));
}

// Every offset from 0 on, until the validator is content.
std::int64_t lowest_offset_by_force(const std::vector<Buffer>& buffers, const Layout& layout) {
  Layout candidate = layout;
  candidate.height = std::int64_t{1} << 40;
  for (candidate.offsets.push_back(0); find_conflict(buffers, candidate); ++candidate.offsets.back()) {
  }
  return candidate.offsets.back();
}

TEST(Greedy, EveryBufferLiesAsLowAsItCan) {
  const test::RandomBuffers random{.most = 25, .size = 40, .alignments = {1, 4, 6}, .offsets = true};
  for (unsigned seed = 0; seed < 100; ++seed) {
    const std::vector<Buffer> buffers = random(seed);
    std::vector<Buffer> placed;
    Layout layout;
    std::vector<std::size_t> order;
    for (const Buffer& buffer : buffers) {
      placed.push_back(buffer);
      order.push_back(order.size());
      layout.offsets.push_back(extent(buffer) == 0 ? 0 : lowest_offset_by_force(placed, layout));
      ASSERT_EQ(place_in_order(placed, order).offsets, layout.offsets) << "seed " << seed;
    }
  }
}

TEST(Bounds, AreTheLargestSum) {
  const std::vector<Buffer> buffers = {rectangle(10, 0, 4), {1, {{1, 2, 0, 20}, {5, 6, 0, 20}}}, rectangle(40, 5, 7)};
  EXPECT_EQ(lower_bound(buffers), 60);  // at 5: 20 + 40
}

TEST(Bounds, CountWhatAlignmentWastes) {
  const std::vector<Buffer> buffers = {rectangle(65, 0, 1, 64), rectangle(3, 0, 1, 64), rectangle(1, 0, 1, 64)};
  EXPECT_EQ(lower_bound(buffers), 128 + 64 + 1);
  EXPECT_EQ(lower_bound(std::vector<Buffer>{buffers[0], rectangle(3, 0, 1, 48)}), 80 + 16 - 15);  // multiples of 16
}

TEST(LocalSearch, ImprovesAndIsDeterministic) {
  const test::RandomBuffers random{.most = 60, .times = 20, .pieces = 1};
  int improved = 0;
  for (unsigned seed = 0; seed < 20; ++seed) {
    const std::vector<Buffer> buffers = random(seed);
    const std::vector<std::size_t> order = order_by_size(buffers);
    const auto never = [] { return false; };
    const Layout before = place_in_order(buffers, order), after = improve_order(buffers, order, 0, 100, never);
    EXPECT_EQ(find_conflict(buffers, after), std::nullopt);
    EXPECT_LE(after.height, before.height);
    EXPECT_EQ(after.offsets, improve_order(buffers, order, 0, 100, never).offsets);
    improved += after.height < before.height;
  }
  EXPECT_GT(improved, 5);
}

}  // namespace
}  // namespace itrt::plan
