#include "plan/buffer.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/errors.h"
#include "expect_error.h"

namespace itrt::plan {
namespace {

void expect_refused(const std::vector<Buffer>& buffers, std::initializer_list<std::string_view> parts) {
  test::expect_error<InvalidArgument>([&] { check_buffers(buffers); }, parts);
}

TEST(Buffer, ExtentIsThatOfItsHighestPiece) {
  EXPECT_EQ(extent({1, {{0, 2, 0, 8}, {2, 4, 6, 3}}}), 9);
  EXPECT_EQ(extent({1, {{0, 2, 0, 8}, {4, 4, 6, 3}, {5, 6, 100, 0}}}), 8);  // the others occupy nothing
  EXPECT_EQ(extent({1, {}}), 0);
}

TEST(Buffer, WhatMakesNoSenseIsRefused) {
  const Buffer good{1, {{0, 2, 0, 8}}};
  expect_refused({good, {0, {{0, 2, 0, 8}}}}, {"buffer 1", "alignment", "1 or more", "0"});
  expect_refused({{1, {{3, 2, 0, 8}}}}, {"buffer 0", "lifetime", "3", "found 2"});
  expect_refused({{1, {{0, 2, 0, -8}}}}, {"size", "0 or more", "-8"});
  expect_refused({{1, {{0, 2, -1, 8}}}}, {"offset of a piece", "0 or more", "-1"});
  expect_refused({{1, {{0, 3, 0, 8}, {2, 4, 0, 8}}}}, {"pieces", "one at a time", "two at 2"});
  EXPECT_NO_THROW(check_buffers(std::vector<Buffer>{good, {7, {{2, 4, 0, 8}, {0, 2, 0, 8}}}}));
}

TEST(Buffer, SumsThatOverflowAreRefused) {
  constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  expect_refused({{1, {{0, 1, 0, largest}}}}, {"buffer 0", "2^62"});
  expect_refused({{1, {{0, 1, largest, largest}}}}, {"buffer 0", "2^62"});
  expect_refused({{largest, {{0, 1, 0, 1}}}}, {"buffer 0", "2^62"});
  const Buffer half{1, {{0, 1, 0, std::int64_t{1} << 61}}};
  expect_refused({half, half}, {"buffer 1", "2^62"});
  EXPECT_NO_THROW(check_buffers(std::vector<Buffer>{half}));
}

}  // namespace
}  // namespace itrt::plan
