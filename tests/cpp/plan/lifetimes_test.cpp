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
  EXPECT_EQ(lifetime(tensors, state), (Intervals{{1, 3}, {5, 9}}));  // dead while the block works
  EXPECT_EQ(lifetime(tensors, mixed), (Intervals{{2, 7}}));
  EXPECT_EQ(lifetime(tensors, low), (Intervals{{3, 5}}));
  EXPECT_EQ(lifetime(tensors, high), (Intervals{{4, 6}}));
  EXPECT_EQ(lifetime(tensors, hidden), (Intervals{{7, 9}}));
  EXPECT_EQ(lifetime(tensors, logits), (Intervals{{8, 9}}));
  EXPECT_FALSE(tensors.copies_state);
  EXPECT_EQ(tensors.buffer_of_tensor[next], tensors.buffer_of_tensor[state]);
  EXPECT_EQ(tensors.buffer_of_tensor[lean], tensors.buffer_of_tensor[state]);  // the next state is written over it
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
  program.block[4] = test::pointwise("sum", 2, 8, 7, 8);  // the writer of the next state reads the state
  TensorBuffers tensors = buffers_of(program);
  EXPECT_TRUE(tensors.copies_state);
  EXPECT_EQ(lifetime(tensors, 2), (Intervals{{1, 9}}));
  EXPECT_EQ(lifetime(tensors, 7), (Intervals{{6, 7}}));
  EXPECT_NE(tensors.buffer_of_tensor[7], tensors.buffer_of_tensor[2]);
}

TEST(Lifetimes, AnAdditionWritesTheNextStateOverTheState) {
  Program program = test::small_network();
  std::get<model::Add>(program.block[4].body).inputs[1] = 2;
  TensorBuffers tensors = buffers_of(program);
  EXPECT_FALSE(tensors.copies_state);
  EXPECT_EQ(lifetime(tensors, 2), (Intervals{{1, 9}}));
  EXPECT_EQ(tensors.buffer_of_tensor[7], tensors.buffer_of_tensor[2]);
}

// A network whose stem ends with first -> sum = first + other -> logits.
Program with_addition() {
  Program program = test::feed_forward();
  program.tensors.push_back(test::tensor("other", 4));
  program.tensors.push_back(test::tensor("sum", 4));
  program.stem.push_back(test::pointwise("make other", 0, 3, 3, 4));
  program.stem.push_back({"sum", 4, model::Add{{1, 3}, {1, 1}, 0, {}}});
  program.head[0] = test::pointwise("classify", 4, 4, 2, 2);
  return program;
}

TEST(Lifetimes, AnAdditionWritesOverAnInputThatDies) {
  Program program = with_addition();
  TensorBuffers tensors = buffers_of(program);
  EXPECT_EQ(tensors.buffer_of_tensor[4], tensors.buffer_of_tensor[1]);
  EXPECT_EQ(lifetime(tensors, 4), (Intervals{{0, 4}}));
  std::get<model::Add>(program.stem[2].body).inputs = {3, 1};
  tensors = buffers_of(program);
  EXPECT_EQ(tensors.buffer_of_tensor[4], tensors.buffer_of_tensor[3]);
}

TEST(Lifetimes, AnAdditionSparesWhatIsReadLater) {
  Program program = with_addition();
  std::get<model::Convolution>(program.head[0].body).terms[0].input = 1;
  TensorBuffers tensors = buffers_of(program);
  EXPECT_NE(tensors.buffer_of_tensor[4], tensors.buffer_of_tensor[1]);
  EXPECT_EQ(tensors.buffer_of_tensor[4], tensors.buffer_of_tensor[3]);  // the other one dies
}

TEST(Lifetimes, AnAdditionSparesWhatItsResizeStillReads) {
  Program program = with_addition();
  program.stem[1] = {"resize", 3, model::Resize{1, 1}};
  const auto sizes = model::infer_sizes(program, {8, 8});
  const TensorBuffers stored = tensor_buffers(program, sizes, alignment);
  EXPECT_EQ(stored.buffer_of_tensor[4], stored.buffer_of_tensor[1]);  // the resize is done
  const TensorBuffers joined = tensor_buffers(program, sizes, alignment, {.unstored = {3}});
  EXPECT_NE(joined.buffer_of_tensor[4], joined.buffer_of_tensor[1]);  // the resize reads rows that are written by then
  EXPECT_NE(joined.buffer_of_tensor[4], joined.buffer_of_tensor[3]);
}

TEST(Lifetimes, StripedOperatorsShareTheirTime) {
  const Program program = with_addition();
  const auto sizes = model::infer_sizes(program, {8, 8});
  const TensorBuffers tensors =
      tensor_buffers(program, sizes, alignment, {.striped = {{0, 3}}, .line_buffers = {{1, 2}, {3, 1}}});
  EXPECT_EQ(lifetime(tensors, 0), (Intervals{{-1, 3}}));
  for (const TensorIndex line : {1, 3}) EXPECT_EQ(lifetime(tensors, line), (Intervals{{0, 3}}));
  EXPECT_EQ(lifetime(tensors, 4), (Intervals{{0, 4}}));  // not in place: rows of inputs are let go at other times
  EXPECT_EQ(extent(tensors.buffers[1]), 2 * 8 * 4);
  EXPECT_EQ(extent(tensors.buffers[3]), 1 * 8 * 4);
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
  Schedule schedule;

  std::int64_t stored_bytes(TensorIndex index) const {
    for (const LineBuffer& line : schedule.line_buffers) {
      if (line.tensor == index) return line.rows;
    }
    return sizes[static_cast<std::size_t>(index)].height;
  }
};

bool is_read_outside(const Program& program, TensorIndex tensor, const Interval& times) {
  std::int64_t time = 0;
  for (const auto* section : {&program.stem, &program.block, &program.head}) {
    for (const Operator& op : *section) {
      const auto inputs = model::inputs_of(op);
      const bool outside = time < times.begin || time >= times.end;
      if (outside && std::count(inputs.begin(), inputs.end(), tensor) > 0) return true;
      ++time;
    }
  }
  return tensor == program.state || tensor == program.next_state || tensor == program.logits;
}

// Some operators of a section run in stripes; what they alone read is held in part.
void add_stripes(Random& random, RandomProgram& result) {
  const Program& program = result.program;
  std::int64_t begin = 0;
  for (const auto* section : {&program.stem, &program.block, &program.head}) {
    const std::size_t count = section->size();
    if (count > 0 && random.below(2) == 0) {
      const std::size_t first = random.below(count), last = first + random.below(count - first);
      const Interval times = {begin + static_cast<std::int64_t>(first), begin + static_cast<std::int64_t>(last) + 1};
      result.schedule.striped.push_back(times);
      for (std::size_t i = first; i <= last; ++i) {
        const TensorIndex output = (*section)[i].output;
        const std::int64_t height = result.sizes[static_cast<std::size_t>(output)].height;
        if (is_read_outside(program, output, times)) continue;
        result.schedule.line_buffers.push_back({output, 1 + static_cast<std::int64_t>(random.below(3)) % height});
      }
    }
    begin += static_cast<std::int64_t>(count);
  }
}

// Additions of random readable tensors of random sizes: the planner looks at nothing else.
RandomProgram random_program(Random& random) {
  RandomProgram result;
  Program& program = result.program;
  const auto new_tensor = [&] {
    program.tensors.push_back(test::tensor("t", 1));
    result.sizes.push_back({random.of<std::int64_t>({1, 7, 20, 40}), 1});  // many are equal: additions in place
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
  if (random.below(2) == 0) add_stripes(random, result);
  return result;
}

class TaggedMemory {
 public:
  TaggedMemory(const RandomProgram& program, const TensorBuffers& tensors, const Layout& layout)
      : program_with_schedule_(program), program_(program.program), tensors_(tensors), layout_(layout) {
    tags_.assign(static_cast<std::size_t>(layout.height), -1);
  }

  void start() {
    write(program_.image);
    run(program_.stem, 0);
  }

  void iterate() {
    run(program_.block, program_.stem.size());
    if (!program_.state) return;
    check(*program_.next_state);
    write(*program_.state);  // copied, or the same place under another name
  }

  void answer() {
    run(program_.head, program_.stem.size() + program_.block.size());
    check(program_.logits);
  }

 private:
  void run(const std::vector<Operator>& operators, std::size_t begin) {
    for (std::size_t i = 0; i < operators.size(); ++i) {
      const Interval* turns = striped(begin + i);
      if (turns != nullptr) {
        const auto count = static_cast<std::size_t>(turns->end - turns->begin);
        run_in_turns({operators.begin() + static_cast<std::ptrdiff_t>(i), count});
        i += count - 1;
      } else {
        run(operators[i]);
      }
    }
  }

  void run(const Operator& op) {
    const auto inputs = model::inputs_of(op);
    for (const TensorIndex input : inputs) check(input);
    write(op.output);
    // While it is written, the inputs are still needed, but for those that it is written over, element by element.
    for (const TensorIndex input : inputs) {
      if (!is_same_place(input, op.output)) check(input);
    }
  }

  // Each of them reads and writes at any time between the first one's begin and the last one's end.
  void run_in_turns(std::span<const Operator> operators) {
    for (const Operator& op : operators) {
      for (const TensorIndex input : model::inputs_of(op)) {
        const bool outside = std::none_of(operators.begin(), operators.end(),
                                          [&](const Operator& other) { return other.output == input; });
        if (outside) check(input);
      }
    }
    for (const Operator& op : operators) write(op.output);
    for (const Operator& op : operators) {
      check(op.output);
      for (const TensorIndex input : model::inputs_of(op)) check(input);
    }
  }

  const Interval* striped(std::size_t time) const {
    for (const Interval& each : program_with_schedule_.schedule.striped) {
      if (each.begin == static_cast<std::int64_t>(time)) return &each;
    }
    return nullptr;
  }

  std::int64_t offset(TensorIndex index) const {
    return layout_.offsets[tensors_.buffer_of_tensor[static_cast<std::size_t>(index)]];
  }

  bool is_same_place(TensorIndex a, TensorIndex b) const {
    return offset(a) == offset(b) && program_with_schedule_.stored_bytes(a) == program_with_schedule_.stored_bytes(b);
  }

  template <class Function>
  void each_byte(TensorIndex index, Function function) {
    for (std::int64_t byte = 0; byte < program_with_schedule_.stored_bytes(index); ++byte) {
      function(tags_[static_cast<std::size_t>(offset(index) + byte)]);
    }
  }

  void write(TensorIndex index) {
    each_byte(index, [&](TensorIndex& tag) { tag = index; });
  }

  void check(TensorIndex index) {
    each_byte(index, [&](TensorIndex& tag) { ASSERT_EQ(tag, index) << "another tensor lies there"; });
  }

  const RandomProgram& program_with_schedule_;
  const Program& program_;
  const TensorBuffers& tensors_;
  const Layout& layout_;
  std::vector<TensorIndex> tags_;
};

// Whether tensors other than the state and the next one lie in one buffer.
bool is_in_place(const TensorBuffers& tensors, const Program& program) {
  for (std::size_t index = 0; index < tensors.buffer_of_tensor.size(); ++index) {
    const bool is_next = program.next_state == static_cast<TensorIndex>(index);
    if (!is_next && tensors.buffer_of_tensor[index] != index) return true;
  }
  return false;
}

TEST(Lifetimes, NothingThatIsNeededIsOverwritten) {
  int copied = 0, loops = 0, in_place = 0, striped = 0;
  for (unsigned seed = 0; seed < 2000 && !testing::Test::HasFatalFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const RandomProgram program = random_program(random);
    const TensorBuffers tensors = tensor_buffers(program.program, program.sizes, alignment, program.schedule);
    const Solution solution = solve(tensors.buffers);
    const Layout& layout = solution.layout;
    ASSERT_EQ(find_conflict(tensors.buffers, layout), std::nullopt);
    ASSERT_GE(layout.height, solution.lower_bound);
    copied += tensors.copies_state;
    loops += program.program.state.has_value();
    in_place += is_in_place(tensors, program.program);
    striped += !program.schedule.line_buffers.empty();
    TaggedMemory memory(program, tensors, layout);
    for (int image = 0; image < 2; ++image) {
      memory.start();
      for (int call = 0; call < 8; ++call) random.below(2) == 0 ? memory.iterate() : memory.answer();
    }
  }
  EXPECT_GT(copied, 300);  // both kinds of loop were met
  EXPECT_GT(loops - copied, 300);
  EXPECT_GT(in_place, 300);
  EXPECT_GT(striped, 300);
}

}  // namespace
}  // namespace itrt::plan
