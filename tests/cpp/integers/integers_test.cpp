// Programs in fixed point through a runtime without floating point: the bytes of every other instruction set.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "integers/run_integers.h"
#include "model/model_builder.h"
#include "runtime/labels.h"
#include "runtime/session.h"

namespace itrt {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes random_image(model::Size size, unsigned seed) {
  std::mt19937 engine(seed);
  Bytes image(static_cast<std::size_t>(size.height * size.width * 3));
  for (std::uint8_t& value : image) value = static_cast<std::uint8_t>(engine());
  return image;
}

struct Answer {
  Bytes logits, labels;
  bool operator==(const Answer&) const = default;
};

Answer answer(const Bytes& file, model::Size size, const Bytes& image, std::int64_t iterations, std::string_view isa) {
  const auto program = Program::load(file, isa);
  Session session(program, size, 1);
  session.start(image);
  for (std::int64_t i = 0; i < iterations; ++i) session.iterate();
  const TensorView logits = session.answer();
  Answer result = {Bytes(logits.bytes.begin(), logits.bytes.end()), Bytes(image.size() / 3)};
  compute_labels(logits.bytes, logits.size, logits.channels, size, program->isa(), 1, result.labels.data());
  return result;
}

void expect_the_same_bytes(const model::Program& program, std::int64_t iterations) {
  const Bytes file = test::to_file(test::with_fixed_point(program)).bytes();
  unsigned seed = 0;
  for (const model::Size size : {model::Size{9, 14}, model::Size{33, 20}}) {
    const Bytes image = random_image(size, ++seed);
    const Answer expected = answer(file, size, image, iterations, "portable");
    for (const Isa isa : detected_isas()) {
      EXPECT_EQ(answer(file, size, image, iterations, isa_name(isa)), expected) << isa_name(isa);
    }
    for (const int threads : {1, 3}) {
      Answer found = {Bytes(expected.logits.size()), Bytes(expected.labels.size())};
      const IntegersRun run = {.file = file.data(),
                               .file_bytes = static_cast<std::int64_t>(file.size()),
                               .image = image.data(),
                               .height = size.height,
                               .width = size.width,
                               .iterations = iterations,
                               .threads = threads,
                               .logits = found.logits.data(),
                               .labels = found.labels.data()};
      ASSERT_TRUE(itrt_run_integers(&run));
      EXPECT_EQ(found, expected) << program.name << ", " << threads << " threads";
    }
    const auto [lowest, highest] = std::minmax_element(expected.logits.begin(), expected.logits.end());
    EXPECT_GT(*highest - *lowest, 10) << "an answer that says nothing";
  }
}

TEST(Integers, AnIterativeNetworkWithConstantsAStep) { expect_the_same_bytes(test::small_network(3), 3); }

TEST(Integers, AnIterativeNetworkOfAnyNumberOfSteps) { expect_the_same_bytes(test::small_network(), 5); }

TEST(Integers, EveryOperator) { expect_the_same_bytes(test::every_operator(), 0); }

TEST(Integers, WhatIsNoModelIsNotRun) {
  const Bytes file = {1, 2, 3};
  const IntegersRun run = {.file = file.data(), .file_bytes = 3};
  EXPECT_FALSE(itrt_run_integers(&run));
}

}  // namespace
}  // namespace itrt
