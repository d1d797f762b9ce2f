// Sessions whose operators run in stripes: the bytes of those that run over whole tensors, in less memory.
#include <gtest/gtest.h>

#include "base/errors.h"
#include "expect_error.h"
#include "model/model_builder.h"
#include "runtime/cpu_cache.h"
#include "runtime/session.h"

namespace itrt {
namespace {

using model::Size;
using test::expect_error;
using Bytes = std::vector<std::uint8_t>;
using SharedProgram = std::shared_ptr<const Program>;
using Stripes = std::vector<Stripe>;

SharedProgram load(const model::Program& program, Isa isa = detected_isa()) {
  return Program::load(test::to_file(program).bytes(), isa_name(isa));
}

Bytes image_of(Size size) {
  Bytes image(static_cast<std::size_t>(size.height * size.width * 3));
  unsigned value = 77;
  for (std::uint8_t& byte : image) {
    value = value * 1664525u + 1013904223u;
    byte = static_cast<std::uint8_t>(value >> 24);
  }
  return image;
}

// The answers of a session, one after another.
std::vector<Bytes> answers(Session& session, int iterations) {
  std::vector<Bytes> result;
  session.start(image_of(session.image_size()));
  for (int i = 0; i < iterations; ++i) {
    session.iterate();
    const TensorView view = session.answer();
    result.emplace_back(view.bytes.begin(), view.bytes.end());
  }
  return result;
}

// All operators of the section.
Stripe all_of(const Program& program, Section section, std::int64_t rows) {
  const std::size_t count = (section == Section::stem    ? program.stem()
                             : section == Section::block ? program.block()
                                                         : program.head())
                                .size();
  return {section, 0, static_cast<std::int64_t>(count) - 1, rows};
}

TEST(StripedSession, EveryHeightThreadCountAndInstructionSetGivesTheSameBytes) {
  const model::Program program = test::small_network(3);
  for (const Size size : {Size{45, 26}, Size{1, 1}, Size{2, 33}}) {
    Session whole(load(program, Isa::portable), size, 1);
    const auto expected = answers(whole, 3);
    for (const Isa isa : detected_isas()) {
      const SharedProgram shared = load(program, isa);
      for (const std::int64_t rows : {1, 2, 3, 7, 100}) {
        const Stripes stripes = {all_of(*shared, Section::block, rows), all_of(*shared, Section::stem, rows),
                                 all_of(*shared, Section::head, rows)};
        for (const int threads : {1, 3}) {
          Session session(shared, size, threads, Fusion::on, stripes);
          EXPECT_EQ(answers(session, 3), expected) << isa_name(isa) << ", " << rows << " rows, " << threads
                                                   << " threads, " << size.height << "x" << size.width;
          EXPECT_EQ(session.arena_bytes(), plan_memory(*shared, size, Fusion::on, stripes).arena_bytes);
        }
      }
    }
  }
}

TEST(StripedSession, EveryPartOfASectionGivesTheSameBytes) {
  const SharedProgram program = load(test::small_network());
  const Size size{37, 22};
  for (const Fusion fusion : {Fusion::off, Fusion::on}) {
    Session whole(program, size, 1, fusion);
    const auto expected = answers(whole, 2);
    const auto count = static_cast<std::int64_t>(program->block().size());
    // Whether operators are fused across the border behind this one.
    const auto joins = [&](std::int64_t index) {
      return fusion == Fusion::on && index >= 0 && program->block()[static_cast<std::size_t>(index)].joins_next;
    };
    EXPECT_EQ(joins(count - 2), fusion == Fusion::on);
    for (std::int64_t first = 0; first < count; ++first) {
      for (std::int64_t last = first; last < count; ++last) {
        if (joins(first - 1) || joins(last)) continue;
        Session session(program, size, 2, fusion, Stripes{{Section::block, first, last, 2}});
        EXPECT_EQ(answers(session, 2), expected) << first << " to " << last;
      }
    }
  }
}

// image -> a -> b -> logits, 3x3 convolutions of 8 channels, all in the head.
model::Program chain() {
  model::Program program = test::feed_forward();
  model::Operator first = program.stem.front();
  program.stem.clear();
  program.tensors = {program.tensors[0], test::tensor("a", 4), test::tensor("logits", 2), test::tensor("b", 4)};
  model::Operator second = test::pointwise("second", 1, 4, 3, 4);
  program.head = {first, second, test::pointwise("classify", 3, 4, 2, 2)};
  return program;
}

TEST(StripedSession, NeedsLineBuffersInPlaceOfTensors) {
  const SharedProgram program = load(chain());
  const Size size{64, 64};
  const std::int64_t image = 64 * 64 * 3, logits = 64 * 64 * 2, row = 64 * 4;
  EXPECT_EQ(plan_memory(*program, size, Fusion::on, Stripes{{Section::head, 0, 2, 4}}).arena_bytes,
            image + logits + 2 * 4 * row + 64);
}

TEST(StripedSession, TapsSeeWhatIsStoredWhole) {
  const SharedProgram program = load(test::small_network());
  const Size size{20, 20};
  Session session(program, size, 1, Fusion::on, Stripes{all_of(*program, Section::block, 3)});
  std::vector<model::TensorIndex> seen;
  const auto keep = [&](const TensorView& view) { seen.push_back(view.index); };
  const Session::Tap tap(keep);
  session.start(image_of(size));
  session.iterate(&tap);
  EXPECT_EQ(seen, std::vector<model::TensorIndex>{*program->model().next_state});
}

// A resize whose only reader is the addition behind it.
model::Program with_fusion() {
  model::Program program = test::small_network();
  const auto grown = static_cast<model::TensorIndex>(program.tensors.size());
  program.tensors.push_back(test::tensor("shrunk", 8, 0.3f, {100}));
  program.tensors.push_back(test::tensor("grown", 8, 0.3f, {100}));
  auto& sum = std::get<model::Add>(program.block.back().body);
  const model::TensorIndex lean = sum.inputs[1];
  sum.inputs[1] = grown + 1;
  program.block.insert(program.block.end() - 1, {{"shrink", grown, model::Resize{lean, program.block[1].output}},
                                                 {"grow", grown + 1, model::Resize{grown, program.block[0].output}}});
  return program;
}

TEST(StripedSession, StripesOfFusedOperatorsGiveTheSameBytes) {
  const SharedProgram program = load(with_fusion());
  ASSERT_TRUE(program->block()[5].joins_next);
  for (const Size size : {Size{64, 48}, Size{61, 30}, Size{1, 1}}) {
    Session whole(program, size, 1);
    const auto expected = answers(whole, 3);
    for (const std::int64_t rows : {1, 2, 5, 64}) {
      for (const std::int64_t first : {0, 3, 5}) {
        Session session(program, size, 2, Fusion::on, Stripes{{Section::block, first, 6, rows}});
        EXPECT_EQ(answers(session, 3), expected) << rows << " rows from operator " << first;
      }
    }
  }
}

TEST(StripedSession, WrongStripesAreErrors) {
  const SharedProgram program = load(with_fusion());
  const auto expect = [&](const Stripes& stripes, std::initializer_list<std::string_view> parts) {
    expect_error<InvalidArgument>([&] { Session(program, {16, 16}, 1, Fusion::on, stripes); }, parts);
    expect_error<InvalidArgument>([&] { plan_memory(*program, {16, 16}, Fusion::on, stripes); }, parts);
  };
  expect({{Section::block, 0, 7, 1}}, {"stripes of the block", "its 7 operators", "0 and 7"});
  expect({{Section::block, -1, 2, 1}}, {"stripes of the block", "its 7 operators", "-1 and 2"});
  expect({{Section::stem, 1, 0, 1}}, {"stripes of the stem", "its 2 operators", "1 and 0"});
  expect({{Section::head, 0, 1, 0}}, {"stripes of the head", "at least 1 row", "found 0"});
  expect({{Section::block, 0, 2, 1}, {Section::block, 2, 3, 1}}, {"operator 2 of the block", "in two"});
  expect({{Section::block, 0, 5, 1}}, {"stripes of the block", "both or neither", "'grow'"});
  expect({{Section::block, 6, 6, 1}}, {"stripes of the block", "both or neither", "'grow'"});
  EXPECT_NO_THROW(Session(program, {16, 16}, 1, Fusion::off, Stripes{{Section::block, 0, 5, 1}}));
}

TEST(StripedSession, ChoosesStripesThatTheProgramCanRun) {
  const SharedProgram program = load(with_fusion());
  const Size size{128, 96};
  Session whole(program, size, 1);
  const auto expected = answers(whole, 2);
  std::size_t chosen = 0;
  for (const std::int64_t cache :
       {std::int64_t{1}, std::int64_t{1} << 14, std::int64_t{1} << 15, std::int64_t{1} << 16, std::int64_t{1} << 30}) {
    const Stripes stripes = choose_stripes(*program, size, cache);
    chosen += stripes.size();
    Session session(program, size, 2, Fusion::on, stripes);
    EXPECT_EQ(answers(session, 2), expected);
  }
  EXPECT_GT(chosen, 0u);
  EXPECT_TRUE(choose_stripes(*program, size, 1).empty());                      // nothing fits
  EXPECT_TRUE(choose_stripes(*program, size, std::int64_t{1} << 30).empty());  // everything does, as it is
}

TEST(CpuCache, IsPlausible) {
  const auto bytes = level2_cache_bytes();
  if (!bytes) GTEST_SKIP() << "the system does not tell";
  EXPECT_GE(*bytes, 1 << 14);
  EXPECT_LE(*bytes, 1 << 30);
}

}  // namespace
}  // namespace itrt
