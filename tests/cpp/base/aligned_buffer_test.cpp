#include "base/aligned_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace itrt {
namespace {

TEST(AlignedBuffer, IsZeroAndOnACacheLine) {
  for (const std::size_t size : {1, 63, 64, 65, 100'000}) {
    const AlignedBuffer buffer(size);
    EXPECT_EQ(buffer.size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % cache_line, 0u);
    EXPECT_TRUE(std::all_of(buffer.data(), buffer.data() + size, [](std::byte byte) { return byte == std::byte{0}; }));
  }
}

TEST(AlignedBuffer, MayBeEmpty) {
  EXPECT_EQ(AlignedBuffer().size(), 0u);
  EXPECT_EQ(AlignedBuffer(0).data(), nullptr);
}

TEST(AlignedBuffer, MovesItsMemory) {
  AlignedBuffer source(16);
  source.as<int>()[3] = 42;
  const AlignedBuffer target = std::move(source);
  EXPECT_EQ(target.as<int>()[3], 42);
  EXPECT_EQ(target.size(), 16u);
}

}  // namespace
}  // namespace itrt
