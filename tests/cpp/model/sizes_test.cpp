#include "model/sizes.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "expect_error.h"
#include "model/model_builder.h"

namespace itrt::model {
namespace {

using test::expect_error;

// One convolution of one term: image -> stem tensor -> ...
Size convolved(Size image, std::array<std::int64_t, 2> kernel, std::array<std::int64_t, 2> stride,
               std::array<std::int64_t, 4> padding, std::array<std::int64_t, 2> dilation) {
  Program program = test::feed_forward();
  Term& term = std::get<Convolution>(program.stem[0].body).terms[0];
  term.weight_shape = {4, kernel[0], kernel[1], 3};
  term.stride = stride;
  term.padding = padding;
  term.dilation = dilation;
  return infer_sizes(program, image)[1];
}

TEST(Sizes, OfConvolutionsAreThoseOfTheFormula) {
  EXPECT_EQ(convolved({10, 20}, {1, 1}, {1, 1}, {0, 0, 0, 0}, {1, 1}), (Size{10, 20}));
  EXPECT_EQ(convolved({10, 20}, {3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}), (Size{10, 20}));
  EXPECT_EQ(convolved({10, 20}, {3, 5}, {1, 1}, {0, 0, 0, 0}, {1, 1}), (Size{8, 16}));
  EXPECT_EQ(convolved({361, 481}, {3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}), (Size{181, 241}));
  EXPECT_EQ(convolved({360, 480}, {3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}), (Size{180, 240}));
  EXPECT_EQ(convolved({97, 1023}, {2, 2}, {2, 3}, {0, 0, 0, 0}, {1, 1}), (Size{48, 341}));
  EXPECT_EQ(convolved({20, 20}, {3, 3}, {1, 1}, {4, 4, 4, 4}, {4, 4}), (Size{20, 20}));
  EXPECT_EQ(convolved({20, 20}, {3, 3}, {1, 1}, {1, 0, 2, 3}, {1, 1}),
            (Size{21, 21}));  // top and bottom, left and right
  EXPECT_EQ(convolved({1, 1}, {3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}), (Size{1, 1}));
}

TEST(Sizes, AWindowThatDoesNotFitIsAnError) {
  expect_error<InvalidArgument>([] { convolved({2, 9}, {3, 3}, {1, 1}, {0, 0, 0, 0}, {1, 1}); },
                                {"image of 2x9", "first", "at least one pixel", "0x7"});
  expect_error<InvalidArgument>([] { convolved({9, 4}, {3, 3}, {1, 1}, {0, 0, 0, 0}, {2, 2}); },
                                {"image of 9x4", "first", "at least one pixel", "5x0"});
  EXPECT_EQ(convolved({5, 5}, {3, 3}, {1, 1}, {0, 0, 0, 0}, {2, 2}), (Size{1, 1}));
  // A window far larger than the image: still no pixel, not a negative number of them.
  expect_error<InvalidArgument>([] { convolved({5, 5}, {300, 300}, {7, 7}, {0, 0, 0, 0}, {60000, 60000}); }, {"0x0"});
}

TEST(Sizes, OfAWholeNetwork) {
  const std::vector<Size> sizes = infer_sizes(test::small_network(), {61, 30});
  const Size half{31, 15}, quarter{16, 8};
  EXPECT_EQ(sizes, (std::vector<Size>{{61, 30}, half, half, half, quarter, half, half, half, half, half}));
}

TEST(Sizes, OfTinyImages) {
  for (const Size image : {Size{1, 1}, Size{1, 7}, Size{2, 1}}) {
    const std::vector<Size> sizes = infer_sizes(test::small_network(), image);
    EXPECT_EQ(sizes.back(), (Size{(image.height + 1) / 2, (image.width + 1) / 2}));
  }
}

TEST(Sizes, AnImageHasPixels) {
  for (const Size image : {Size{0, 5}, Size{5, 0}, Size{-1, 5}, Size{INT64_MIN, 1}}) {
    expect_error<InvalidArgument>([&] { infer_sizes(test::counter(), image); }, {"image", "at least one pixel"});
  }
}

TEST(Sizes, TensorsHaveALimit) {
  for (const Size image : {Size{1 << 20, 1 << 20}, Size{INT64_MAX, INT64_MAX}, Size{INT64_MAX, 1}, Size{1, INT64_MAX},
                           Size{std::int64_t{1} << 32, std::int64_t{1} << 32}}) {
    expect_error<InvalidArgument>([&] { infer_sizes(test::counter(), image); }, {"image", "at most 8 GiB"});
  }
  // 3 channels: 8 GiB / 3 is the last size that fits.
  constexpr std::int64_t widest = max_tensor_bytes / 3;
  EXPECT_NO_THROW(infer_sizes(test::counter(), {1, widest}));
  expect_error<InvalidArgument>([] { infer_sizes(test::counter(), {1, widest + 1}); }, {"at most 8 GiB"});
}

TEST(Sizes, TermsAgree) {
  Program program = test::small_network();
  std::get<Convolution>(program.block[0].body).terms[1].stride = {2, 1};
  expect_error<InvalidArgument>([&] { infer_sizes(program, {40, 40}); }, {"mix", "expected 20x20", "found 10x20"});
}

TEST(Sizes, SummandsAgree) {
  Program program = test::small_network();
  std::get<Convolution>(program.block[3].body).terms.resize(1);
  std::get<Convolution>(program.block[3].body).terms[0].padding = {0, 0, 0, 0};
  expect_error<InvalidArgument>([&] { infer_sizes(program, {40, 40}); }, {"sum", "expected 20x20", "found 18x18"});
}

TEST(Sizes, TheStateKeepsItsSize) {
  Program program = test::counter();
  std::get<Convolution>(program.block[0].body).terms[0].padding = {1, 0, 0, 0};
  expect_error<InvalidArgument>([&] { infer_sizes(program, {7, 7}); }, {"next state", "expected 7x7", "found 8x7"});
}

}  // namespace
}  // namespace itrt::model
