// Every rule of docs/format.md and docs/numerics.md, broken one at a time.
#include "model/validate.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/errors.h"
#include "expect_error.h"
#include "model/model_builder.h"

namespace itrt::model {
namespace {

// The tensors of test::small_network.
enum : TensorIndex { image, features, state, mixed, low, high, lean, next, hidden, logits, count };

class ValidateTest : public testing::Test {
 protected:
  void expect_invalid(std::initializer_list<std::string_view> parts) {
    test::expect_error<ModelFileError>([&] { validate(program_); }, parts);
  }
  Convolution& convolution(std::vector<Operator>& section, std::size_t index) {
    return std::get<Convolution>(section[index].body);
  }
  Add& sum() { return std::get<Add>(program_.block[4].body); }
  Resize& up() { return std::get<Resize>(program_.block[2].body); }

  Program program_ = test::small_network(3);
};

TEST_F(ValidateTest, AcceptsGoodPrograms) {
  EXPECT_NO_THROW(validate(program_));
  EXPECT_NO_THROW(validate(test::small_network()));
  EXPECT_NO_THROW(validate(test::counter()));
  EXPECT_NO_THROW(validate(test::feed_forward()));
  EXPECT_NO_THROW(validate(test::every_operator()));
  EXPECT_NO_THROW(validate(test::with_fixed_point(program_)));
}

TEST_F(ValidateTest, NamesOfTensorsAreUnique) {
  program_.tensors[low].name = "high";
  expect_invalid({"tensor high", "a unique name"});
}

TEST_F(ValidateTest, ScalesOfTensorsArePositive) {
  for (const float scale :
       {0.0f, -1.0f, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    program_.tensors[low].scale = scale;
    expect_invalid({"tensor low", "a positive scale", std::to_string(scale)});
  }
}

TEST_F(ValidateTest, OnlyTheImageHasSeveralZeroPoints) {
  program_.tensors[low].zero_points.assign(12, 1);
  expect_invalid({"tensor low", "one zero point", "found 12"});
  program_.tensors[low].zero_points.clear();
  expect_invalid({"tensor low", "one zero point", "found 0"});
}

TEST_F(ValidateTest, TheImageHasOneZeroPointOrOneAChannel) {
  program_.tensors[image].zero_points = {1, 2};
  expect_invalid({"tensor image", "one a channel", "found 2"});
  program_.tensors[image].zero_points = {9};
  EXPECT_NO_THROW(validate(program_));
}

TEST_F(ValidateTest, IndicesLieInside) {
  const std::string above = std::to_string(count);
  const auto rejects = [&](auto change, std::string_view what) {
    SCOPED_TRACE(what);
    for (const TensorIndex index : {TensorIndex{count}, TensorIndex{-1}, std::numeric_limits<TensorIndex>::max()}) {
      program_ = test::small_network(3);
      change(index);
      expect_invalid({what, "a tensor below " + above, std::to_string(index)});
    }
  };
  rejects([&](TensorIndex index) { program_.image = index; }, "image");
  rejects([&](TensorIndex index) { program_.state = index; }, "state");
  rejects([&](TensorIndex index) { program_.next_state = index; }, "next_state");
  rejects([&](TensorIndex index) { program_.logits = index; }, "logits");
  rejects([&](TensorIndex index) { program_.stem[0].output = index; }, "stem.first: output");
  rejects([&](TensorIndex index) { convolution(program_.block, 0).terms[1].input = index; }, "block.mix: input");
  rejects([&](TensorIndex index) { sum().inputs[0] = index; }, "block.sum: input");
  rejects([&](TensorIndex index) { up().input = index; }, "block.up: input");
  rejects([&](TensorIndex index) { up().size_of = index; }, "block.up: input");
  program_.tensors.clear();
  expect_invalid({"image", "a tensor below 0"});
}

TEST_F(ValidateTest, PreprocessingHasOneValueAChannel) {
  program_.mean.pop_back();
  expect_invalid({"preprocessing", "3 channels", "found 2"});
  program_ = test::small_network(3);
  program_.std.push_back(1);
  expect_invalid({"preprocessing", "3 channels"});
}

TEST_F(ValidateTest, ColorOrderIsOneOfTwo) {
  program_.color_order = "GRB";
  expect_invalid({"color_order", "RGB or BGR", "GRB"});
  program_.color_order = "BGR";
  EXPECT_NO_THROW(validate(program_));
}

TEST_F(ValidateTest, APaletteHasOneColorAClass) {
  program_.palette.push_back({});
  expect_invalid({"palette", "one color a class", "found 6"});
}

TEST_F(ValidateTest, AClassIsAChannelOfTheLogits) {
  program_.classes.emplace_back();
  program_.palette.push_back({});
  expect_invalid({"logits", "6 channels", "found 5"});
}

TEST_F(ValidateTest, ALoopIsWholeOrNotThere) {
  program_.state.reset();
  expect_invalid({"block", "state and next_state"});
  program_ = test::small_network(3);
  program_.next_state.reset();
  expect_invalid({"block", "state and next_state"});
  program_ = test::small_network(3);
  program_.block.clear();
  expect_invalid({"block", "state and next_state"});
  program_ = test::feed_forward();
  program_.state = program_.next_state = 1;
  expect_invalid({"block", "state and next_state"});
}

TEST_F(ValidateTest, WithoutALoopThereIsOneIteration) {
  program_ = test::feed_forward();
  program_.max_iterations = 2;
  expect_invalid({"max_iterations", "1 in a network without a loop"});
  program_.max_iterations.reset();
  expect_invalid({"max_iterations", "1 in a network without a loop"});
}

TEST_F(ValidateTest, ATensorIsWrittenBeforeItIsRead) {
  std::swap(program_.block[0], program_.block[1]);
  expect_invalid({"block.down", "an input that was written before", "mixed"});
}

TEST_F(ValidateTest, ATensorWhoseSizeIsTakenIsWrittenBefore) {
  up().size_of = lean;
  expect_invalid({"block.up", "an input that was written before", "lean"});
}

TEST_F(ValidateTest, TheStemReadsNothingOfTheBlock) {
  std::get<Add>(program_.stem[1].body).inputs = {mixed};
  expect_invalid({"stem.begin", "an input that was written before", "mixed"});
}

TEST_F(ValidateTest, TheHeadReadsNothingOfTheBlock) {
  convolution(program_.head, 0).terms[0].input = mixed;
  expect_invalid({"head.hide", "an input that was written before", "mixed"});
  convolution(program_.head, 0).terms[0].input = next;
  expect_invalid({"head.hide", "an input that was written before", "next"});
  convolution(program_.head, 0).terms[0].input = features;
  EXPECT_NO_THROW(validate(program_));
}

TEST_F(ValidateTest, ATensorHasOneWriter) {
  program_.block[3].output = mixed;
  expect_invalid({"block.lean", "an output that nothing else writes", "mixed"});
}

TEST_F(ValidateTest, NobodyWritesTheImage) {
  program_.stem[0].output = image;
  std::get<Convolution>(program_.stem[0].body) = std::get<Convolution>(test::pointwise("", image, 3, image, 3).body);
  expect_invalid({"stem.first", "an output that nothing else writes", "image"});
}

TEST_F(ValidateTest, AnOperatorDoesNotReadItsOutput) {
  program_.block[2].output = low;
  expect_invalid({"block.up"});
  program_ = test::small_network(3);
  sum().inputs[0] = next;
  expect_invalid({"block.sum", "an input that was written before", "next"});
}

TEST_F(ValidateTest, TheBlockDoesNotWriteTheStemsTensors) {
  program_.block[3].output = state;
  expect_invalid({"block.lean", "an output that nothing else writes", "state"});
}

TEST_F(ValidateTest, TheHeadDoesNotWriteTheBlocksTensors) {
  program_.head[0].output = lean;
  convolution(program_.head, 0) = std::get<Convolution>(test::pointwise("", state, 8, lean, 8).body);
  expect_invalid({"head.hide", "an output that nothing else writes", "lean"});
}

TEST_F(ValidateTest, EveryTensorIsWritten) {
  program_.tensors.push_back(test::tensor("orphan", 4));
  expect_invalid({"tensor orphan", "an operator that writes it", "none"});
}

TEST_F(ValidateTest, TheStateComesFromTheStem) {
  program_.state = next;
  expect_invalid({"state", "a tensor that the stem writes", "next"});
  program_ = test::small_network(3);
  program_.state = image;
  expect_invalid({"state", "a tensor that the stem writes", "image"});
}

TEST_F(ValidateTest, TheNextStateComesFromTheBlock) {
  program_.next_state = features;
  expect_invalid({"next_state", "a tensor that the block writes", "features"});
  program_.next_state = state;
  expect_invalid({"next_state", "a tensor that the block writes", "state"});
  program_.next_state = hidden;
  expect_invalid({"next_state", "a tensor that the block writes", "hidden"});
}

TEST_F(ValidateTest, TheNextStateIsLikeTheState) {
  program_.tensors[next].scale = 0.25f;
  expect_invalid({"next_state", "the state's channels, scale and zero point"});
  program_.tensors[next].scale = 0.2f;
  program_.tensors[next].zero_points = {127};
  expect_invalid({"next_state", "the state's channels, scale and zero point"});
  program_ = test::small_network(3);
  program_.next_state = low;
  expect_invalid({"next_state", "the state's channels, scale and zero point"});
}

TEST_F(ValidateTest, TheLogitsComeFromStemOrHead) {
  program_.logits = next;
  expect_invalid({"logits", "the stem or the head", "next"});
  program_.logits = image;
  expect_invalid({"logits", "the stem or the head", "image"});
}

TEST_F(ValidateTest, ConstantsHaveOneValueOrOneAStep) {
  convolution(program_.block, 0).bias.values.pop_back();
  expect_invalid({"block.mix: bias", "one a step (3)", "found 2"});
  program_ = test::small_network(3);
  convolution(program_.head, 0).scale.values.push_back(convolution(program_.head, 0).scale.values[0]);
  expect_invalid({"head.hide: scale", "one a step (3)", "found 4"});
  program_ = test::small_network(3);
  auto& weight = convolution(program_.block, 1).terms[0].weight.values;
  weight = {weight[0], weight[0]};
  expect_invalid({"block.down: weight", "one a step (3)", "found 2"});
  weight.push_back(weight[0]);
  EXPECT_NO_THROW(validate(program_));
}

TEST_F(ValidateTest, TheStemHasOneStep) {
  auto& bias = convolution(program_.stem, 0).bias.values;
  bias = {bias[0], bias[0], bias[0]};
  expect_invalid({"stem.first: bias", "one a step (1)", "found 3"});
}

TEST_F(ValidateTest, WithoutALimitThereAreNoSteps) {
  program_.max_iterations.reset();
  expect_invalid({"bias", "one a step (1)", "found 3"});
}

TEST_F(ValidateTest, WeightsFitTheOutput) {
  program_.tensors[low].channels = 13;
  expect_invalid({"block.down", "13 output channels", "found 12"});
}

TEST_F(ValidateTest, WeightsFitTheInput) {
  convolution(program_.block, 1).terms[0].input = image;
  expect_invalid({"block.down", "3 input channels", "8 a group"});
}

TEST_F(ValidateTest, GroupsDivideTheChannels) {
  Term& term = convolution(program_.block, 3).terms[0];
  term.groups = 3;
  expect_invalid({"block.lean", "12 input channels in 3 groups"});
  term.groups = 5;
  expect_invalid({"block.lean", "12 input channels in 5 groups"});
  term.groups = 2;
  expect_invalid({"block.lean", "12 input channels in 2 groups", "3 a group"});
}

TEST_F(ValidateTest, LoopInvariantTermsHaveOneWeight) {
  auto& weight = convolution(program_.block, 0).terms[1].weight.values;
  weight = {weight[0], weight[0], weight[0]};
  expect_invalid({"block.mix", "a loop-invariant term to have one weight"});
}

TEST_F(ValidateTest, LoopInvariantTermsReadTheStem) {
  convolution(program_.block, 0).terms[0].loop_invariant = true;  // reads the state
  expect_invalid({"block.mix", "a loop-invariant term to read", "state"});
  program_ = test::small_network(3);
  convolution(program_.block, 1).terms[0].loop_invariant = true;  // reads a tensor of the block
  expect_invalid({"block.down", "a loop-invariant term to read", "mixed"});
}

TEST_F(ValidateTest, FixedPointStaysInItsRange) {
  program_ = test::with_fixed_point(program_);
  FixedPoint& fixed = *convolution(program_.block, 0).fixed;
  fixed.multiplier.values[2][5] = -32768;
  expect_invalid({"block.mix", "multipliers of -32767 to 32767", "found -32768"});
  fixed.multiplier.values[2][5] = -32767;
  fixed.shift.values[1][0] = 47;
  expect_invalid({"block.mix", "shifts of 0 to 46", "found 47"});
  fixed.shift.values[1][0] = 46;
  EXPECT_NO_THROW(validate(program_));
}

TEST_F(ValidateTest, FixedPointHasOneValueOrOneAStep) {
  program_ = test::with_fixed_point(program_);
  FixedPoint& fixed = *convolution(program_.block, 0).fixed;
  fixed.shift.values.resize(1);
  EXPECT_NO_THROW(validate(program_));
  fixed.multiplier.values.pop_back();
  expect_invalid({"block.mix: multiplier", "one a step (3)", "found 2"});
}

TEST_F(ValidateTest, ScalesOfConvolutionsAreFinite) {
  for (const float scale : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    convolution(program_.block, 0).scale.values[2][5] = scale;
    expect_invalid({"block.mix", "finite scales"});
  }
  for (const float scale : {0.0f, -1.0f}) {  // batch norm may have such a gain
    convolution(program_.block, 0).scale.values[2][5] = scale;
    EXPECT_NO_THROW(validate(program_));
  }
}

// counter(): one weight a channel, three channels, zero points zero: 255 * 3 * 127 = 97155.
TEST_F(ValidateTest, AccumulatorsHave31Bits) {
  program_ = test::counter();
  Convolution& average = convolution(program_.stem, 0);
  average.terms[0].weight.values = {{127, -127, 127}};
  constexpr std::int32_t largest = std::numeric_limits<std::int32_t>::max() - 97155;
  for (const std::int32_t bias : {largest, -largest}) {
    average.bias.values = {{bias}};
    EXPECT_NO_THROW(validate(program_));
    average.bias.values = {{bias > 0 ? bias + 1 : bias - 1}};
    expect_invalid({"stem.average", "accumulators below 2^31", "2147483648 in channel 0"});
  }
  average.bias.values = {{std::numeric_limits<std::int32_t>::min()}};
  expect_invalid({"stem.average", "accumulators below 2^31"});
}

TEST_F(ValidateTest, AccumulatorsCountZeroPointsWithTheBias) {
  program_ = test::counter();
  program_.tensors[image].zero_points = {10, 20, 30};
  Convolution& average = convolution(program_.stem, 0);
  average.terms[0].weight.values = {{100, 100, -100}};  // zero points add up to 0: 10 + 20 - 30
  constexpr std::int32_t largest = std::numeric_limits<std::int32_t>::max() - 255 * 300;
  average.bias.values = {{largest}};
  EXPECT_NO_THROW(validate(program_));
  program_.tensors[image].zero_points = {10, 20, 31};
  expect_invalid({"stem.average", "2147483747 in channel 0"});  // the bias takes in 100 more
  program_.tensors[image].zero_points = {10, 21, 30};
  EXPECT_NO_THROW(validate(program_));
}

TEST_F(ValidateTest, AccumulatorsOfEveryStepAndTerm) {
  Convolution& mix = convolution(program_.block, 0);
  mix.bias.values[2][7] = std::numeric_limits<std::int32_t>::max();
  expect_invalid({"block.mix", "accumulators below 2^31", "in channel 7"});
  program_ = test::small_network(3);
  Term& term = convolution(program_.block, 0).terms[1];
  Convolution wide = convolution(program_.block, 0);
  term.weight_shape = {8, 130, 130, 8};
  term.weight.values = {std::vector<std::int8_t>(std::size_t{8} * 130 * 130 * 8, -128)};
  expect_invalid({"block.mix", "accumulators below 2^31", "in channel 0"});
}

TEST_F(ValidateTest, AdditionsHaveTheChannelsOfTheOutput) {
  sum().inputs[0] = low;
  expect_invalid({"block.sum", "8 channels", "found 12"});
}

TEST_F(ValidateTest, AdditionsReadOneZeroPoint) {
  program_ = test::counter();
  program_.tensors[image] = test::tensor("image", 1, 1, {7});
  program_.mean = program_.std = {0.5f};
  program_.stem = {{"begin", 1, Add{{0}, {1}, 0, {}}}};
  EXPECT_NO_THROW(validate(program_));
  program_.tensors[image] = test::tensor("image", 3, 1, {7, 8, 9});
  program_.mean = program_.std = {0.5f, 0.5f, 0.5f};
  for (const TensorIndex index : {1, 2, 3}) program_.tensors[static_cast<std::size_t>(index)].channels = 3;
  expect_invalid({"stem.begin", "inputs with one zero point"});
}

TEST_F(ValidateTest, ResizingKeepsChannelsScaleAndZeroPoint) {
  program_.tensors[high].scale = 0.2f;
  expect_invalid({"block.up", "the input's scale and zero point"});
  program_.tensors[high].scale = 0.1f;
  program_.tensors[high].zero_points = {1};
  expect_invalid({"block.up", "the input's scale and zero point"});
  program_ = test::small_network(3);
  up().input = mixed;
  expect_invalid({"block.up", "12 channels", "found 8"});
}

}  // namespace
}  // namespace itrt::model
