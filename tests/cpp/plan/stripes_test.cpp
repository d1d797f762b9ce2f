// Plans of stripes, by hand and at random; the random ones are executed on memory that knows which row it holds.
#include "plan/stripes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "base/errors.h"
#include "expect_error.h"

namespace itrt::plan {
namespace {

using test::expect_error;

const RowsRead three_by_three = RowsRead::convolution(3, 1, 1, 1);

// a -> b -> c, 3x3 convolutions of ten rows.
StripeGroup two_convolutions() {
  return {.tensors = {{10, true}, {10, false}, {10, true}},
          .operators = {{1, {{0, three_by_three}}}, {2, {{1, three_by_three}}}}};
}

TEST(Stripes, KeepTheHaloAndComputeTheRest) {
  const StripePlan plan = plan_stripes(two_convolutions(), 2);
  using Each = std::vector<Rows>;
  EXPECT_EQ(
      plan.computed,
      (std::vector<Each>{{{0, 3}, {0, 2}}, {{3, 5}, {2, 4}}, {{5, 7}, {4, 6}}, {{7, 9}, {6, 8}}, {{9, 10}, {8, 10}}}));
  std::vector<Rows> held;
  for (const Each& stripe : plan.held) held.push_back(stripe[1]);
  EXPECT_EQ(held, (Each{{0, 3}, {1, 5}, {3, 7}, {5, 9}, {7, 10}}));
  EXPECT_EQ(plan.buffer_rows, (std::vector<std::int64_t>{10, 4, 10}));
  EXPECT_EQ(plan.recomputed_rows, 0);
}

TEST(Stripes, OrComputeTheHaloAgain) {
  const StripePlan plan = plan_stripes(two_convolutions(), 2, Halo::recomputed);
  std::vector<Rows> computed;
  for (const auto& stripe : plan.computed) computed.push_back(stripe[0]);
  EXPECT_EQ(computed, (std::vector<Rows>{{0, 3}, {1, 5}, {3, 7}, {5, 9}, {7, 10}}));
  EXPECT_EQ(plan.buffer_rows[1], 4);
  EXPECT_EQ(plan.recomputed_rows, 4 * 2);
}

TEST(Stripes, OneOfAllRowsIsTheWhole) {
  for (const std::int64_t rows : {10, 11, 1000}) {
    const StripePlan plan = plan_stripes(two_convolutions(), rows);
    EXPECT_EQ(plan.computed, (std::vector<std::vector<Rows>>{{{0, 10}, {0, 10}}}));
    EXPECT_EQ(plan.buffer_rows[1], 10);
  }
}

TEST(Stripes, RowsThatAreRead) {
  const RowsRead strided = RowsRead::convolution(3, 2, 1, 1);
  EXPECT_EQ(strided.of({0, 1}, 9), (Rows{0, 2}));
  EXPECT_EQ(strided.of({1, 3}, 9), (Rows{1, 6}));
  EXPECT_EQ(strided.of({4, 5}, 9), (Rows{7, 9}));
  const RowsRead dilated = RowsRead::convolution(3, 1, 4, 4);
  EXPECT_EQ(dilated.of({0, 1}, 20), (Rows{0, 5}));
  EXPECT_EQ(dilated.of({6, 7}, 20), (Rows{2, 11}));
  EXPECT_EQ(RowsRead::convolution(1, 1, 3, 1).of({0, 2}, 5).count(), 0);  // in the padding alone
  const RowsRead doubled = RowsRead::bilinear(5, 10);
  EXPECT_EQ(doubled.of({0, 1}, 5), (Rows{0, 2}));  // the second row has a weight of 0, and is read
  EXPECT_EQ(doubled.of({4, 5}, 5), (Rows{1, 3}));
  EXPECT_EQ(doubled.of({9, 10}, 5), (Rows{4, 5}));
  EXPECT_EQ(RowsRead::elementwise().of({3, 4}, 5), (Rows{3, 4}));
  EXPECT_EQ(RowsRead::elementwise().of({4, 4}, 5).count(), 0);
}

// Every row that an operator reads is named, of every size; those of exact windows alone.
TEST(Stripes, RowsThatOtherOperatorsRead) {
  struct Operation {
    RowsRead rows;
    std::int64_t output;
    bool exact;
    std::function<std::pair<std::int64_t, std::int64_t>(std::int64_t)> read;  // by one row of the output, inclusive
  };
  const auto inside = [](std::int64_t row, std::int64_t height) {
    return std::clamp<std::int64_t>(row, 0, height - 1);
  };
  for (std::int64_t in = 1; in <= 9; ++in) {
    std::vector<Operation> operations;
    for (std::int64_t out = 1; out <= 14; ++out) {
      operations.push_back({RowsRead::aligned_corners(in, out), out, true, [=](std::int64_t o) {
                              const std::int64_t row = o * (in - 1) / std::max<std::int64_t>(out - 1, 1);
                              return std::pair(row, std::min(row + 1, in - 1));
                            }});
      operations.push_back({RowsRead::nearest(in, out), out, true,
                            [=](std::int64_t o) { return std::pair(o * in / out, o * in / out); }});
      operations.push_back({RowsRead::divided(in, out), out, false, [=](std::int64_t o) {
                              return std::pair(o * in / out, ((o + 1) * in + out - 1) / out - 1);
                            }});
      operations.push_back({RowsRead::everything(in), out, true, [=](std::int64_t) { return std::pair(0L, in - 1); }});
    }
    for (std::int64_t block = 1; block <= 3; ++block) {
      operations.push_back(
          {RowsRead::blocks(block), in * block, true, [=](std::int64_t o) { return std::pair(o / block, o / block); }});
    }
    for (std::int64_t top = -in + 1; top <= 4; ++top) {
      operations.push_back({RowsRead::replicated(top), in + top + 3, true,
                            [=](std::int64_t o) { return std::pair(inside(o - top, in), inside(o - top, in)); }});
    }
    for (std::int64_t top = 0; top < in; ++top) {
      for (std::int64_t bottom = 0; bottom < in; ++bottom) {
        operations.push_back(
            {RowsRead::padded(top, std::max(top, bottom)), in + top + bottom, false, [=](std::int64_t o) {
               const std::int64_t row = in - 1 - std::abs(in - 1 - std::abs(o - top));
               return std::pair(row, row);
             }});
      }
    }
    for (const Operation& each : operations) {
      for (std::int64_t first = 0; first < each.output; ++first) {
        for (std::int64_t last = first + 1; last <= each.output; ++last) {
          std::int64_t lowest = in, highest = -1;
          for (std::int64_t row = first; row < last; ++row) {
            lowest = std::min(lowest, each.read(row).first);
            highest = std::max(highest, each.read(row).second);
          }
          const Rows found = each.rows.of({first, last}, in);
          ASSERT_LE(found.first, lowest);
          ASSERT_GT(found.last, highest);
          if (each.exact) {
            ASSERT_EQ(found, (Rows{lowest, highest + 1}));
          }
        }
      }
    }
  }
}

TEST(Stripes, BadGroupsAreErrors) {
  expect_error<InvalidArgument>([] { plan_stripes(two_convolutions(), 0); }, {"rows of a stripe", "at least 1", "0"});
  expect_error<InvalidArgument>([] { plan_stripes({}, 1); }, {"operators of a stripe group", "at least 1"});
  StripeGroup group = two_convolutions();
  group.operators[0].inputs[0].tensor = 7;
  expect_error<InvalidArgument>([&] { plan_stripes(group, 1); }, {"tensor of a striped operator", "0 to 2", "7"});
  group.operators[0].inputs[0].tensor = 2;
  expect_error<InvalidArgument>([&] { plan_stripes(group, 1); }, {"written before it is read", "2"});
  group = two_convolutions();
  group.operators[1].output = 1;
  expect_error<InvalidArgument>([&] { plan_stripes(group, 1); }, {"output", "none before it writes", "1"});
  group = two_convolutions();
  group.tensors[1].height = 0;
  expect_error<InvalidArgument>([&] { plan_stripes(group, 1); }, {"height", "found 0"});
  group = two_convolutions();
  group.operators[1].inputs[0].rows.window = 0;
  expect_error<InvalidArgument>([&] { plan_stripes(group, 1); }, {"window", "found 0"});
}

// --- Random groups ---

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::int64_t between(std::int64_t lowest, std::int64_t highest) {
    return lowest + static_cast<std::int64_t>(engine_() % static_cast<unsigned>(highest - lowest + 1));
  }

 private:
  std::mt19937 engine_;
};

struct RandomRead {
  RowsRead rows;
  std::int64_t height;                                       // of the output
  std::function<std::set<std::int64_t>(std::int64_t)> taps;  // written again: which rows a row reads, one by one
};

RandomRead random_read(Random& random, std::int64_t input) {
  if (random.between(0, 2) == 0) {
    const std::int64_t output = random.between(1, 24);
    return {RowsRead::bilinear(input, output), output, [=](std::int64_t row) {
              const double position = std::max(
                  (static_cast<double>(row) + 0.5) * static_cast<double>(input) / static_cast<double>(output) - 0.5,
                  0.0);
              const auto below = std::min(static_cast<std::int64_t>(position + 1e-9), input - 1);
              return std::set<std::int64_t>{below, std::min(below + 1, input - 1)};
            }};
  }
  const std::int64_t kernel = random.between(1, 5), stride = random.between(1, 3), dilation = random.between(1, 3);
  const std::int64_t top = random.between(0, 6), bottom = dilation * (kernel - 1) + random.between(0, 2);
  const std::int64_t output = (input + top + bottom - dilation * (kernel - 1) - 1) / stride + 1;
  return {RowsRead::convolution(kernel, stride, top, dilation), output, [=](std::int64_t row) {
            std::set<std::int64_t> rows;
            for (std::int64_t k = 0; k < kernel; ++k) {
              const std::int64_t y = row * stride + k * dilation - top;
              if (y >= 0 && y < input) rows.insert(y);
            }
            return rows;
          }};
}

struct RandomGroup {
  StripeGroup group;
  std::map<std::pair<std::size_t, std::size_t>, RandomRead> reads;  // of (operator, input)
};

RandomGroup random_group(Random& random) {
  RandomGroup result;
  StripeGroup& group = result.group;
  for (std::int64_t count = random.between(1, 2); count > 0; --count) {
    group.tensors.push_back({random.between(1, 24), true});
  }
  for (std::size_t i = 0, count = static_cast<std::size_t>(random.between(1, 6)); i < count; ++i) {
    StripedOperator op;
    const auto pick = [&] {
      return static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(group.tensors.size()) - 1));
    };
    std::int64_t height = 0;
    for (int attempt = 0; attempt < 8; ++attempt) {
      const std::size_t input = attempt == 0 && random.between(0, 2) ? group.tensors.size() - 1 : pick();
      const RandomRead read = random_read(random, group.tensors[input].height);
      if (!op.inputs.empty() && read.height != height) continue;
      height = read.height;
      result.reads[{i, op.inputs.size()}] = read;
      op.inputs.push_back({input, read.rows});
    }
    op.output = group.tensors.size();
    group.tensors.push_back({height, i + 1 == count || random.between(0, 3) == 0});
    group.operators.push_back(op);
  }
  return result;
}

// Every tensor's memory: which row lies at which place, as the plan's user would have it.
class RowMemory {
 public:
  RowMemory(const RandomGroup& group, const StripePlan& plan, Halo halo)
      : group_(group), plan_(plan), halo_(halo), places_(group.group.tensors.size()) {
    for (std::size_t t = 0; t < places_.size(); ++t)
      places_[t].assign(static_cast<std::size_t>(plan.buffer_rows[t]), -1);
    std::set<std::size_t> outputs;
    for (const StripedOperator& op : group.group.operators) outputs.insert(op.output);
    for (std::size_t t = 0; t < places_.size(); ++t) {
      if (outputs.contains(t)) continue;
      for (std::size_t row = 0; row < places_[t].size(); ++row) places_[t][row] = static_cast<std::int64_t>(row);
    }
  }

  void run() {
    for (std::size_t stripe = 0; stripe < plan_.computed.size(); ++stripe) {
      if (stripe > 0 && halo_ == Halo::kept) move(stripe);
      for (std::size_t i = 0; i < group_.group.operators.size(); ++i) compute(stripe, i);
    }
    for (std::size_t t = 0; t < places_.size(); ++t) {
      if (!group_.group.tensors[t].whole) continue;
      for (std::int64_t row = 0; row < group_.group.tensors[t].height; ++row) {
        ASSERT_EQ(places_[t][static_cast<std::size_t>(row)], row) << "tensor " << t;
      }
    }
  }

  std::int64_t recomputed() const {
    std::int64_t sum = 0;
    for (const auto& [row, times] : computed_) sum += times - 1;
    return sum;
  }

 private:
  void move(std::size_t stripe) {
    for (std::size_t t = 0; t < places_.size(); ++t) {
      const std::int64_t by = plan_.held[stripe][t].first - plan_.held[stripe - 1][t].first;
      ASSERT_GE(by, 0);
      const std::vector<std::int64_t> before = places_[t];
      for (std::size_t place = 0; place < before.size(); ++place) {
        const std::size_t from = place + static_cast<std::size_t>(by);
        places_[t][place] = from < before.size() ? before[from] : -1;
      }
    }
  }

  void compute(std::size_t stripe, std::size_t i) {
    const StripedOperator& op = group_.group.operators[i];
    const Rows rows = plan_.computed[stripe][i];
    for (std::int64_t row = rows.first; row < rows.last; ++row) {
      for (std::size_t n = 0; n < op.inputs.size(); ++n) {
        for (const std::int64_t read : group_.reads.at({i, n}).taps(row)) {
          ASSERT_EQ(at(stripe, op.inputs[n].tensor, read), read) << "operator " << i << ", row " << row;
        }
      }
      at(stripe, op.output, row) = row;
      ++computed_[{i, row}];
    }
  }

  std::int64_t& at(std::size_t stripe, std::size_t tensor, std::int64_t row) {
    return places_[tensor].at(static_cast<std::size_t>(row - plan_.held[stripe][tensor].first));
  }

  const RandomGroup& group_;
  const StripePlan& plan_;
  Halo halo_;
  std::vector<std::vector<std::int64_t>> places_;
  std::map<std::pair<std::size_t, std::int64_t>, std::int64_t> computed_;
};

TEST(Stripes, EveryRowThatIsReadWasComputedAndIsHeld) {
  int lines = 0, again = 0;
  for (unsigned seed = 0; seed < 3000 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const RandomGroup group = random_group(random);
    const std::int64_t rows = random.between(1, 12);
    for (const Halo halo : {Halo::kept, Halo::recomputed}) {
      const StripePlan plan = plan_stripes(group.group, rows, halo);
      RowMemory memory(group, plan, halo);
      memory.run();
      EXPECT_EQ(plan.recomputed_rows, memory.recomputed());
      EXPECT_TRUE(halo == Halo::recomputed || plan.recomputed_rows == 0);
      again += plan.recomputed_rows > 0;
      for (std::size_t t = 0; t < plan.buffer_rows.size(); ++t) {
        lines += plan.buffer_rows[t] < group.group.tensors[t].height;
        EXPECT_LE(plan.buffer_rows[t], group.group.tensors[t].height);
      }
    }
  }
  EXPECT_GT(lines, 1000);  // tensors that are never whole
  EXPECT_GT(again, 300);
}

}  // namespace
}  // namespace itrt::plan
