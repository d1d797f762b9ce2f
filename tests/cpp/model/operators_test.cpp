// The operators of feed-forward networks: what the reader makes of a file, every rule of validate broken one at a time,
// and sizes.
#include <gtest/gtest.h>

#include "base/errors.h"
#include "expect_error.h"
#include "model/model_builder.h"
#include "model/reader.h"
#include "model/sizes.h"
#include "model/validate.h"

namespace itrt::model {
namespace {

using test::expect_error;

// The tensors of test::every_operator.
enum : TensorIndex {
  image,
  features,
  pooled,
  averaged,
  mean,
  gate,
  gated,
  padded,
  spread,
  up,
  joined,
  corners,
  logits
};
// Its operators in the stem.
enum : std::size_t { first, max, average, global, table, scale, pad, shuffle, doubled, join, corner };

class OperatorsTest : public testing::Test {
 protected:
  template <class Body>
  Body& body(std::size_t index) {
    return std::get<Body>(program_.stem[index].body);
  }

  // Change the body of an operator, and put it right again afterwards.
  template <class Body, class Change>
  void expect_invalid(std::size_t index, const Change& change, std::initializer_list<std::string_view> parts) {
    const Program good = program_;
    change(body<Body>(index));
    expect_error<ModelFileError>([&] { validate(program_); }, parts);
    program_ = good;
    EXPECT_NO_THROW(validate(program_));
  }

  void expect_edit_rejected(std::string_view from, std::string_view to, std::initializer_list<std::string_view> parts) {
    SCOPED_TRACE(std::string(to));
    test::ModelFile file = test::to_file(program_);
    file.program = test::replaced(file.program, from, to);
    expect_error<ModelFileError>([&] { read(file.bytes()); }, parts);
  }

  Size size_of(TensorIndex index, Size size) const {
    return infer_sizes(program_, size)[static_cast<std::size_t>(index)];
  }

  Program program_ = test::every_operator();
};

TEST_F(OperatorsTest, AreReadAsTheyWereWritten) {
  const Program found = read(test::to_file(program_).bytes());
  const auto of = [&]<class Body>(std::size_t index, const Body&) -> const Body& {
    return std::get<Body>(found.stem[index].body);
  };
  const Pool& pool = of(average, Pool{});
  EXPECT_EQ(pool.mode, Pool::Mode::average);
  EXPECT_EQ(pool.kernel, (std::array<std::int64_t, 2>{2, 2}));
  EXPECT_EQ(pool.padding, (std::array<std::int64_t, 4>{0, 0, 1, 1}));
  EXPECT_TRUE(pool.ceil && pool.count_padding);
  EXPECT_EQ(pool.scale.multiplier, 16384);
  EXPECT_EQ(pool.scale.shift, 15);
  EXPECT_EQ(of(max, Pool{}).mode, Pool::Mode::max);
  EXPECT_EQ(of(global, AdaptivePool{}).scale.multiplier, 3);
  EXPECT_EQ(of(table, Lookup{}).table.values, body<Lookup>(table).table.values);
  EXPECT_EQ(of(table, Lookup{}).tables, 8);
  EXPECT_EQ(of(scale, Multiply{}).inputs, (std::array<TensorIndex, 2>{averaged, gate}));
  EXPECT_EQ(of(scale, Multiply{}).clamp.upper, 254);
  EXPECT_EQ(of(pad, Pad{}).padding, (std::array<std::int64_t, 4>{1, 2, 0, -1}));
  EXPECT_EQ(of(pad, Pad{}).mode, Pad::Mode::replicate);
  EXPECT_EQ(of(shuffle, DepthToSpace{}).block, (std::array<std::int64_t, 2>{2, 2}));
  EXPECT_EQ(of(doubled, Resize{}).mode, Resize::Mode::nearest);
  EXPECT_EQ((*of(doubled, Resize{}).factor)[1].numerator, 2);
  EXPECT_EQ(of(corner, Resize{}).size, (std::array<std::int64_t, 2>{5, 6}));
  EXPECT_TRUE(of(corner, Resize{}).align_corners);
  const Gather& gather = of(join, Gather{});
  ASSERT_EQ(gather.channels.size(), 3u);
  EXPECT_EQ(gather.channels[1].input, 1);
  EXPECT_EQ(gather.channels[1].first, 4);
  EXPECT_EQ(gather.channels[1].count, 3);
}

TEST_F(OperatorsTest, InputsAndThoseThatAreReadElementByElement) {
  EXPECT_EQ(inputs_of(program_.stem[scale]), (std::vector<TensorIndex>{averaged, gate}));
  EXPECT_EQ(inputs_of(program_.stem[join]), (std::vector<TensorIndex>{spread, up}));
  EXPECT_EQ(inputs_of(program_.stem[pad]), (std::vector<TensorIndex>{gated}));
  EXPECT_EQ(elementwise_inputs_of(program_.stem[scale]), (std::vector<TensorIndex>{averaged, gate}));
  EXPECT_EQ(elementwise_inputs_of(program_.stem[table]), (std::vector<TensorIndex>{mean}));
  EXPECT_TRUE(elementwise_inputs_of(program_.stem[max]).empty());
}

TEST_F(OperatorsTest, FieldsHaveRanges) {
  expect_edit_rejected("\"multiplier\":16384", "\"multiplier\":0", {"stem[2].multiplier", "1 to 32767", "found 0"});
  expect_edit_rejected("\"multiplier\":16384", "\"multiplier\":32768", {"1 to 32767", "found 32768"});
  expect_edit_rejected("\"shift\":15", "\"shift\":29", {"stem[2].shift", "0 to 28", "found 29"});
  expect_edit_rejected("\"shift\":20", "\"shift\":46", {"stem[5].shift", "0 to 45", "found 46"});
  expect_edit_rejected("\"inputs\":[3,5]", "\"inputs\":[3]", {"stem[5].inputs", "two inputs", "found 1"});
  expect_edit_rejected("\"block\":[2,2]", "\"block\":[0,2]", {"stem[7].block[0]", "1 to 65536", "found 0"});
  expect_edit_rejected("\"padding\":[1,2,0,-1]", "\"padding\":[1,2,0,-65537]", {"padding[3]", "-65536"});
  expect_edit_rejected("\"mode\":\"replicate\"", "\"mode\":\"circular\"",
                       {"stem[6].mode", "constant or reflect or replicate", "circular"});
  expect_edit_rejected("\"mode\":\"max\"", "\"mode\":\"min\"", {"stem[1].mode", "max or average", "min"});
  expect_edit_rejected("[0,0,2]", "[0,-1,2]", {"stem[9].channels[0][1]", "0 to 65536", "-1"});
  expect_edit_rejected("\"inputs\":[8,9]", "\"inputs\":[]", {"stem[9].inputs", "1 to 4096 inputs", "found 0"});
  expect_edit_rejected("\"kind\":\"gather\"", "\"kind\":\"concat\"",
                       {"stem[9].kind", "convolution or add or resize", "or depth_to_space", "concat"});
}

TEST_F(OperatorsTest, AResizeHasOneTarget) {
  expect_edit_rejected("\"size\":[5,6]", "\"size\":null", {"one of size_of, size and factor", "found 0"});
  expect_edit_rejected("\"size_of\":null,\"size\":[5,6]", "\"size_of\":3,\"size\":[5,6]",
                       {"one of size_of, size and factor", "found 2"});
  expect_edit_rejected("\"factor\":[[2,1],[2,1]]", "\"factor\":[[2,1]]",
                       {"a fraction for each of two axes", "found 1"});
  expect_edit_rejected("\"factor\":[[2,1],[2,1]]", "\"factor\":[[2,0],[2,1]]", {"factor[0][1]", "1 to 65536"});
}

TEST_F(OperatorsTest, ATableHas256Values) {
  test::ModelFile file = test::to_file(program_);
  for (test::FileBlob& blob : file.blobs) {
    if (blob.name == "table.table") blob.shape = {16, 128};
  }
  expect_error<ModelFileError>([&] { read(file.bytes()); }, {"stem[4].table", "tables of 256 values", "found 128"});
}

TEST_F(OperatorsTest, RulesOfPools) {
  expect_invalid<Pool>(max, [](Pool& pool) { pool.padding[3] = 2; },
                       {"stem.max", "at most half of the kernel (3)", "2"});
  expect_invalid<Pool>(max, [](Pool& pool) { pool.scale.multiplier = 2; }, {"stem.max", "a maximum with multiplier 1"});
  expect_invalid<Pool>(max, [](Pool& pool) { pool.count_padding = true; }, {"stem.max", "padding that does not count"});
  expect_invalid<Pool>(max, [](Pool& pool) { pool.input = image; }, {"stem.max", "one zero point"});
  expect_invalid<Pool>(average, [](Pool& pool) { pool.dilation = {1, 2}; }, {"stem.average", "without dilation"});
  expect_invalid<Pool>(average, [](Pool& pool) { pool.mode = Pool::Mode::max; }, {"the input's scale and zero point"});
  program_.tensors[averaged].channels = 7;
  expect_error<ModelFileError>([&] { validate(program_); }, {"stem.average", "7 channels", "found 8"});
}

TEST_F(OperatorsTest, RulesOfLookupsAndProducts) {
  expect_invalid<Lookup>(table, [](Lookup& lookup) { lookup.tables = 4; }, {"stem.table", "1 or 8 tables", "found 4"});
  expect_invalid<Lookup>(table, [](Lookup& lookup) { lookup.table.values.resize(2); },
                         {"stem.table: table", "one a step (1)", "found 2"});
  expect_invalid<Multiply>(scale, [](Multiply& multiply) { multiply.inputs[1] = image; },
                           {"stem.scale", "one zero point"});
  program_.tensors[gated].channels = 4;
  expect_error<ModelFileError>([&] { validate(program_); }, {"stem.scale", "inputs of 1 or 4 channels", "found 8"});
}

TEST_F(OperatorsTest, AProductHasAnInputOfItsChannels) {
  Program program = test::counter();
  program.block[0] = {"square", 2, Multiply{{1, 1}, 1, 0, {}}};
  EXPECT_NO_THROW(validate(program));
  program.tensors[1].channels = program.tensors[2].channels = 2;
  program.tensors.push_back(test::tensor("one", 1));
  program.stem[0] = test::pointwise("average", 0, 3, 1, 2);
  program.stem.push_back(test::pointwise("narrow", 1, 2, 4, 1));
  program.head[0] = test::pointwise("classify", 1, 2, 3, 1);
  EXPECT_NO_THROW(validate(program));
  std::get<Multiply>(program.block[0].body).inputs = {4, 4};
  expect_error<ModelFileError>([&] { validate(program); }, {"block.square", "an input of 2 channels", "found 1"});
}

TEST_F(OperatorsTest, RulesOfWhatIsCopied) {
  expect_invalid<Gather>(join, [](Gather& gather) { gather.channels[0].input = 2; }, {"stem.join", "an input below 2"});
  expect_invalid<Gather>(join, [](Gather& gather) { gather.channels[1].count = 5; },
                         {"stem.join", "runs of channels within 8", "5 from 4 on"});
  expect_invalid<Gather>(join, [](Gather& gather) { gather.channels[1].count = 0; }, {"stem.join", "0 from 4 on"});
  expect_invalid<Gather>(join, [](Gather& gather) { gather.channels.pop_back(); },
                         {"stem.join", "6 channels", "found 5"});
  expect_invalid<Gather>(join, [](Gather& gather) { gather.inputs[1] = averaged; },
                         {"stem.join", "the input's scale and zero point"});
  expect_invalid<Pad>(pad, [](Pad& each) { each.input = averaged; }, {"stem.pad", "the input's scale and zero point"});
  expect_invalid<DepthToSpace>(shuffle, [](DepthToSpace& each) { each.block = {2, 1}; },
                               {"stem.shuffle", "4 input channels", "found 8"});
  expect_invalid<Resize>(doubled, [](Resize& each) { each.align_corners = true; },
                         {"stem.double", "aligned corners for a bilinear resize alone"});
}

TEST_F(OperatorsTest, Sizes) {
  EXPECT_EQ(size_of(pooled, {9, 14}), (Size{5, 7}));
  EXPECT_EQ(size_of(averaged, {9, 14}), (Size{3, 4}));
  EXPECT_EQ(size_of(mean, {9, 14}), (Size{1, 1}));
  EXPECT_EQ(size_of(gated, {9, 14}), (Size{3, 4}));
  EXPECT_EQ(size_of(padded, {9, 14}), (Size{4, 5}));
  EXPECT_EQ(size_of(spread, {9, 14}), (Size{8, 10}));
  EXPECT_EQ(size_of(up, {9, 14}), (Size{8, 10}));
  EXPECT_EQ(size_of(corners, {9, 14}), (Size{5, 6}));
}

TEST_F(OperatorsTest, AWindowThatCeilAddsStartsInsideOrBefore) {
  Pool& pool = body<Pool>(average);
  pool.padding = {0, 0, 0, 0};
  EXPECT_EQ(size_of(averaged, {9, 9}), (Size{3, 3}));  // 5: the third window has one row of two
  pool.ceil = false;
  EXPECT_EQ(size_of(averaged, {9, 9}), (Size{2, 2}));
  pool.ceil = true;
  pool.stride = {3, 3};
  EXPECT_EQ(size_of(averaged, {9, 9}), (Size{2, 2}));    // 5: a window at 3
  EXPECT_EQ(size_of(averaged, {11, 11}), (Size{2, 2}));  // 6: no window at 6, beyond the input
  pool.kernel = {9, 9};
  expect_error<InvalidArgument>([&] { size_of(averaged, {9, 9}); }, {"average", "at least one pixel", "0x0"});
}

TEST_F(OperatorsTest, AReflectionNeedsPixels) {
  body<Pad>(pad) = {gated, {2, 0, 0, 0}, Pad::Mode::reflect};
  EXPECT_EQ(size_of(padded, {9, 14}), (Size{5, 4}));
  body<Pad>(pad).padding[0] = 3;
  expect_error<InvalidArgument>([&] { size_of(padded, {9, 14}); }, {"pad", "more pixels than are reflected", "3x4"});
}

TEST_F(OperatorsTest, CroppingLeavesPixels) {
  body<Pad>(pad).padding = {-3, 0, -1, 0};
  expect_error<InvalidArgument>([&] { size_of(padded, {9, 14}); }, {"pad", "at least one pixel", "0x4"});
}

TEST_F(OperatorsTest, FactorsOfProductsAndInputsOfGathersAgree) {
  body<AdaptivePool>(global).size = {2, 1};
  expect_error<InvalidArgument>([&] { size_of(gated, {9, 14}); }, {"scale", "expected 3x4", "found 2x1"});
  program_ = test::every_operator();
  (*body<Resize>(doubled).factor)[1] = {3, 2};
  expect_error<InvalidArgument>([&] { size_of(joined, {9, 14}); }, {"join", "expected 8x10", "found 8x7"});
}

}  // namespace
}  // namespace itrt::model
