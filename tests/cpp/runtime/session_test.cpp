#include "runtime/session.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/errors.h"
#include "expect_error.h"
#include "model/model_builder.h"

namespace itrt {
namespace {

using model::Size;
using model::TensorIndex;
using test::expect_error;
using Bytes = std::vector<std::uint8_t>;
using SharedProgram = std::shared_ptr<const Program>;

SharedProgram load(const model::Program& program, Isa isa = detected_isa()) {
  return Program::load(test::to_file(program).bytes(), isa_name(isa));
}

Bytes image_of(Size size, unsigned seed) {
  Bytes image(static_cast<std::size_t>(size.height * size.width * 3));
  unsigned value = seed * 2654435761u + 1;
  for (std::uint8_t& byte : image) {
    value = value * 1664525u + 1013904223u;
    byte = static_cast<std::uint8_t>(value >> 24);
  }
  return image;
}

Bytes copy(const TensorView& view) { return {view.bytes.begin(), view.bytes.end()}; }

// Everything that a run writes, in order.
struct Record {
  std::vector<std::pair<TensorIndex, Bytes>> tensors;
  bool operator==(const Record&) const = default;
};

Record record(Session& session, const Bytes& image, int iterations) {
  Record result;
  const auto keep = [&](const TensorView& view) { result.tensors.emplace_back(view.index, copy(view)); };
  const Session::Tap tap(keep);
  session.start(image, &tap);
  for (int i = 0; i < iterations; ++i) {
    session.iterate(&tap);
    session.answer(&tap);
  }
  return result;
}

// A run of test::counter on an image of one colour.
int count(const model::Program& program, std::uint8_t begin, int iterations) {
  Session session(load(program), {3, 5}, 1);
  session.start(Bytes(3 * 5 * 3, begin));
  for (int i = 0; i < iterations; ++i) session.iterate();
  const Bytes answer = copy(session.answer());
  for (const std::uint8_t value : answer) EXPECT_EQ(value, answer.front());
  return answer.front();
}

model::Convolution& convolution(model::Operator& op) { return std::get<model::Convolution>(op.body); }

TEST(Session, RunsTheBlockOnceAnIteration) {
  for (const int iterations : {0, 1, 2, 7, 100}) EXPECT_EQ(count(test::counter(), 20, iterations), 20 + iterations);
}

TEST(Session, TakesTheBiasOfTheStep) {
  model::Program program = test::counter();
  program.max_iterations = 3;
  convolution(program.block[0]).bias.values = {{1}, {10}, {100}};
  EXPECT_EQ(count(program, 20, 1), 21);
  EXPECT_EQ(count(program, 20, 2), 31);
  EXPECT_EQ(count(program, 20, 3), 131);
}

TEST(Session, TakesTheScaleOfTheStep) {
  model::Program program = test::counter();
  program.max_iterations = 3;
  convolution(program.block[0]).bias.values = {{0}};
  convolution(program.block[0]).scale.values = {{2}, {0.5f}, {3}};
  EXPECT_EQ(count(program, 20, 1), 40);
  EXPECT_EQ(count(program, 20, 2), 20);
  EXPECT_EQ(count(program, 20, 3), 60);
}

TEST(Session, TakesTheWeightOfTheStep) {
  model::Program program = test::counter();
  program.tensors[1].zero_points = program.tensors[2].zero_points = {5};  // folded into the bias, step by step
  program.max_iterations = 3;
  convolution(program.block[0]).bias.values = {{0}};
  convolution(program.block[0]).terms[0].weight.values = {{2}, {1}, {3}};
  EXPECT_EQ(count(program, 10, 1), 20);  // the stem gives 10 + 5; the head takes off 5
  EXPECT_EQ(count(program, 10, 2), 20);
  EXPECT_EQ(count(program, 10, 3), 60);
  convolution(program.block[0]).bias.values = {{1}, {2}, {3}};
  EXPECT_EQ(count(program, 10, 3), ((10 * 2 + 1) + 2) * 3 + 3);
}

TEST(Session, TakesTheHeadOfTheStep) {
  model::Program program = test::counter();
  program.max_iterations = 3;
  convolution(program.head[0]).bias.values = {{50}, {60}, {70}};
  EXPECT_EQ(count(program, 20, 0), 70);  // before the first iteration: the first step's
  EXPECT_EQ(count(program, 20, 1), 71);
  EXPECT_EQ(count(program, 20, 2), 82);
  EXPECT_EQ(count(program, 20, 3), 93);
}

// The block reads the state while or after it writes the next one: the next one has a buffer of its own.
TEST(Session, CopiesAStateThatIsReadLast) {
  model::Program program = test::counter();
  program.tensors.push_back(test::tensor("echo", 1));
  program.block.push_back(test::pointwise("echo", 1, 1, 4, 1));
  Session session(load(program), {2, 2}, 1);
  session.start(Bytes(12, 20));
  std::vector<int> states;
  const auto keep = [&](const TensorView& view) {
    if (view.index == 4) states.push_back(view.bytes[0]);
  };
  const Session::Tap tap(keep);
  for (int i = 0; i < 3; ++i) session.iterate(&tap);
  EXPECT_EQ(states, (std::vector<int>{20, 21, 22}));
  EXPECT_EQ(session.answer().bytes[0], 23);
}

// The block reads the state first: the next one takes its place, and temporaries use it in between.
TEST(Session, LetsTheNextStateTakeTheStatesPlace) {
  model::Program program = test::counter();
  for (const char* name : {"a", "b"}) program.tensors.push_back(test::tensor(name, 1));
  program.block = {test::pointwise("a", 1, 1, 4, 1, 1, 1), test::pointwise("b", 4, 1, 5, 1, 1, 1),
                   test::pointwise("c", 5, 1, 2, 1, 1, 1)};
  for (const int iterations : {1, 2, 10}) EXPECT_EQ(count(program, 20, iterations), 20 + 3 * iterations);
}

TEST(Session, TheStatesPlaceCostsNothing) {
  model::Program aliased = test::counter(), copied = test::counter();
  for (const char* name : {"a"}) aliased.tensors.push_back(test::tensor(name, 1));
  aliased.block = {test::pointwise("a", 1, 1, 4, 1), test::pointwise("b", 4, 1, 2, 1)};
  // Both need two buffers at a time; the image, three times as large, gives them the room.
  const Size size{64, 64};
  EXPECT_EQ(plan_memory(*load(aliased), size).arena_bytes, plan_memory(*load(copied), size).arena_bytes);
}

TEST(Session, TheLogitsMayBeTheState) {
  model::Program program = test::counter();
  program.logits = 1;
  program.head.clear();
  program.tensors.pop_back();
  for (const int iterations : {0, 1, 9}) EXPECT_EQ(count(program, 20, iterations), 20 + iterations);
}

TEST(Session, RunsANetworkWithoutALoop) {
  const Bytes image = image_of({9, 7}, 1);
  Session session(load(test::feed_forward()), {9, 7}, 2);
  session.start(image);
  session.iterate();
  EXPECT_EQ(session.iterations_done(), 1);
  const TensorView view = session.answer();
  EXPECT_EQ(view.size, (Size{9, 7}));
  EXPECT_EQ(view.channels, 2);
  const Bytes first = copy(view);
  EXPECT_EQ(copy(session.answer()), first);
  expect_error<InvalidArgument>([&] { session.iterate(); }, {"iterations", "at most 1", "one more"});
}

// By the head, by the stem.
TEST(Session, WritesLogitsWhereTheyAreWanted) {
  model::Program by_stem = test::feed_forward();
  by_stem.stem.push_back(by_stem.head[0]);
  by_stem.head.clear();
  for (const model::Program& program : {test::feed_forward(), by_stem}) {
    Session session(load(program), {9, 7}, 2);
    session.start(image_of({9, 7}, 1));
    const Bytes expected = copy(session.answer());
    Bytes logits(expected.size());
    const TensorView view = session.answer(nullptr, logits.data());
    EXPECT_EQ(view.bytes.data(), logits.data());
    EXPECT_EQ(logits, expected);
    EXPECT_NE(session.answer().bytes.data(), logits.data());
    EXPECT_EQ(copy(session.answer()), expected);
  }
}

TEST(Session, RunsANetworkWithoutAStem) {
  model::Program program = test::feed_forward();
  program.head = {program.stem[0], program.head[0]};
  program.head[0].name = "zeroth";
  program.stem.clear();
  const Bytes image = image_of({9, 7}, 1);
  Session session(load(program), {9, 7}, 1);
  session.start(image);
  const Bytes first = copy(session.answer());
  EXPECT_EQ(copy(session.answer()), first);
  Session same(load(test::feed_forward()), {9, 7}, 1);
  same.start(image);
  EXPECT_EQ(copy(same.answer()), first);
}

// The small network with its sum taken of the resized tensor, of which nothing is left outside the addition.
model::Program with_resize_in_addition(bool resized_first) {
  model::Program program = test::small_network(4);
  auto& sum = std::get<model::Add>(program.block.back().body);
  const model::TensorIndex lean = sum.inputs[1];
  program.tensors.push_back(test::tensor("shrunk", 8, 0.3f, {100}));
  program.tensors.push_back(test::tensor("grown", 8, 0.3f, {100}));
  const auto shrunk = static_cast<model::TensorIndex>(program.tensors.size() - 2), grown = shrunk + 1;
  const model::TensorIndex low = program.block[1].output;
  program.block.insert(program.block.end() - 1, {{"shrink", shrunk, model::Resize{lean, low}},
                                                 {"grow", grown, model::Resize{shrunk, program.block[0].output}}});
  auto& inputs = std::get<model::Add>(program.block.back().body).inputs;
  inputs[1] = grown;
  if (resized_first) std::swap(inputs[0], inputs[1]);
  return program;
}

TEST(Session, FusionGivesTheSameBytesInLessMemory) {
  for (const bool resized_first : {false, true}) {
    const SharedProgram shared = load(with_resize_in_addition(resized_first));
    for (const Size size : {Size{64, 48}, Size{1, 1}, Size{61, 30}}) {
      const Bytes image = image_of(size, 5);
      for (const int threads : {1, 3}) {
        Session fused(shared, size, threads), plain(shared, size, threads, Fusion::off);
        fused.start(image);
        plain.start(image);
        for (int step = 0; step < 4; ++step) {
          fused.iterate();
          plain.iterate();
          EXPECT_EQ(copy(fused.answer()), copy(plain.answer())) << size.height << "x" << size.width;
        }
        EXPECT_LE(fused.arena_bytes(), plain.arena_bytes());
      }
    }
    std::vector<std::string> joins;
    for (const PreparedOperator& op : shared->block()) {
      if (op.joins_next) joins.push_back(op.name);
    }
    EXPECT_EQ(joins, std::vector<std::string>{"grow"});
  }
}

TEST(Session, HoistingGivesTheSameBytesForMoreMemory) {
  const model::Program program = test::small_network(4);
  const Bytes file = test::to_file(program).bytes();
  for (const Isa isa : detected_isas()) {
    const SharedProgram plain = Program::load(file, isa_name(isa), Hoisting::none);
    const SharedProgram hoisting = Program::load(file, isa_name(isa), Hoisting::all);
    for (const Size size : {Size{64, 48}, Size{1, 1}, Size{61, 30}}) {
      Session expected(plain, size, 1), session(hoisting, size, 3);
      for (const unsigned seed : {1u, 2u}) {  // what is hoisted is the image's
        expected.start(image_of(size, seed));
        session.start(image_of(size, seed));
        for (int step = 0; step < 4; ++step) {
          expected.iterate();
          session.iterate();
          EXPECT_EQ(copy(session.answer()), copy(expected.answer())) << isa_name(isa) << ", step " << step;
        }
      }
      EXPECT_GE(session.arena_bytes(), expected.arena_bytes());
      EXPECT_EQ(plan_memory(*hoisting, size, Fusion::off).arena_bytes,
                plan_memory(*plain, size, Fusion::off).arena_bytes);
    }
    EXPECT_EQ(std::get<PreparedConvolution>(hoisting->block()[0].body).hoisted_terms, 1);
    EXPECT_EQ(std::get<PreparedConvolution>(plain->block()[0].body).hoisted_terms, 0);
    // One value of eight channels is sooner multiplied than read.
    const SharedProgram chosen = Program::load(file, isa_name(isa));
    EXPECT_EQ(std::get<PreparedConvolution>(chosen->block()[0].body).hoisted_terms, 0);
  }
}

TEST(Session, EveryThreadCountAndInstructionSetGivesTheSameBytes) {
  const model::Program program = test::small_network(4);
  for (const Size size : {Size{61, 30}, Size{1, 1}, Size{2, 33}, Size{40, 3}}) {
    const Bytes image = image_of(size, 3);
    Session reference(load(program, Isa::portable), size, 1);
    const Record expected = record(reference, image, 4);
    for (const Isa isa : detected_isas()) {
      const SharedProgram shared = load(program, isa);
      EXPECT_EQ(shared->isa(), isa);
      for (const int threads : {1, 2, 3}) {
        Session session(shared, size, threads);
        EXPECT_EQ(record(session, image, 4), expected)
            << isa_name(isa) << ", " << threads << " threads, " << size.height << "x" << size.width;
      }
    }
  }
}

TEST(Session, TapsSeeEveryTensorInOrder) {
  Session session(load(test::small_network()), {20, 20}, 1, Fusion::off);
  const Record found = record(session, image_of({20, 20}, 1), 2);
  std::vector<TensorIndex> order;
  for (const auto& [index, bytes] : found.tensors) order.push_back(index);
  EXPECT_EQ(order, (std::vector<TensorIndex>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(found.tensors[0].second, image_of({20, 20}, 1));
  EXPECT_NE(found.tensors[7].second, found.tensors[14].second);  // the state moves: the weights are no dull choice
}

TEST(Session, AnswersChangeNothing) {
  const SharedProgram program = load(test::small_network());
  const Size size{30, 31};
  const Bytes image = image_of(size, 5);
  Session often(program, size, 2), once(program, size, 2);
  often.start(image);
  once.start(image);
  for (int i = 0; i < 6; ++i) {
    for (int repetition = 0; repetition < i % 3; ++repetition) often.answer();
    often.iterate();
    once.iterate();
  }
  EXPECT_EQ(copy(often.answer()), copy(once.answer()));
}

TEST(Session, StartsAgain) {
  const SharedProgram program = load(test::small_network(3));
  const Size size{30, 31};
  Session session(program, size, 1);
  const Record first = record(session, image_of(size, 1), 3);
  const Record other = record(session, image_of(size, 2), 2);
  EXPECT_EQ(session.iterations_done(), 2);
  EXPECT_EQ(record(session, image_of(size, 1), 3), first);
  EXPECT_NE(first.tensors[1].second, other.tensors[1].second);
}

TEST(Session, TensorsOfTheStemStayWhatTheyAre) {
  model::Program program = test::small_network();
  convolution(program.head[0]).terms[0].input = 1;  // the head reads the features alone
  Session session(load(program), {45, 18}, 2);
  session.start(image_of({45, 18}, 9));
  const Bytes before = copy(session.answer());
  for (int i = 0; i < 20; ++i) {
    session.iterate();
    ASSERT_EQ(copy(session.answer()), before) << "after iteration " << i;
  }
}

TEST(Session, MemoryDependsOnTheSizeAlone) {
  const SharedProgram program = load(test::small_network());
  const Size size{64, 64};
  Session session(program, size, 1);
  const std::int64_t bytes = session.arena_bytes();
  EXPECT_EQ(bytes, plan_memory(*program, size).arena_bytes);
  session.start(image_of(size, 1));
  for (int i = 0; i < 64; ++i) session.iterate();
  EXPECT_EQ(session.arena_bytes(), bytes);
  EXPECT_EQ(session.iterations_done(), 64);
  // Pinned. The most that lives at a time: features, mixed and lean (8192 bytes each) and high (12288), while the state
  // is dead; 64 bytes behind them that kernels may read.
  EXPECT_EQ(bytes, 3 * 8192 + 12288 + 64);
}

TEST(Session, WeightBytesAreThoseOfTheFile) {
  const test::ModelFile file = test::to_file(test::small_network(3));
  EXPECT_EQ(Program::load(file.bytes())->weight_bytes(), static_cast<std::int64_t>(file.data().size()));
}

TEST(Session, SessionsShareAProgram) {
  const SharedProgram program = load(test::small_network());
  const Size size{40, 41};
  std::vector<Bytes> expected, found(4);
  for (unsigned seed = 0; seed < 4; ++seed) {
    Session session(program, size, 1);
    expected.push_back(record(session, image_of(size, seed), 10).tensors.back().second);
  }
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      Session session(program, size, 2);
      for (int repetition = 0; repetition < 5; ++repetition) {
        found[seed] = record(session, image_of(size, seed), 10).tensors.back().second;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(found, expected);
}

TEST(Session, NeedsAnImageFirst) {
  Session session(load(test::counter()), {4, 4}, 1);
  expect_error<InvalidArgument>([&] { session.iterate(); }, {"session", "an image before the first iteration"});
  expect_error<InvalidArgument>([&] { session.answer(); }, {"session", "an image before an answer"});
}

TEST(Session, NeedsAnImageOfItsSize) {
  Session session(load(test::counter()), {4, 4}, 1);
  for (const std::size_t size : {0, 47, 49}) {
    expect_error<InvalidArgument>([&] { session.start(Bytes(size)); },
                                  {"image", "expected 48 bytes", "found " + std::to_string(size)});
  }
}

TEST(Session, HasItsLimitOfIterations) {
  Session session(load(test::small_network(2)), {16, 16}, 1);
  for (int image = 0; image < 2; ++image) {
    session.start(image_of({16, 16}, 1));
    session.iterate();
    session.iterate();
    const Bytes answer = copy(session.answer());
    expect_error<InvalidArgument>([&] { session.iterate(); }, {"iterations", "at most 2", "one more"});
    EXPECT_EQ(session.iterations_done(), 2);
    EXPECT_EQ(copy(session.answer()), answer);
  }
}

TEST(Session, AnImageThatDoesNotFitIsAnError) {
  model::Program program = test::small_network();
  convolution(program.stem[0]).terms[0].padding = {0, 0, 0, 0};
  const SharedProgram shared = load(program);
  expect_error<InvalidArgument>([&] { Session(shared, {2, 50}, 1); }, {"image of 2x50", "first", "at least one pixel"});
  expect_error<InvalidArgument>([&] { plan_memory(*shared, {50, 2}); },
                                {"image of 50x2", "first", "at least one pixel"});
}

TEST(ProgramTest, ForcesAnInstructionSet) {
  const Bytes file = test::to_file(test::counter()).bytes();
  EXPECT_EQ(Program::load(file, "portable")->isa(), Isa::portable);
  expect_error<InvalidArgument>([&] { Program::load(file, "mmx"); }, {"isa", "portable", "'mmx'"});
}

TEST(ProgramTest, GivesTheModelsOwnWeightsBack) {
  const SharedProgram program = load(test::small_network(3));
  for (const auto* section : {&program->model().stem, &program->model().block, &program->model().head}) {
    for (const model::Operator& op : *section) {
      const auto* body = std::get_if<model::Convolution>(&op.body);
      if (body == nullptr) continue;
      EXPECT_TRUE(body->bias.values.empty() && body->scale.values.empty()) << op.name;
      for (const model::Term& term : body->terms) EXPECT_TRUE(term.weight.values.empty()) << op.name;
    }
  }
}

}  // namespace
}  // namespace itrt
