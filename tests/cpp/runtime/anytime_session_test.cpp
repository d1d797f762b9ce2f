// Sessions that are ended before they are done, and sessions that begin with another state than the stem's.
#include <gtest/gtest.h>

#include "base/errors.h"
#include "expect_error.h"
#include "model/model_builder.h"
#include "runtime/session.h"

namespace itrt {
namespace {

using model::Size;
using test::expect_error;
using Bytes = std::vector<std::uint8_t>;
using SharedProgram = std::shared_ptr<const Program>;

constexpr Size size{31, 22};

SharedProgram load(const model::Program& program) { return Program::load(test::to_file(program).bytes()); }

Bytes image_of(unsigned seed) {
  Bytes image(static_cast<std::size_t>(size.height * size.width * 3));
  unsigned value = seed * 2654435761u + 1;
  for (std::uint8_t& byte : image) {
    value = value * 1664525u + 1013904223u;
    byte = static_cast<std::uint8_t>(value >> 24);
  }
  return image;
}

Bytes copy(const TensorView& view) { return {view.bytes.begin(), view.bytes.end()}; }

std::vector<Bytes> answers(Session& session, int iterations) {
  std::vector<Bytes> result;
  for (int i = 0; i < iterations; ++i) {
    session.iterate();
    result.push_back(copy(session.answer()));
  }
  return result;
}

// The network whose block reads the state after it has written the next one, which is then copied.
model::Program copying() {
  model::Program program = test::counter();
  program.tensors.push_back(test::tensor("echo", 1));
  program.block.push_back(test::pointwise("echo", 1, 1, 4, 1));
  return program;
}

// Cancels a token after so many tensors were written.
struct CancelAfter {
  explicit CancelAfter(int count) : tensors(count) {}
  int tensors;
  CancelToken token;
  void operator()(const TensorView&) {
    if (--tensors == 0) token.cancel();
  }
};

TEST(Interruption, IsDueWhenTheTokenIsCancelledOrTheTimeHasCome) {
  const auto now = Interruption::Clock::now();
  CancelToken token;
  EXPECT_FALSE((Interruption{}.due()));
  EXPECT_FALSE((Interruption{&token}.due()));
  EXPECT_TRUE((Interruption{nullptr, now}.due()));
  EXPECT_FALSE((Interruption{&token, now + std::chrono::hours(1)}.due()));
  token.cancel();
  EXPECT_TRUE(token.cancelled());
  EXPECT_TRUE((Interruption{&token, now + std::chrono::hours(1)}.due()));
}

TEST(Interruption, ATokenIsCancelledWithItsParent) {
  const auto parent = std::make_shared<CancelToken>();
  CancelToken first(parent), second(parent);
  first.cancel();
  EXPECT_TRUE(first.cancelled());
  EXPECT_FALSE(parent->cancelled());
  EXPECT_FALSE(second.cancelled());
  parent->cancel();
  EXPECT_TRUE(second.cancelled());
}

// Wherever an iteration is ended, the next one gives what it would have given; so does the answer before it.
TEST(Interruption, AnIterationThatIsEndedWasNeverBegun) {
  for (const model::Program& program : {test::small_network(4), test::counter(), copying()}) {
    const SharedProgram shared = load(program);
    for (const bool striped : {false, true}) {
      std::vector<Stripe> stripes;
      if (striped) stripes.push_back({Section::block, 0, static_cast<std::int64_t>(shared->block().size()) - 1, 2});
      Session session(shared, size, 2, Fusion::off, stripes), whole(shared, size, 2, Fusion::off);
      session.start(image_of(1));
      whole.start(image_of(1));
      const std::vector<Bytes> expected = answers(whole, 3);
      session.iterate();
      int ended = 0;
      for (int tensors = 1;; ++tensors) {
        CancelAfter cancel(tensors);
        const Session::Tap tap(cancel);
        const Interruption interruption{&cancel.token};
        try {
          session.iterate(&tap, &interruption);
          break;
        } catch (const Cancelled&) {
          ++ended;
        }
        EXPECT_EQ(session.iterations_done(), 1);
        EXPECT_EQ(copy(session.answer()), expected[0]) << "ended after " << tensors << " tensors";
      }
      // After the last operator, or in one stripe with all of them, there is nothing left to end.
      EXPECT_EQ(ended, striped ? 0 : static_cast<int>(shared->block().size()) - 1);
      EXPECT_EQ(copy(session.answer()), expected[1]);
      session.iterate();
      EXPECT_EQ(copy(session.answer()), expected[2]);
    }
  }
}

TEST(Interruption, AStripedIterationThatIsEndedWasNeverBegun) {
  const SharedProgram shared = load(test::small_network(4));
  const std::vector<Stripe> stripes = {{Section::block, 0, static_cast<std::int64_t>(shared->block().size()) - 1, 2}};
  Session session(shared, size, 1, Fusion::on, stripes), whole(shared, size, 1);
  session.start(image_of(1));
  whole.start(image_of(1));
  const std::vector<Bytes> expected = answers(whole, 2);
  session.iterate();
  const Interruption past{nullptr, Interruption::Clock::now()};
  expect_error<Cancelled>([&] { session.iterate(nullptr, &past); }, {"session", "ended from outside"});
  EXPECT_EQ(copy(session.answer()), expected[0]);
  session.iterate();
  EXPECT_EQ(copy(session.answer()), expected[1]);
}

TEST(Interruption, AStemThatIsEndedNeedsAnImageAgain) {
  const SharedProgram shared = load(test::small_network());
  Session session(shared, size, 1), whole(shared, size, 1);
  session.start(image_of(2));
  CancelAfter cancel(1);
  const Session::Tap tap(cancel);
  const Interruption interruption{&cancel.token};
  EXPECT_THROW(session.start(image_of(1), &tap, &interruption), Cancelled);
  expect_error<InvalidArgument>([&] { session.iterate(); }, {"session", "an image before the first iteration"});
  expect_error<InvalidArgument>([&] { session.answer(); }, {"session", "an image before an answer"});
  session.start(image_of(1));
  whole.start(image_of(1));
  EXPECT_EQ(answers(session, 2), answers(whole, 2));
}

TEST(WarmStart, AnotherSessionGoesOnWhereOneStopped) {
  for (const model::Program& program : {test::small_network(4), test::counter(), copying()}) {
    const SharedProgram shared = load(program);
    Session whole(shared, size, 1), other(shared, size, 2);
    whole.start(image_of(1));
    whole.iterate();
    const Bytes state = copy(whole.state());
    const std::vector<Bytes> expected = answers(whole, 2);
    other.start(image_of(1));
    other.mix_state(state, 256, 1);
    EXPECT_EQ(copy(other.state()), state);
    EXPECT_EQ(answers(other, 2), expected);
    other.start(image_of(1));  // the next start is a cold one
    answers(other, 1);
    EXPECT_EQ(answers(other, 2), expected);
  }
}

TEST(WarmStart, TheLastStepRepeats) {
  model::Program program = test::counter();
  program.max_iterations = 3;
  std::get<model::Convolution>(program.block[0].body).bias.values = {{1}, {10}, {100}};
  std::get<model::Convolution>(program.head[0].body).bias.values = {{0}, {2}, {3}};
  Session session(load(program), {1, 1}, 1);
  const auto run = [&](std::int64_t first_step, int iterations) {
    session.start(Bytes(3, 7));
    session.mix_state(Bytes(1, 20), 256, first_step);
    for (int i = 0; i < iterations; ++i) session.iterate();
    return session.answer().bytes[0];
  };
  EXPECT_EQ(run(0, 0), 20);
  EXPECT_EQ(run(0, 1), 21);
  EXPECT_EQ(run(1, 0), 22);
  EXPECT_EQ(run(1, 1), 20 + 10 + 2);
  EXPECT_EQ(run(1, 2), 20 + 10 + 100 + 3);
  EXPECT_EQ(run(2, 2), 20 + 100 + 100 + 3);
  session.start(Bytes(3, 7));
  session.mix_state(Bytes(1, 20), 256, 1);
  for (int i = 0; i < 3; ++i) session.iterate();  // as many as a cold start has
  expect_error<InvalidArgument>([&] { session.iterate(); }, {"iterations", "at most 3", "one more"});
}

TEST(WarmStart, StatesAreMixedByWeight) {
  Session session(load(test::counter()), {1, 1}, 1);
  const auto mixed = [&](std::uint8_t stem, std::uint8_t other, std::int64_t weight) {
    session.start(Bytes(3, stem));
    session.mix_state(Bytes(1, other), weight, 0);
    return session.state().bytes[0];
  };
  EXPECT_EQ(mixed(20, 200, 0), 20);
  EXPECT_EQ(mixed(20, 200, 256), 200);
  EXPECT_EQ(mixed(20, 200, 64), 65);
  EXPECT_EQ(mixed(255, 255, 100), 255);
  EXPECT_EQ(mixed(0, 1, 127), 0);
  EXPECT_EQ(mixed(0, 1, 128), 1);  // halves up
}

TEST(WarmStart, WrongStatesAreErrors) {
  Session session(load(test::small_network(3)), size, 1);
  expect_error<InvalidArgument>([&] { session.state(); }, {"session", "an image before a state"});
  expect_error<InvalidArgument>([&] { session.mix_state(Bytes(1), 256, 0); }, {"state", "found no image"});
  session.start(image_of(1));
  const Bytes state = copy(session.state());
  expect_error<InvalidArgument>([&] { session.mix_state(Bytes(state.size() + 1), 256, 0); },
                                {"state", "expected " + std::to_string(state.size()) + " bytes"});
  for (const std::int64_t step : {-1, 3}) {
    expect_error<InvalidArgument>([&] { session.mix_state(state, 256, step); },
                                  {"first_step", "0 to 2", "found " + std::to_string(step)});
  }
  for (const std::int64_t weight : {-1, 257}) {
    expect_error<InvalidArgument>([&] { session.mix_state(state, weight, 0); },
                                  {"weight", "0 to 256", "found " + std::to_string(weight)});
  }
  session.iterate();
  expect_error<InvalidArgument>([&] { session.mix_state(state, 256, 0); }, {"state", "found 1 iterations done"});
  Session endless(load(test::small_network()), size, 1);
  endless.start(image_of(1));
  endless.mix_state(state, 256, 1000);
  expect_error<InvalidArgument>([&] { endless.mix_state(state, 256, -1); }, {"first_step", "at least 0"});
  Session straight(load(test::feed_forward()), size, 1);
  straight.start(image_of(1));
  expect_error<InvalidArgument>([&] { straight.state(); }, {"state", "a network with a loop"});
  expect_error<InvalidArgument>([&] { straight.mix_state(state, 256, 0); }, {"state", "a network with a loop"});
}

}  // namespace
}  // namespace itrt
