#include "runtime/labels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

namespace itrt {
namespace {

using model::Size;

struct Tap {
  std::int64_t first, second, weight;  // of the second, in 128ths
};

// docs/numerics.md, typed out.
Tap tap(std::int64_t out, std::int64_t in_size, std::int64_t out_size) {
  const std::int64_t n = std::max<std::int64_t>((2 * out + 1) * in_size - out_size, 0);
  const std::int64_t first = std::min(n / (2 * out_size), in_size - 1);
  return {first, std::min(first + 1, in_size - 1), (128 * (n % (2 * out_size)) + out_size) / (2 * out_size)};
}

std::vector<int> naive_labels(const std::vector<std::uint8_t>& logits, Size from, std::int64_t classes, Size to) {
  std::vector<int> labels;
  for (std::int64_t y = 0; y < to.height; ++y) {
    for (std::int64_t x = 0; x < to.width; ++x) {
      const Tap v = tap(y, from.height, to.height), h = tap(x, from.width, to.width);
      std::int64_t best = -1, label = 0;
      for (std::int64_t c = 0; c < classes; ++c) {
        const auto at = [&](std::int64_t row, std::int64_t column) -> std::int64_t {
          return logits[static_cast<std::size_t>((row * from.width + column) * classes + c)];
        };
        const std::int64_t sum =
            (128 - v.weight) * ((128 - h.weight) * at(v.first, h.first) + h.weight * at(v.first, h.second)) +
            v.weight * ((128 - h.weight) * at(v.second, h.first) + h.weight * at(v.second, h.second));
        if (sum > best) best = sum, label = c;
      }
      labels.push_back(static_cast<int>(label));
    }
  }
  return labels;
}

template <class Label>
std::vector<int> labels(const std::vector<std::uint8_t>& logits, Size from, std::int64_t classes, Size to, Isa isa,
                        int threads) {
  std::vector<Label> result(static_cast<std::size_t>(to.height * to.width), static_cast<Label>(-1));
  compute_labels(logits, from, classes, to, isa, threads, result.data());
  return {result.begin(), result.end()};
}

TEST(Labels, AreThoseOfTheFormula) {
  std::mt19937 engine(11);
  for (const std::int64_t classes : {1, 2, 11, 19, 256, 257, 300}) {
    for (const auto& [from, to] : {std::pair<Size, Size>{{5, 7}, {20, 28}},
                                   {{6, 4}, {23, 17}},
                                   {{1, 1}, {3, 4}},
                                   {{9, 9}, {9, 9}},
                                   {{8, 8}, {5, 3}},
                                   {{3, 1}, {1, 40}}}) {
      std::vector<std::uint8_t> logits(static_cast<std::size_t>(from.height * from.width * classes));
      for (std::uint8_t& value : logits) value = static_cast<std::uint8_t>(engine() % 5 * 60);  // many ties
      const std::vector<int> expected = naive_labels(logits, from, classes, to);
      for (const Isa isa : detected_isas()) {
        for (const int threads : {1, 2, 3}) {
          const auto compute = classes <= 256 ? labels<std::uint8_t> : labels<std::uint16_t>;
          EXPECT_EQ(compute(logits, from, classes, to, isa, threads), expected)
              << classes << " classes, " << isa_name(isa) << ", " << threads << " threads";
        }
      }
    }
  }
}

}  // namespace
}  // namespace itrt
