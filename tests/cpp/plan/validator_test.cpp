// The checker itself: planted mistakes are found, and the message names them.
#include "plan/validator.h"

#include <gtest/gtest.h>

namespace itrt::plan {
namespace {

// b lives with a and with c; a and c do not meet.
const std::vector<Buffer> buffers = {{16, {{0, 4, 0, 64}}}, {16, {{2, 8, 0, 32}}}, {16, {{4, 8, 0, 64}}}};
const Layout good = {{0, 64, 0}, 96};

TEST(Validator, AcceptsAGoodLayout) { EXPECT_EQ(find_conflict(buffers, good), std::nullopt); }

TEST(Validator, FindsOverlaps) {
  Layout layout = good;
  layout.offsets[1] = 48;
  EXPECT_EQ(find_conflict(buffers, layout), "buffer 1 overlaps buffer 0");
  layout.offsets = {0, 64, 16};
  EXPECT_EQ(find_conflict(buffers, layout), "buffer 2 overlaps buffer 1");
  layout.offsets = {32, 64, 0};
  EXPECT_EQ(find_conflict(buffers, layout), "buffer 1 overlaps buffer 0");
}

TEST(Validator, FindsABufferInsideAnother) {
  const std::vector<Buffer> nested = {{1, {{0, 2, 0, 64}}}, {1, {{1, 3, 0, 8}}}};
  EXPECT_EQ(find_conflict(nested, {{0, 20}, 64}), "buffer 1 overlaps buffer 0");
  EXPECT_EQ(find_conflict({std::vector<Buffer>{nested[1], nested[0]}}, {{20, 0}, 64}), "buffer 1 overlaps buffer 0");
}

TEST(Validator, FindsOverlapsInASecondLife) {
  const std::vector<Buffer> looped = {{1, {{0, 2, 0, 64}, {6, 8, 0, 64}}}, {1, {{2, 6, 0, 64}}}, {1, {{7, 9, 0, 64}}}};
  EXPECT_EQ(find_conflict(looped, {{0, 0, 64}, 128}), std::nullopt);
  EXPECT_EQ(find_conflict(looped, {{0, 0, 32}, 128}), "buffer 2 overlaps buffer 0");
}

TEST(Validator, FindsBuffersOutsideTheArena) {
  EXPECT_EQ(find_conflict(buffers, {{0, 64, 0}, 95}), "buffer 1 lies outside the arena");
  EXPECT_EQ(find_conflict(buffers, {{-16, 64, 0}, 96}), "buffer 0 lies outside the arena");
}

TEST(Validator, KnowsTheHeightOfEveryPiece) {
  // The first shrinks from below at 2; the second then fits under it.
  const std::vector<Buffer> shrinking = {{1, {{0, 2, 0, 8}, {2, 4, 6, 2}}}, {1, {{2, 4, 0, 6}}}};
  EXPECT_EQ(find_conflict(shrinking, {{0, 0}, 8}), std::nullopt);
  EXPECT_EQ(find_conflict(shrinking, {{0, 1}, 8}), "buffer 1 overlaps buffer 0");
  EXPECT_EQ(find_conflict(shrinking, {{0, 0}, 7}), "buffer 0 lies outside the arena");
  EXPECT_EQ(find_conflict(shrinking, {{0, 2}, 8}), "buffer 1 overlaps buffer 0");
  EXPECT_EQ(find_conflict(shrinking, {{1, 0}, 9}), std::nullopt);
}

TEST(Validator, WhatOccupiesNothingIsNotInTheWay) {
  const std::vector<Buffer> empty = {{1, {{0, 4, 0, 8}}}, {1, {{1, 1, 0, 8}}}, {1, {{0, 4, 0, 0}}}, {1, {}}};
  EXPECT_EQ(find_conflict(empty, {{0, 0, 0, 0}, 8}), std::nullopt);
}

TEST(Validator, FindsUnalignedBuffers) {
  EXPECT_EQ(find_conflict(buffers, {{0, 72, 0}, 128}), "buffer 1 is not aligned");
}

TEST(Validator, NeedsAnOffsetForEachBuffer) {
  EXPECT_EQ(find_conflict(buffers, {{0, 64}, 96}), "expected one offset a buffer");
  EXPECT_EQ(find_conflict(buffers, {{0, 64, 0, 0}, 96}), "expected one offset a buffer");
}

}  // namespace
}  // namespace itrt::plan
