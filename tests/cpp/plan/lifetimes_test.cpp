#include "plan/lifetimes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "model/model_builder.h"
#include "plan/solver.h"
#include "plan/validator.h"

namespace itrt::plan {
namespace {

using model::Operator;
using model::Program;
using model::Size;
using model::TensorIndex;
using Intervals = std::vector<std::pair<std::int64_t, std::int64_t>>;

constexpr std::int64_t alignment = 4;

Intervals lifetime(const TensorBuffers& tensors, TensorIndex index) {
  Intervals result;
  for (const Piece& piece : tensors.buffers[tensors.buffer_of_tensor[static_cast<std::size_t>(index)]].pieces) {
    result.emplace_back(piece.begin, piece.end);
  }
  return result;
}

TensorBuffers buffers_of(const Program& program, Size image = {8, 8}) {
  return tensor_buffers(program, model::infer_sizes(program, image), alignment);
}

// Times of test::small_network: stem 0 1, block 2 .. 6, head 7 8.
TEST(Lifetimes, OfANetworkWithALoop) {
  enum : TensorIndex { image, features, state, mixed, low, high, lean, next, hidden, logits };
  const TensorBuffers tensors = buffers_of(test::small_network());
  EXPECT_EQ(lifetime(tensors, image), (Intervals{{-1, 1}}));
  EXPECT_EQ(lifetime(tensors, features), (Intervals{{0, 9}}));       // the block reads it in every iteration
  EXPECT_EQ(lifetime(tensors, state), (Intervals{{1, 3}, {6, 9}}));  // dead while the block works
  EXPECT_EQ(lifetime(tensors, mixed), (Intervals{{2, 7}}));
  EXPECT_EQ(lifetime(tensors, low), (Intervals{{3, 5}}));
  EXPECT_EQ(lifetime(tensors, high), (Intervals{{4, 6}}));
  EXPECT_EQ(lifetime(tensors, lean), (Intervals{{5, 7}}));
  EXPECT_EQ(lifetime(tensors, hidden), (Intervals{{7, 9}}));
  EXPECT_EQ(lifetime(tensors, logits), (Intervals{{8, 9}}));
  EXPECT_FALSE(tensors.copies_state);
  EXPECT_EQ(tensors.buffer_of_tensor[next], tensors.buffer_of_tensor[state]);
}

TEST(Lifetimes, BuffersAreAsLargeAsTheirTensors) {
  const TensorBuffers tensors = buffers_of(test::small_network(), {9, 21});
  EXPECT_EQ(extent(tensors.buffers[0]), 9 * 21 * 3);
  EXPECT_EQ(extent(tensors.buffers[2]), 5 * 11 * 8);
  EXPECT_EQ(extent(tensors.buffers[4]), 3 * 6 * 12);
  for (const Buffer& buffer : tensors.buffers) EXPECT_EQ(buffer.alignment, alignment);
}

TEST(Lifetimes, AStateThatIsReadLastIsCopied) {
  Program program = test::small_network();
  std::get<model::Add>(program.block[4].body).inputs[1] = 2;  // the writer of the next state reads the state
  TensorBuffers tensors = buffers_of(program);
  EXPECT_TRUE(tensors.copies_state);
  EXPECT_EQ(lifetime(tensors, 2), (Intervals{{1, 9}}));
  EXPECT_EQ(lifetime(tensors, 7), (Intervals{{6, 7}}));
  EXPECT_NE(tensors.buffer_of_tensor[7], tensors.buffer_of_tensor[2]);
}

TEST(Lifetimes, TheStemDoesNotTouchTheStateItHasWritten) {
  Program program = test::counter();
  for (const char* name : {"more", "most", "work"}) program.tensors.push_back(test::tensor(name, 1));
  program.stem.push_back(test::pointwise("more", 0, 3, 4, 1));
  program.stem.push_back(test::pointwise("most", 4, 1, 5, 1));
  program.block = {test::pointwise("work", 5, 1, 6, 1), test::pointwise("increment", 6, 1, 2, 1)};
  EXPECT_EQ(lifetime(buffers_of(program), 1), (Intervals{{0, 3}, {4, 6}}));  // the block does not read it
}

TEST(Lifetimes, TheImageOfANetworkWithoutAStemOutlivesItsAnswers) {
  Program program = test::feed_forward();
  program.head = {program.stem[0], program.head[0]};
  program.stem.clear();
  EXPECT_EQ(lifetime(buffers_of(program), 0), (Intervals{{-1, 2}}));
}

// --- Random programs, executed on a memory that knows what lies where ---

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t count) { return engine_() % count; }
  template <class T>
  T of(const std::vector<T>& values) {
    return values[below(values.size())];
  }

 private:
  std::mt19937 engine_;
};

struct RandomProgram {
  Program program;
  std::vector<Size> sizes;
};

// Additions of random readable tensors of random sizes: the planner looks at nothing else.
RandomProgram random_program(Random& random) {
  RandomProgram result;
  Program& program = result.program;
  const auto new_tensor = [&] {
    program.tensors.push_back(test::tensor("t", 1));
    result.sizes.push_back({1, static_cast<std::int64_t>(1 + random.below(40))});
    return static_cast<TensorIndex>(program.tensors.size() - 1);
  };
  const auto section = [&](std::size_t count, std::vector<TensorIndex> readable) {
    std::vector<Operator> operators;
    for (std::size_t i = 0; i < count; ++i) {
      model::Add add;
      for (std::size_t n = 0; n <= random.below(3); ++n) add.inputs.push_back(random.of(readable));
      operators.push_back({"op", new_tensor(), add});
      readable.push_back(operators.back().output);
    }
    return operators;
  };
  const auto outputs = [](const std::vector<Operator>& operators) {
    std::vector<TensorIndex> indices;
    for (const Operator& op : operators) indices.push_back(op.output);
    return indices;
  };
  program.image = new_tensor();
  const bool loop = random.below(5) != 0;
  program.stem = section(loop ? 1 + random.below(4) : random.below(4), {program.image});
  std::vector<TensorIndex> readable = outputs(program.stem);
  std::vector<TensorIndex> answers = readable;
  readable.push_back(program.image);
  if (loop) {
    program.state = random.of(outputs(program.stem));
    program.block = section(1 + random.below(7), readable);
    program.next_state = random.of(outputs(program.block));
    result.sizes[static_cast<std::size_t>(*program.next_state)] =
        result.sizes[static_cast<std::size_t>(*program.state)];
  }
  program.head = section(answers.empty() ? 1 + random.below(3) : random.below(4), readable);
  for (const TensorIndex index : outputs(program.head)) answers.push_back(index);
  program.logits = random.of(answers);
  return result;
}

class TaggedMemory {
 public:
  TaggedMemory(const RandomProgram& program, const TensorBuffers& tensors, const Layout& layout)
      : program_(program.program), tensors_(tensors), layout_(layout), sizes_(program.sizes) {
    tags_.assign(static_cast<std::size_t>(layout.height), -1);
  }

  void start() {
    write(program_.image);
    run(program_.stem);
  }

  void iterate() {
    run(program_.block);
    if (!program_.state) return;
    check(*program_.next_state);
    write(*program_.state);  // copied, or the same place under another name
  }

  void answer() {
    run(program_.head);
    check(program_.logits);
  }

 private:
  void run(const std::vector<Operator>& operators) {
    for (const Operator& op : operators) {
      write(op.output);  // while it is written, the inputs are still needed
      for (const TensorIndex input : model::inputs_of(op)) check(input);
    }
  }

  template <class Function>
  void each_byte(TensorIndex index, Function function) {
    const auto tensor = static_cast<std::size_t>(index);
    const std::int64_t begin = layout_.offsets[tensors_.buffer_of_tensor[tensor]];
    for (std::int64_t byte = 0; byte < sizes_[tensor].width; ++byte)
      function(tags_[static_cast<std::size_t>(begin + byte)]);
  }

  void write(TensorIndex index) {
    each_byte(index, [&](TensorIndex& tag) { tag = index; });
  }

  void check(TensorIndex index) {
    each_byte(index, [&](TensorIndex& tag) { ASSERT_EQ(tag, index) << "another tensor lies there"; });
  }

  const Program& program_;
  const TensorBuffers& tensors_;
  const Layout& layout_;
  const std::vector<Size>& sizes_;
  std::vector<TensorIndex> tags_;
};

TEST(Lifetimes, NothingThatIsNeededIsOverwritten) {
  int copied = 0, loops = 0;
  for (unsigned seed = 0; seed < 2000 && !testing::Test::HasFatalFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const RandomProgram program = random_program(random);
    const TensorBuffers tensors = tensor_buffers(program.program, program.sizes, alignment);
    const Solution solution = solve(tensors.buffers);
    const Layout& layout = solution.layout;
    ASSERT_EQ(find_conflict(tensors.buffers, layout), std::nullopt);
    ASSERT_TRUE(solution.proven());
    copied += tensors.copies_state;
    loops += program.program.state.has_value();
    TaggedMemory memory(program, tensors, layout);
    for (int image = 0; image < 2; ++image) {
      memory.start();
      for (int call = 0; call < 8; ++call) random.below(2) == 0 ? memory.iterate() : memory.answer();
    }
  }
  EXPECT_GT(copied, 300);  // both kinds of loop were met
  EXPECT_GT(loops - copied, 300);
}

}  // namespace
}  // namespace itrt::plan
