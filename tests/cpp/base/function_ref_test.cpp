#include "base/function_ref.h"

#include <gtest/gtest.h>

#include <memory>

namespace itrt {
namespace {

int twice(FunctionRef<int(int)> function) { return function(function(1)); }

TEST(FunctionRef, CallsALambdaWithItsCaptures) {
  int calls = 0;
  const auto add = [&calls](int value) {
    ++calls;
    return value + 10;
  };
  EXPECT_EQ(twice(add), 21);
  EXPECT_EQ(calls, 2);
}

TEST(FunctionRef, CallsAMutableCallableInPlace) {
  auto count = [calls = 0](int) mutable { return ++calls; };
  const FunctionRef<int(int)> reference(count);
  EXPECT_EQ(reference(0), 1);
  EXPECT_EQ(reference(0), 2);
  EXPECT_EQ(count(0), 3);
}

TEST(FunctionRef, CopiesReferToTheSameCallable) {
  int calls = 0;
  const auto count = [&calls] { ++calls; };
  const FunctionRef<void()> first(count);
  const FunctionRef<void()> second = first;
  second();
  EXPECT_EQ(calls, 1);
}

TEST(FunctionRef, ForwardsArguments) {
  const auto take = [](std::unique_ptr<int> value, int& out) { out = *value; };
  int out = 0;
  const FunctionRef<void(std::unique_ptr<int>, int&)> reference(take);
  reference(std::make_unique<int>(5), out);
  EXPECT_EQ(out, 5);
}

}  // namespace
}  // namespace itrt
