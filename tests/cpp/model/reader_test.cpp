#include "model/reader.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "expect_error.h"
#include "model/model_builder.h"

namespace itrt::model {
namespace {

using test::expect_error;
using test::ModelFile;
using test::replaced;

ModelFile small_file() { return test::to_file(test::small_network(3)); }

void expect_rejected(const ModelFile& file, std::initializer_list<std::string_view> parts) {
  expect_error<ModelFileError>([&] { read(file.bytes()); }, parts);
}

// The program's JSON with one change.
void expect_edit_rejected(std::string_view from, std::string_view to, std::initializer_list<std::string_view> parts) {
  SCOPED_TRACE(std::string(from) + " -> " + std::string(to));
  ModelFile file = small_file();
  file.program = replaced(file.program, from, to);
  expect_rejected(file, parts);
}

TEST(Reader, ReadsEveryFieldOfAProgram) {
  const Program expected = test::small_network(3);
  const Program found = read(test::to_file(expected).bytes());
  EXPECT_EQ(found.name, expected.name);
  EXPECT_EQ(found.iterations, 3);
  EXPECT_EQ(found.max_iterations, 3);
  ASSERT_EQ(found.tensors.size(), expected.tensors.size());
  for (std::size_t i = 0; i < found.tensors.size(); ++i) {
    EXPECT_EQ(found.tensors[i].name, expected.tensors[i].name);
    EXPECT_EQ(found.tensors[i].channels, expected.tensors[i].channels);
    EXPECT_EQ(found.tensors[i].scale, expected.tensors[i].scale);
    EXPECT_EQ(found.tensors[i].zero_points, expected.tensors[i].zero_points);
  }
  EXPECT_EQ(found.image, expected.image);
  EXPECT_EQ(found.state, expected.state);
  EXPECT_EQ(found.next_state, expected.next_state);
  EXPECT_EQ(found.logits, expected.logits);
  EXPECT_EQ(found.stem.size(), expected.stem.size());
  EXPECT_EQ(found.head.size(), expected.head.size());
  EXPECT_EQ(found.mean, expected.mean);
  EXPECT_EQ(found.std, expected.std);
  EXPECT_EQ(found.color_order, "RGB");
  EXPECT_EQ(found.classes, expected.classes);
  EXPECT_EQ(found.palette, expected.palette);
  EXPECT_EQ(found.metadata, expected.metadata);
}

TEST(Reader, ReadsEveryFieldOfAnOperator) {
  const Program expected = test::small_network(3);
  const Program found = read(test::to_file(expected).bytes());
  ASSERT_EQ(found.block.size(), expected.block.size());
  for (std::size_t i = 0; i < found.block.size(); ++i) {
    EXPECT_EQ(found.block[i].name, expected.block[i].name);
    EXPECT_EQ(found.block[i].output, expected.block[i].output);
    ASSERT_EQ(found.block[i].body.index(), expected.block[i].body.index());
    EXPECT_EQ(inputs_of(found.block[i]), inputs_of(expected.block[i]));
    const auto* convolution = std::get_if<Convolution>(&found.block[i].body);
    if (convolution == nullptr) continue;
    const auto& same = std::get<Convolution>(expected.block[i].body);
    EXPECT_EQ(convolution->bias.values, same.bias.values);
    EXPECT_EQ(convolution->scale.values, same.scale.values);
    ASSERT_EQ(convolution->terms.size(), same.terms.size());
    for (std::size_t term = 0; term < same.terms.size(); ++term) {
      EXPECT_EQ(convolution->terms[term].weight.values, same.terms[term].weight.values);
      EXPECT_EQ(convolution->terms[term].weight_shape, same.terms[term].weight_shape);
      EXPECT_EQ(convolution->terms[term].stride, same.terms[term].stride);
      EXPECT_EQ(convolution->terms[term].padding, same.terms[term].padding);
      EXPECT_EQ(convolution->terms[term].dilation, same.terms[term].dilation);
      EXPECT_EQ(convolution->terms[term].groups, same.terms[term].groups);
      EXPECT_EQ(convolution->terms[term].loop_invariant, same.terms[term].loop_invariant);
    }
  }
  const auto& add = std::get<Add>(found.block.back().body);
  EXPECT_EQ(add.multipliers, (std::vector<std::int32_t>{2, 5}));
  EXPECT_EQ(add.shift, 2);
  EXPECT_EQ(add.clamp.lower, 5);
  EXPECT_EQ(add.clamp.upper, 250);
  EXPECT_EQ(std::get<Resize>(found.block[2].body).size_of, 3);
}

TEST(Reader, ReadsProgramsWithoutALimitAndWithoutALoop) {
  EXPECT_EQ(read(test::to_file(test::small_network()).bytes()).max_iterations, std::nullopt);
  const Program program = read(test::to_file(test::feed_forward()).bytes());
  EXPECT_EQ(program.state, std::nullopt);
  EXPECT_EQ(program.next_state, std::nullopt);
  EXPECT_TRUE(program.block.empty());
}

TEST(Reader, AProgramThatIsNoJson) {
  ModelFile file = small_file();
  file.program = "program";
  expect_rejected(file, {"JSON", "a value"});
  file.program = "7";
  expect_rejected(file, {"program", "an object", "an integer"});
}

TEST(Reader, EveryKeyIsNeeded) {
  const std::string program = small_file().program;
  for (const std::string_view key :
       {"name",     "iterations",     "max_iterations", "tensors",     "image",         "state",   "next_state",
        "logits",   "stem",           "block",          "head",        "preprocessing", "classes", "palette",
        "metadata", "channels",       "scale",          "zero_points", "output",        "kind",    "terms",
        "bias",     "clamp",          "input",          "weight",      "stride",        "padding", "dilation",
        "groups",   "loop_invariant", "inputs",         "multipliers", "shift",         "size_of", "mean",
        "std",      "color_order"}) {
    const std::string quoted = "\"" + std::string(key) + "\":";
    ModelFile file = small_file();
    const std::size_t at = file.program.find(quoted);
    ASSERT_NE(at, std::string::npos) << key;
    file.program.replace(at, quoted.size(), "\"other\":");
    SCOPED_TRACE(key);
    // Which of the two is reported depends on the order of the checks.
    try {
      read(file.bytes());
      FAIL() << "no error";
    } catch (const ModelFileError& error) {
      const std::string message = error.what();
      EXPECT_TRUE(message.find("only known keys, found \"other\"") != std::string::npos ||
                  message.find("a key \"" + std::string(key) + "\", found none") != std::string::npos)
          << message;
    }
  }
}

TEST(Reader, UnknownKeysAreErrors) {
  expect_edit_rejected("{\"name\":\"small\"", "{\"new\":1,\"name\":\"small\"",
                       {"program", "only known keys", "\"new\""});
  expect_edit_rejected("{\"name\":\"state\",", "{\"new\":1,\"name\":\"state\",", {"program.tensors[2]", "\"new\""});
  expect_edit_rejected("\"kind\":\"resize\",", "\"kind\":\"resize\",\"clamp\":[0,1],",
                       {"program.block[2]", "\"clamp\""});
  expect_edit_rejected("\"inputs\":[3,6]", "\"input\":3,\"inputs\":[3,6]", {"program.block[4]", "\"input\""});
  expect_edit_rejected("{\"input\":0,", "{\"new\":1,\"input\":0,", {"program.stem[0].terms[0]", "\"new\""});
  expect_edit_rejected("\"name\":\"first\",", "\"name\":\"first\",\"new\":1,", {"program.stem[0]", "\"new\""});
  expect_edit_rejected("{\"mean\":", "{\"new\":1,\"mean\":", {"program.preprocessing", "\"new\""});
}

TEST(Reader, NumbersOutOfRange) {
  expect_edit_rejected("\"iterations\":3,\"max", "\"iterations\":0,\"max", {"program.iterations", "from 1", "found 0"});
  expect_edit_rejected("\"iterations\":3,\"max", "\"iterations\":2.5,\"max",
                       {"program.iterations", "an integer", "a number"});
  expect_edit_rejected("\"max_iterations\":3", "\"max_iterations\":2", {"program.max_iterations", "from 3", "found 2"});
  expect_edit_rejected("\"image\":0,", "\"image\":-1,", {"program.image", "from 0", "found -1"});
  expect_edit_rejected("\"image\":0,", "\"image\":2147483648,", {"program.image", "2147483647", "2147483648"});
  expect_edit_rejected("\"state\",\"channels\":8", "\"state\",\"channels\":0",
                       {"program.tensors[2].channels", "found 0"});
  expect_edit_rejected("\"state\",\"channels\":8", "\"state\",\"channels\":65537",
                       {"tensors[2].channels", "65536", "65537"});
  expect_edit_rejected("[120,110,100]", "[120,256,100]", {"program.tensors[0].zero_points[1]", "0 to 255", "256"});
  expect_edit_rejected("[5,250]", "[5,256]", {"program.block[4].clamp[1]", "0 to 255", "256"});
  expect_edit_rejected("[2,5]", "[2,32768]", {"program.block[4].multipliers[1]", "from -32767 to 32767", "32768"});
  expect_edit_rejected("\"shift\":2", "\"shift\":29", {"program.block[4].shift", "from 0 to 28", "29"});
  expect_edit_rejected("[2,5]", "[2,0.5]", {"program.block[4].multipliers[1]", "an integer"});
  expect_edit_rejected("\"groups\":4", "\"groups\":0", {"program.block[3].terms[0].groups", "from 1", "found 0"});
}

TEST(Reader, GeometryOutOfRange) {
  const auto first = [](std::string_view key, std::string_view from, std::string_view to) {
    ModelFile file = small_file();  // the first convolution is the first place where these keys stand
    const std::string old = "\"" + std::string(key) + "\":" + std::string(from);
    const std::size_t at = file.program.find(old);
    EXPECT_NE(at, std::string::npos) << old;
    file.program.replace(at, old.size(), "\"" + std::string(key) + "\":" + std::string(to));
    return file;
  };
  expect_rejected(first("stride", "[2,2]", "[2,0]"), {"program.stem[0].terms[0].stride[1]", "from 1", "found 0"});
  expect_rejected(first("stride", "[2,2]", "[2]"), {"program.stem[0].terms[0].stride", "2 integers", "found 1"});
  expect_rejected(first("stride", "[2,2]", "[2,65537]"), {"stride[1]", "65536", "65537"});
  expect_rejected(first("padding", "[1,1,1,1]", "[1,1,1,-1]"), {"program.stem[0].terms[0].padding[3]", "found -1"});
  expect_rejected(first("padding", "[1,1,1,1]", "[1,1,1]"), {"padding", "4 integers", "found 3"});
  expect_rejected(first("dilation", "[1,1]", "[0,1]"), {"dilation[0]", "from 1", "found 0"});
  expect_rejected(first("dilation", "[1,1]", "1"), {"dilation", "an array", "an integer"});
  expect_rejected(first("loop_invariant", "false", "0"), {"loop_invariant", "a boolean", "an integer"});
  expect_rejected(first("clamp", "[0,255]", "[9,8]"), {"program.stem[0].clamp", "lower <= upper"});
  expect_rejected(first("clamp", "[0,255]", "[0]"), {"program.stem[0].clamp", "lower <= upper"});
}

TEST(Reader, UnknownOperators) {
  expect_edit_rejected("\"kind\":\"resize\"", "\"kind\":\"warp\"",
                       {"program.block[2].kind", "convolution or add or resize or pool", "found warp"});
}

TEST(Reader, ListsThatMustNotBeEmpty) {
  expect_edit_rejected("\"inputs\":[3,6],\"multipliers\":[2,5]", "\"inputs\":[],\"multipliers\":[]",
                       {"program.block[4].multipliers", "1 to 64 inputs"});
  expect_edit_rejected("\"multipliers\":[2,5]", "\"multipliers\":[2]", {"program.block[4].multipliers", "found 1"});
  expect_edit_rejected("[\"first.weight.0\"]", "[]", {"program.stem[0].terms[0].weight", "at least one blob", "none"});
  expect_edit_rejected("[\"first.bias\"]", "[]", {"program.stem[0].bias", "at least one blob", "none"});
  ModelFile file = small_file();
  const std::size_t from = file.program.find("\"terms\":["), to = file.program.find(",\"bias\"");
  file.program.replace(from, to - from, "\"terms\":[]");
  expect_rejected(file, {"program.stem[0].terms", "at least one term", "none"});
}

TEST(Reader, ReadsFixedPointInPlaceOfScales) {
  const Program expected = test::with_fixed_point(test::small_network(3));
  const Program found = read(test::to_file(expected).bytes());
  for (const auto section : {&Program::stem, &Program::block, &Program::head}) {
    for (std::size_t i = 0; i < (found.*section).size(); ++i) {
      const auto* convolution = std::get_if<Convolution>(&(found.*section)[i].body);
      if (convolution == nullptr) continue;
      const auto& same = std::get<Convolution>((expected.*section)[i].body);
      EXPECT_TRUE(convolution->scale.values.empty());
      ASSERT_TRUE(convolution->fixed);
      EXPECT_EQ(convolution->fixed->multiplier.values, same.fixed->multiplier.values);
      EXPECT_EQ(convolution->fixed->shift.values, same.fixed->shift.values);
    }
  }
}

TEST(Reader, ScalesAreBlobsOrFixedPoint) {
  const std::string scale = "\"scale\":[\"first.scale\"]";
  const std::string multiplier = "{\"multiplier\":[\"first.bias\"]";
  expect_edit_rejected(scale, "\"scale\":null", {"program.stem[0].scale", "an object", "null"});
  expect_edit_rejected(scale, "\"scale\":[]", {"program.stem[0].scale", "at least one blob"});
  expect_edit_rejected(scale, "\"scale\":" + multiplier + "}", {"scale.multiplier[0]", "type I16", "I32"});
  expect_edit_rejected(scale, "\"scale\":" + multiplier + ",\"factor\":1}", {"program.stem[0].scale", "\"factor\""});
}

TEST(Reader, ColorsAreThreeBytes) {
  expect_edit_rejected("[20,100,20]", "[20,100]", {"program.palette[1]", "red, green and blue", "2 values"});
  expect_edit_rejected("[20,100,20]", "[20,100,-1]", {"program.palette[1][2]", "found -1"});
}

TEST(Reader, MetadataIsText) {
  expect_edit_rejected("\"a test\"", "17", {"program.metadata.origin", "a string", "an integer"});
}

TEST(Reader, BlobsThatAreMissingOrOfAnotherKind) {
  expect_edit_rejected("[\"first.bias\"]", "[\"last.bias\"]",
                       {"program.stem[0].bias[0]", "the name of a blob", "\"last.bias\""});
  expect_edit_rejected("[\"first.bias\"]", "[\"first.scale\"]", {"program.stem[0].bias[0]", "type I32", "F32"});
  expect_edit_rejected("[\"first.weight.0\"]", "[\"none\"]",
                       {"program.stem[0].terms[0].weight[0]", "the name of a blob"});
  expect_edit_rejected("[\"first.weight.0\"]", "[\"first.bias\"]", {"weight[0]", "4 extents", "another shape"});
  expect_edit_rejected("[\"first.bias\"]", "[\"down.bias.0\"]", {"program.stem[0].bias[0]", "another shape"});
  expect_edit_rejected("\"mix.bias.1\"", "\"down.bias.1\"", {"program.block[0].bias[1]", "another shape"});
}

TEST(Reader, WeightsWithoutExtent) {
  Program program = test::feed_forward();
  ModelFile file = test::to_file(program);
  file.blobs.front().shape = {4, 0, 3, 3};
  file.blobs.front().bytes.clear();
  expect_rejected(file, {"program.stem[0].terms[0].weight[0]", "from 1 to 65536"});
}

TEST(Reader, ReadsOnlyWhatIsValid) {
  Program program = test::small_network(3);
  program.classes.pop_back();
  expect_rejected(test::to_file(program), {"palette", "one color a class"});
}

}  // namespace
}  // namespace itrt::model
