// Every labels kernel against the oracle: sums of all classes at every pixel, no pruning.
#include "kernels/labels/labels.h"

#include <gtest/gtest.h>

#include "kernels/exact_memory.h"
#include "reference/kernels.h"

namespace itrt::test {
namespace {

struct Problem {
  std::int64_t logits_height, logits_width, classes, height, width;
};

std::vector<std::uint16_t> oracle(const Problem& p, const std::uint8_t* logits) {
  std::vector<std::uint16_t> labels;
  for (std::int64_t y = 0; y < p.height; ++y) {
    for (std::int64_t x = 0; x < p.width; ++x) {
      std::int64_t best = -1, label = 0;
      for (std::int64_t k = 0; k < p.classes; ++k) {
        const std::int64_t sum =
            reference::bilinear(logits, p.logits_height, p.logits_width, p.classes, y, x, k, p.height, p.width);
        if (sum > best) best = sum, label = k;
      }
      labels.push_back(static_cast<std::uint16_t>(label));
    }
  }
  return labels;
}

template <class Label>
void expect_exact(Random& random, const Problem& p, std::span<const std::uint8_t> values) {
  const ExactMemory logits(values, 0);
  const std::vector<std::uint16_t> wide = oracle(p, logits.data());
  const std::vector<Label> expected(wide.begin(), wide.end());
  const kernels::LabelsAxis rows(p.logits_height, p.height), columns(p.logits_width, p.width);
  each_kernel(kernels::labels_kernels(), [&](const kernels::LabelsKernel& kernel) {
    std::vector<Label> found(expected.size());
    std::vector<Label> argmax(static_cast<std::size_t>(p.logits_height * p.logits_width));
    const kernels::LabelsCall call = {.logits = logits.data(),
                                      .classes = p.classes,
                                      .rows = &rows,
                                      .columns = &columns,
                                      .argmax = argmax.data(),
                                      .labels = found.data()};
    const std::int64_t pixels = p.logits_height * p.logits_width, cut = between(random, 0, pixels);
    kernel.argmax(call, 0, cut);
    kernel.argmax(call, cut, pixels);
    const std::int64_t row = between(random, 0, p.height);
    kernel.run(call, row, p.height);
    kernel.run(call, 0, row);
    expect_equal<Label>(expected, found);
  });
}

void expect_exact(Random& random, const Problem& p) {
  SCOPED_TRACE(testing::Message() << p.logits_height << 'x' << p.logits_width << 'x' << p.classes << " to " << p.height
                                  << 'x' << p.width);
  const std::int64_t count = p.logits_height * p.logits_width * p.classes;
  const auto values = random_bytes<std::uint8_t>(random, count);
  std::vector<std::uint8_t> ties;  // few values: many ties, within a pixel and between sums
  for (std::int64_t i = 0; i < count; ++i) ties.push_back(static_cast<std::uint8_t>(between(random, 0, 2)));
  if (p.classes <= 256) {
    expect_exact<std::uint8_t>(random, p, values);
    expect_exact<std::uint8_t>(random, p, ties);
  } else {
    expect_exact<std::uint16_t>(random, p, values);
    expect_exact<std::uint16_t>(random, p, ties);
  }
}

// Pixels that have mostly the argmax of their left neighbour, as in an image.
void expect_regions(Random& random, const Problem& p) {
  SCOPED_TRACE(testing::Message() << p.logits_width << " columns, " << p.classes << " classes, to " << p.width);
  std::vector<std::uint8_t> values;
  std::int64_t best = 0;
  for (std::int64_t pixel = 0; pixel < p.logits_height * p.logits_width; ++pixel) {
    if (between(random, 0, 4) == 0) best = between(random, 0, p.classes - 1);
    for (std::int64_t k = 0; k < p.classes; ++k) {
      values.push_back(static_cast<std::uint8_t>(between(random, 0, 150) + (k == best ? 105 : 0)));
    }
  }
  if (p.classes <= 256) {
    expect_exact<std::uint8_t>(random, p, values);
  } else {
    expect_exact<std::uint16_t>(random, p, values);
  }
}

TEST(Labels, ClassesAroundTheVectorWidth) {
  Random random(1);
  for (std::int64_t classes = 1; classes <= 40; ++classes) expect_exact(random, {4, 5, classes, 15, 19});
  for (const std::int64_t classes : {127, 128, 129, 255, 256, 257, 300, 1000}) {
    expect_exact(random, {4, 5, classes, 15, 19});
  }
}

TEST(Labels, SizesUpAndDown) {
  Random random(2);
  for (int round = 0; round < 200; ++round) {
    expect_exact(random, {between(random, 1, 8), between(random, 1, 8), between(random, 1, 12), between(random, 1, 40),
                          between(random, 1, 40)});
    if (HasFatalFailure()) return;
  }
  expect_exact(random, {12, 15, 11, 48, 60});  // four times
  expect_exact(random, {3, 2, 5, 96, 64});     // cells of 1024 pixels
  expect_exact(random, {9, 7, 5, 9, 7});       // as it is
  expect_exact(random, {24, 18, 5, 8, 6});     // a third: every neighbour has weight one or none
}

TEST(Labels, Factors) {
  Random random(4);
  for (std::int64_t factor = 1; factor <= 9; ++factor) {
    expect_exact(random, {5, 9, 3, 5 * factor, 9 * factor});  // cells alike
    expect_exact(random, {5, 9, 3, 5 * factor + 1, 9 * factor + 2});
    expect_exact(random, {5 * factor, 9 * factor, 3, 5, 9});
  }
}

// Columns in several blocks of 64, and cells of which only some are undecided.
TEST(Labels, WideRows) {
  Random random(5);
  for (const std::int64_t width : {63, 64, 65, 127, 128, 129, 200}) {
    for (const std::int64_t classes : {2, 11, 300}) expect_regions(random, {3, width, classes, 12, 4 * width - 1});
    expect_regions(random, {2, width, 4, 3, width * 3 / 2});
    expect_regions(random, {3, width, 4, 9, 3 * width});
  }
}

TEST(Labels, SingleRowsAndColumns) {
  Random random(6);
  for (const std::int64_t size : {1, 2, 3, 70}) {
    for (const std::int64_t target : {1, 2, 9, 100, 300}) {
      expect_exact(random, {1, size, 5, 1, target});
      expect_exact(random, {size, 1, 5, target, 1});
      expect_exact(random, {1, size, 5, 3, target});
    }
  }
}

// Two classes that tie everywhere: the lower one wins, also where only the upper one is at its largest in every
// neighbour.
TEST(Labels, LowestClassWinsTies) {
  Random random(3);
  const std::vector<std::uint8_t> equal(6 * 6 * 3, 200);
  expect_exact<std::uint8_t>(random, {6, 6, 3, 17, 23}, equal);
  std::vector<std::uint8_t> checkerboard;
  for (int pixel = 0; pixel < 36; ++pixel) {
    const std::uint8_t first = (pixel / 6 + pixel) % 2 ? 10 : 20;
    for (const int value : {0, +first, 30 - first}) checkerboard.push_back(static_cast<std::uint8_t>(value));
  }
  expect_exact<std::uint8_t>(random, {6, 6, 3, 24, 24}, checkerboard);
  expect_exact<std::uint8_t>(random, {6, 6, 3, 11, 11}, checkerboard);
}

}  // namespace
}  // namespace itrt::test
