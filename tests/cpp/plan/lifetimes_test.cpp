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

TEST(Lifetimes, ElementwiseOperatorsWriteOverWhatIsNotBroadcast) {
  enum : TensorIndex { image, features, pooled, averaged, mean, gate, gated, padded };
  const TensorBuffers tensors = buffers_of(test::every_operator(), {9, 14});
  EXPECT_EQ(tensors.buffer_of_tensor[gate], tensors.buffer_of_tensor[mean]);       // a table
  EXPECT_EQ(tensors.buffer_of_tensor[gated], tensors.buffer_of_tensor[averaged]);  // a product, of pixels and one pixel
  EXPECT_NE(tensors.buffer_of_tensor[gated], tensors.buffer_of_tensor[gate]);
  EXPECT_NE(tensors.buffer_of_tensor[padded], tensors.buffer_of_tensor[gated]);
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

TEST(Lifetimes, AnAdditionSparesWhatItsConvolutionStillReads) {
  Program program = with_addition();
  Operator both = test::pointwise("both", 0, 3, 3, 4);
  auto& terms = std::get<model::Convolution>(both.body).terms;
  terms.push_back(terms.front());
  terms.back().input = 1;  // not the first of its inputs
  program.stem[1] = both;
  const auto sizes = model::infer_sizes(program, {8, 8});
  const TensorBuffers joined = tensor_buffers(program, sizes, alignment, {.unstored = {3}});
  EXPECT_NE(joined.buffer_of_tensor[4], joined.buffer_of_tensor[1]);
}

TEST(Lifetimes, SumsOfTheLoopAreThereFromItsBeginningToTheEnd) {
  const Program program = test::small_network();
  const TensorBuffers tensors =
      tensor_buffers(program, model::infer_sizes(program, {8, 8}), alignment, {.loop_sums = {4096, 12}});
  ASSERT_EQ(tensors.buffer_of_sums.size(), 2u);
  const auto begin = static_cast<std::int64_t>(program.stem.size());
  const auto end = begin + static_cast<std::int64_t>(program.block.size() + program.head.size());
  for (const auto& [number, bytes] : {std::pair{0, 4096}, std::pair{1, 12}}) {
    const Buffer& buffer = tensors.buffers[tensors.buffer_of_sums[static_cast<std::size_t>(number)]];
    ASSERT_EQ(buffer.pieces.size(), 1u);
    EXPECT_EQ(buffer.pieces[0].begin, begin);
    EXPECT_EQ(buffer.pieces[0].end, end);
    EXPECT_EQ(buffer.pieces[0].size, bytes);
    EXPECT_EQ(buffer.alignment, alignment);
  }
  for (const std::size_t buffer : tensors.buffer_of_tensor) EXPECT_LT(buffer, tensors.buffer_of_sums[0]);
}

// A stem of image (8x8, 3 channels) -> first (4 channels) -> second: a convolution of three rows.
Program with_three_rows(std::int64_t channels) {
  Program program = test::feed_forward();
  program.tensors[1].channels = 4;
  program.tensors.push_back(test::tensor("second", channels));
  program.stem = {test::pointwise("first", 0, 3, 1, 4), test::pointwise("second", 1, 4, 3, channels)};
  model::Term& term = std::get<model::Convolution>(program.stem[1].body).terms[0];
  term.weight_shape[1] = 3;
  term.padding = {1, 0, 1, 0};
  program.head = {test::pointwise("classify", 3, channels, 2, 2)};
  return program;
}

TensorBuffers in_order(const Program& program, std::int64_t rows_at_once) {
  return tensor_buffers(program, model::infer_sizes(program, {8, 8}), alignment, {.rows_at_once = rows_at_once});
}

TEST(Lifetimes, AConvolutionWritesSomeRowsBehindWhatItReads) {
  const Program program = with_three_rows(2);
  EXPECT_NE(in_order(program, 0).buffer_of_tensor[3], in_order(program, 0).buffer_of_tensor[1]);
  const TensorBuffers behind = in_order(program, 1);
  EXPECT_EQ(behind.buffer_of_tensor[3], behind.buffer_of_tensor[1]);
  EXPECT_EQ(behind.starts[1] - behind.starts[3], 2 * 8 * 2);      // output rows 0 and 1 both read input row 0
  EXPECT_EQ(behind.starts[0] - behind.starts[1], 8 * 4 + 7 * 8);  // 1x1, and its rows grow by 8 bytes each
  EXPECT_EQ(in_order(program, 4).starts[1] - in_order(program, 4).starts[3], 4 * 8 * 2);
}

TEST(Lifetimes, AnOutputThatOvertakesItsInputIsApart) {
  const TensorBuffers tensors = in_order(with_three_rows(200), 1);
  const std::int64_t lead = 8 * 8 * 200 - 6 * 8 * 4;  // the last row is written while input row 6 is read
  EXPECT_EQ(tensors.starts[1] - tensors.starts[3], lead);
}

// image -> a (2 channels), b (3 channels) -> both -> second (channels 1 to 3 of both) -> logits.
Program with_concatenation() {
  Program program = test::feed_forward();
  program.tensors[1].channels = 2;
  for (const auto& [name, channels] : {std::pair{"b", 3}, {"both", 5}, {"second", 3}}) {
    program.tensors.push_back(test::tensor(name, channels));
  }
  program.stem = {test::pointwise("a", 0, 3, 1, 2), test::pointwise("b", 0, 3, 3, 3),
                  Operator{"both", 4, model::Gather{{1, 3}, {{0, 0, 2}, {1, 0, 3}}}},
                  Operator{"second", 5, model::Gather{{4}, {{0, 1, 3}}}}, test::pointwise("logits", 5, 3, 2, 2)};
  program.head.clear();
  return program;
}

TEST(Lifetimes, AConcatenationHoldsItsInputsAndASplitIsAPart) {
  const Program program = with_concatenation();
  const auto sizes = model::infer_sizes(program, {8, 8});
  const TensorBuffers tensors = tensor_buffers(program, sizes, alignment, {.views = true});
  for (const std::size_t view : {std::size_t{1}, std::size_t{3}, std::size_t{5}}) {
    EXPECT_EQ(tensors.buffer_of_tensor[view], tensors.buffer_of_tensor[4]);
    EXPECT_EQ(tensors.pixel_bytes[view], 5);
  }
  EXPECT_EQ(tensors.starts[1] - tensors.starts[4], 0);
  EXPECT_EQ(tensors.starts[3] - tensors.starts[4], 2);
  EXPECT_EQ(tensors.starts[5] - tensors.starts[4], 1);
  EXPECT_EQ(lifetime(tensors, 4), (Intervals{{0, 5}}));
  EXPECT_EQ(extent(tensors.buffers[tensors.buffer_of_tensor[4]]), 8 * 8 * 5);
  const TensorBuffers copied = tensor_buffers(program, sizes, alignment);
  EXPECT_EQ(copied.pixel_bytes, (std::vector<std::int64_t>{3, 2, 2, 3, 5, 3}));
  EXPECT_NE(copied.buffer_of_tensor[1], copied.buffer_of_tensor[4]);
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

  std::int64_t row_bytes(TensorIndex index) const { return program.tensors[static_cast<std::size_t>(index)].channels; }

  std::int64_t stored_bytes(TensorIndex index) const {
    std::int64_t rows = sizes[static_cast<std::size_t>(index)].height;
    for (const LineBuffer& line : schedule.line_buffers) {
      if (line.tensor == index) rows = line.rows;
    }
    return rows * row_bytes(index);
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

model::Convolution random_convolution(Random& random, const std::vector<TensorIndex>& readable) {
  model::Convolution result;
  for (std::size_t n = 0; n <= random.below(2); ++n) {
    model::Term term;
    term.input = random.of(readable);
    term.weight_shape = {1, 1 + static_cast<std::int64_t>(random.below(4)), 1, 1};
    term.stride = {1 + static_cast<std::int64_t>(random.below(3)), 1};
    term.padding = {static_cast<std::int64_t>(random.below(4)), 0, 0, 0};
    term.dilation = {1 + static_cast<std::int64_t>(random.below(2)), 1};
    result.terms.push_back(term);
  }
  return result;
}

// A split of one tensor, or a concatenation of tensors as high as the first; its channels go to `channels`.
model::Gather random_gather(Random& random, const RandomProgram& result, const std::vector<TensorIndex>& readable,
                            std::int64_t& channels) {
  const TensorIndex first = random.of(readable);
  const std::int64_t of_first = result.row_bytes(first);
  if (random.below(3) == 0) {
    const auto from = static_cast<std::int64_t>(random.below(static_cast<std::size_t>(of_first)));
    channels = of_first - from;
    return {{first}, {{0, from, channels}}};
  }
  model::Gather gather = {{first}, {{0, 0, of_first}}};
  channels = of_first;
  for (const TensorIndex other : readable) {
    const bool fits = result.sizes[static_cast<std::size_t>(other)] == result.sizes[static_cast<std::size_t>(first)];
    if (!fits || channels > 20 || random.below(2) == 0) continue;
    gather.inputs.push_back(other);
    gather.channels.push_back({static_cast<std::int64_t>(gather.inputs.size()) - 1, 0, result.row_bytes(other)});
    channels += result.row_bytes(other);
  }
  return gather;
}

// Whether the tensor's size follows from a gather, or a gather's from it.
bool is_gathered(const std::vector<Operator>& operators, TensorIndex tensor) {
  return std::any_of(operators.begin(), operators.end(), [&](const Operator& op) {
    const auto inputs = model::inputs_of(op);
    const bool is_read = std::count(inputs.begin(), inputs.end(), tensor) > 0;
    return std::holds_alternative<model::Gather>(op.body) && (op.output == tensor || is_read);
  });
}

// Additions, convolutions and gathers of random readable tensors of random sizes: the planner looks at nothing else.
RandomProgram random_program(Random& random) {
  RandomProgram result;
  Program& program = result.program;
  const auto new_tensor = [&] {
    program.tensors.push_back(test::tensor("t", random.of<std::int64_t>({1, 1, 1, 2, 3})));
    result.sizes.push_back({random.of<std::int64_t>({1, 7, 20, 40}), 1});  // many are equal: additions in place
    return static_cast<TensorIndex>(program.tensors.size() - 1);
  };
  const auto section = [&](std::size_t count, std::vector<TensorIndex> readable) {
    std::vector<Operator> operators;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t kind = random.below(5);
      if (kind < 2) {
        operators.push_back({"op", new_tensor(), random_convolution(random, readable)});
      } else if (kind == 2) {
        std::int64_t channels = 0;
        const model::Gather gather = random_gather(random, result, readable, channels);
        operators.push_back({"op", new_tensor(), gather});
        result.sizes.back() = result.sizes[static_cast<std::size_t>(gather.inputs.front())];
        program.tensors.back().channels = channels;
      } else {
        model::Add add;
        for (std::size_t n = 0; n <= random.below(3); ++n) add.inputs.push_back(random.of(readable));
        operators.push_back({"op", new_tensor(), add});
      }
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
    if (is_gathered(program.block, *program.next_state)) {  // it keeps its size
      program.block.push_back({"op", new_tensor(), model::Add{{random.of(readable)}, {}, 0, {}}});
      program.next_state = program.block.back().output;
    }
    const auto state = static_cast<std::size_t>(*program.state), next = static_cast<std::size_t>(*program.next_state);
    result.sizes[next] = result.sizes[state];
    program.tensors[next].channels = program.tensors[state].channels;
  }
  program.head = section(answers.empty() ? 1 + random.below(3) : random.below(4), readable);
  for (const TensorIndex index : outputs(program.head)) answers.push_back(index);
  program.logits = random.of(answers);
  if (random.below(2) == 0) add_stripes(random, result);
  result.schedule.rows_at_once = random.of<std::int64_t>({0, 1, 1, 3});
  result.schedule.views = random.below(2) == 0;
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
    if (const auto* gather = std::get_if<model::Gather>(&op.body)) {
      copy_channels(*gather, op.output);
      return;
    }
    const auto* convolution = std::get_if<model::Convolution>(&op.body);
    if (convolution != nullptr && program_with_schedule_.schedule.rows_at_once > 0) {
      run_row_by_row(*convolution, op.output);
      return;
    }
    write(op.output);
    // While it is written, the inputs are still needed, but for those that it is written over, element by element.
    for (const TensorIndex input : inputs) {
      if (!is_same_place(input, op.output)) check(input);
    }
  }

  // Channels of an input that lie where the output wants them are there already.
  void copy_channels(const model::Gather& gather, TensorIndex output) {
    std::int64_t to = 0;
    for (const model::ChannelRun& run : gather.channels) {
      const TensorIndex input = gather.inputs[static_cast<std::size_t>(run.input)];
      for (std::int64_t channel = 0; channel < run.count; ++channel, ++to) {
        const std::int64_t height = program_with_schedule_.sizes[static_cast<std::size_t>(output)].height;
        for (std::int64_t row = 0; row < height; ++row) {
          const std::int64_t target = byte_of(output, row, to), source = byte_of(input, row, run.first + channel);
          if (target != source) tags_[static_cast<std::size_t>(target)] = output;
        }
      }
    }
    for (const TensorIndex input : gather.inputs) check(input);
    check(output);
  }

  std::int64_t byte_of(TensorIndex index, std::int64_t row, std::int64_t channel) const {
    return offset(index) + row * tensors_.pixel_bytes[static_cast<std::size_t>(index)] + channel;
  }

  // Some rows at once: what they read is there until they are written, and the output is whole in the end.
  void run_row_by_row(const model::Convolution& convolution, TensorIndex output) {
    const std::int64_t at_once = program_with_schedule_.schedule.rows_at_once;
    const std::int64_t rows = program_with_schedule_.sizes[static_cast<std::size_t>(output)].height;
    for (std::int64_t row = 0; row < rows; row += at_once) {
      const std::int64_t end = std::min(row + at_once, rows);
      write_rows(output, row, end);
      for (std::int64_t each = row; each < end; ++each) check_window(convolution, each);
    }
    check(output);
  }

  void check_window(const model::Convolution& convolution, std::int64_t row) {
    for (const model::Term& term : convolution.terms) {
      const std::int64_t height = program_with_schedule_.sizes[static_cast<std::size_t>(term.input)].height;
      for (std::int64_t tap = 0; tap < term.weight_shape[1]; ++tap) {
        const std::int64_t read = row * term.stride[0] - term.padding[0] + tap * term.dilation[0];
        if (read < 0 || read >= height) continue;
        each_byte_of_rows(term.input, read, read + 1, [&](TensorIndex& tag) {
          ASSERT_TRUE(is_part_of(term.input, tag)) << "row " << read << " is gone before output row " << row;
        });
      }
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
    const auto tensor = static_cast<std::size_t>(index);
    return layout_.offsets[tensors_.buffer_of_tensor[tensor]] + tensors_.starts[tensor];
  }

  bool is_same_place(TensorIndex a, TensorIndex b) const {
    return offset(a) == offset(b) && program_with_schedule_.stored_bytes(a) == program_with_schedule_.stored_bytes(b);
  }

  template <class Function>
  void each_byte(TensorIndex index, Function function) {
    each_byte_of_rows(index, 0, program_with_schedule_.stored_bytes(index) / program_with_schedule_.row_bytes(index),
                      function);
  }

  template <class Function>
  void each_byte_of_rows(TensorIndex index, std::int64_t first, std::int64_t last, Function function) {
    for (std::int64_t row = first; row < last; ++row) {
      for (std::int64_t channel = 0; channel < program_with_schedule_.row_bytes(index); ++channel) {
        function(tags_[static_cast<std::size_t>(byte_of(index, row, channel))]);
      }
    }
  }

  void write_rows(TensorIndex index, std::int64_t first, std::int64_t last) {
    each_byte_of_rows(index, first, last, [&](TensorIndex& tag) { tag = index; });
  }

  void write(TensorIndex index) {
    each_byte(index, [&](TensorIndex& tag) { tag = index; });
  }

  void check(TensorIndex index) {
    each_byte(index, [&](TensorIndex& tag) { ASSERT_TRUE(is_part_of(index, tag)) << tag << " lies in " << index; });
  }

  // Whether a byte that was written as `tag` may stand for one of `index`: what was gathered without a copy.
  bool is_part_of(TensorIndex index, TensorIndex tag) const {
    if (tag == index) return true;
    if (tag < 0) return false;
    for (const auto* section : {&program_.stem, &program_.block, &program_.head}) {
      for (const Operator& op : *section) {
        const auto* gather = std::get_if<model::Gather>(&op.body);
        if (gather == nullptr || op.output != index) continue;
        for (const TensorIndex input : gather->inputs) {
          if (is_part_of(input, tag)) return true;
        }
      }
    }
    return false;
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

// Whether a tensor that is no view begins above another one of its buffer.
bool is_behind_its_input(const TensorBuffers& tensors, const Program& program) {
  for (std::size_t index = 0; index < tensors.starts.size(); ++index) {
    if (tensors.starts[index] > 0 && tensors.pixel_bytes[index] == program.tensors[index].channels) return true;
  }
  return false;
}

std::int64_t views(const TensorBuffers& tensors, const Program& program) {
  std::int64_t count = 0;
  for (std::size_t index = 0; index < tensors.starts.size(); ++index) {
    count += tensors.pixel_bytes[index] != program.tensors[index].channels;
  }
  return count;
}

TEST(Lifetimes, NothingThatIsNeededIsOverwritten) {
  int copied = 0, loops = 0, in_place = 0, behind = 0, viewed = 0, striped = 0;
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
    behind += is_behind_its_input(tensors, program.program);
    viewed += views(tensors, program.program) > 0;
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
  EXPECT_GT(behind, 300);
  EXPECT_GT(viewed, 100);
  EXPECT_GT(striped, 300);
}

}  // namespace
}  // namespace itrt::plan
