#include "plan/stripes.h"

#include <algorithm>

#include "base/errors.h"

namespace itrt::plan {
namespace {

// Of heights, windows and the factors of rows read: products of two of them and a sum fit into 64 bits.
constexpr std::int64_t largest = std::int64_t{1} << 30;

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b != 0 && a < 0); }

void expect(bool holds, const std::string& what, const std::string& expected, std::int64_t found) {
  if (!holds) throw InvalidArgument(what + ": expected " + expected + ", found " + std::to_string(found));
}

void check_range(const std::string& what, std::int64_t lowest, std::int64_t highest, std::int64_t found) {
  expect(lowest <= found && found <= highest, what, std::to_string(lowest) + " to " + std::to_string(highest), found);
}

void check(const RowsRead& rows) {
  check_range("numerator of the rows read", 1, 2 * largest, rows.numerator);
  check_range("denominator of the rows read", 1, 2 * largest, rows.denominator);
  check_range("offset of the rows read", -2 * largest, 2 * largest, rows.offset);
  check_range("window of the rows read", 1, 2 * largest, rows.window);
}

void check(const StripeGroup& group, std::int64_t rows) {
  const auto tensors = static_cast<std::int64_t>(group.tensors.size());
  expect(rows >= 1, "rows of a stripe", "at least 1", rows);
  expect(!group.operators.empty(), "operators of a stripe group", "at least 1", 0);
  std::vector<bool> readable;
  for (const StripedTensor& tensor : group.tensors) {
    check_range("height of a striped tensor", 1, largest, tensor.height);
    readable.push_back(true);
  }
  const auto check_tensor = [&](std::size_t index) {
    check_range("tensor of a striped operator", 0, tensors - 1, static_cast<std::int64_t>(index));
  };
  for (const StripedOperator& op : group.operators) {
    check_tensor(op.output);
    expect(readable[op.output], "output of a striped operator", "a tensor that none before it writes",
           static_cast<std::int64_t>(op.output));
    readable[op.output] = false;
  }
  for (const StripedOperator& op : group.operators) {
    for (const StripedInput& input : op.inputs) {
      check_tensor(input.tensor);
      expect(readable[input.tensor], "input of a striped operator", "a tensor that is written before it is read",
             static_cast<std::int64_t>(input.tensor));
      check(input.rows);
    }
    readable[op.output] = true;
  }
}

// Goes down the stripes. Of every tensor `done_` rows are computed.
class Planner {
 public:
  Planner(const StripeGroup& group, Halo halo) : group_(group), halo_(halo), done_(group.tensors.size(), 0) {
    interior_.assign(group.tensors.size(), false);
    for (const StripedOperator& op : group.operators) interior_[op.output] = !group.tensors[op.output].whole;
    interior_[last_output()] = false;
    for (const StripedTensor& tensor : group.tensors) plan_.buffer_rows.push_back(tensor.height);
    for (std::size_t t = 0; t < interior_.size(); ++t) {
      if (interior_[t]) plan_.buffer_rows[t] = 0;
    }
  }

  StripePlan run(std::int64_t rows) {
    const std::int64_t height = group_.tensors[last_output()].height;
    for (std::int64_t first = 0; first < height; first += std::min(rows, height - first)) {
      add_stripe(first + std::min(rows, height - first), height);
    }
    for (std::size_t i = 0; i < group_.operators.size(); ++i) plan_.recomputed_rows += rows_again(i);
    return std::move(plan_);
  }

 private:
  // Computed rows of an operator beyond the first time of each.
  std::int64_t rows_again(std::size_t op) const {
    std::vector<Rows> all;
    for (const std::vector<Rows>& stripe : plan_.computed) all.push_back(stripe[op]);
    std::sort(all.begin(), all.end(), [](Rows a, Rows b) { return a.first < b.first; });
    std::int64_t again = 0, done = 0;
    for (const Rows& rows : all) {
      if (rows.count() <= 0) continue;
      again += std::max<std::int64_t>(std::min(done, rows.last) - rows.first, 0);
      done = std::max(done, rows.last);
    }
    return again;
  }

  std::size_t last_output() const { return group_.operators.back().output; }

  // Rows of all tensors that the stripe's operators must have computed or keep, from the last operator backwards.
  void add_stripe(std::int64_t last_row, std::int64_t last_height) {
    const std::size_t count = group_.operators.size();
    std::vector<Rows> needed = needed_without_readers(last_row, last_height);
    std::vector<Rows> computed(count);
    for (std::size_t i = count; i-- > 0;) {
      const StripedOperator& op = group_.operators[i];
      computed[i] = rows_to_compute(op.output, needed[op.output]);
      for (const StripedInput& input : op.inputs) add(needed[input.tensor], rows_read(input, computed[i]));
    }
    std::vector<Rows> held;
    for (std::size_t t = 0; t < interior_.size(); ++t) held.push_back({0, group_.tensors[t].height});
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t output = group_.operators[i].output;
      if (interior_[output]) held[output] = rows_held(output, computed[i]);
    }
    for (std::size_t i = 0; i < count; ++i) finish(group_.operators[i].output, computed[i], held);
    plan_.computed.push_back(std::move(computed));
    plan_.held.push_back(std::move(held));
  }

  // The last output has its stripe; what nobody in the group reads keeps step with it; all else that is whole is
  // completed by the last stripe.
  std::vector<Rows> needed_without_readers(std::int64_t last_row, std::int64_t last_height) const {
    std::vector<Rows> needed(interior_.size());
    for (const StripedOperator& op : group_.operators) {
      const std::int64_t height = group_.tensors[op.output].height;
      if (interior_[op.output]) continue;
      const bool is_complete = last_row == last_height;
      if (is_complete || !is_read(op.output)) {
        needed[op.output] = {0, is_complete ? height : height * last_row / last_height};
      }
    }
    needed[last_output()] = {0, std::max(needed[last_output()].last, last_row)};
    return needed;
  }

  bool is_read(std::size_t tensor) const {
    return std::any_of(group_.operators.begin(), group_.operators.end(), [&](const StripedOperator& op) {
      return std::any_of(op.inputs.begin(), op.inputs.end(),
                         [&](const StripedInput& input) { return input.tensor == tensor; });
    });
  }

  Rows rows_read(const StripedInput& input, Rows output) const {
    return input.rows.of(output, group_.tensors[input.tensor].height);
  }

  static void add(Rows& all, Rows more) {
    if (more.count() <= 0) return;
    all = all.count() <= 0 ? more : Rows{std::min(all.first, more.first), std::max(all.last, more.last)};
  }

  Rows rows_to_compute(std::size_t tensor, Rows needed) const {
    if (halo_ == Halo::recomputed && interior_[tensor]) return needed;
    return {done_[tensor], std::max(done_[tensor], needed.last)};
  }

  // From the first row that an operator reads in this stripe or will read in a later one.
  Rows rows_held(std::size_t tensor, Rows computed) const {
    if (halo_ == Halo::recomputed) return computed;
    std::int64_t first = done_[tensor];
    for (const StripedOperator& op : group_.operators) {
      for (const StripedInput& input : op.inputs) {
        if (input.tensor == tensor) first = std::min(first, next_read(op, input));
      }
    }
    return {first, computed.last};
  }

  // The first row of an input that is still to be read for an output, of which done_ rows are computed.
  std::int64_t next_read(const StripedOperator& op, const StripedInput& input) const {
    const std::int64_t height = group_.tensors[op.output].height;
    if (done_[op.output] >= height) return group_.tensors[input.tensor].height;
    return rows_read(input, {done_[op.output], height}).first;
  }

  void finish(std::size_t tensor, Rows computed, const std::vector<Rows>& held) {
    if (interior_[tensor]) plan_.buffer_rows[tensor] = std::max(plan_.buffer_rows[tensor], held[tensor].count());
    if (computed.count() > 0) done_[tensor] = std::max(done_[tensor], computed.last);
  }

  const StripeGroup& group_;
  Halo halo_;
  std::vector<std::int64_t> done_;
  std::vector<bool> interior_;  // written by the group and read by it alone
  StripePlan plan_;
};

}  // namespace

RowsRead RowsRead::convolution(std::int64_t kernel, std::int64_t stride, std::int64_t padding_top,
                               std::int64_t dilation) {
  return {.numerator = stride, .offset = -padding_top, .window = dilation * (kernel - 1) + 1};
}

RowsRead RowsRead::bilinear(std::int64_t input_height, std::int64_t output_height) {
  return {.numerator = 2 * input_height,
          .offset = input_height - output_height,
          .denominator = 2 * output_height,
          .window = 2,
          .moves_inside = true};
}

RowsRead RowsRead::aligned_corners(std::int64_t input_height, std::int64_t output_height) {
  return {.numerator = std::max<std::int64_t>(input_height - 1, 1),  // of one row: moved inside
          .denominator = std::max<std::int64_t>(output_height - 1, 1),
          .window = 2,
          .moves_inside = true};
}

RowsRead RowsRead::nearest(std::int64_t input_height, std::int64_t output_height) {
  return {.numerator = input_height, .denominator = output_height};
}

RowsRead RowsRead::divided(std::int64_t input_height, std::int64_t output_height) {
  return {.numerator = input_height,
          .denominator = output_height,
          .window = (input_height + output_height - 1) / output_height + 1};
}

// A row above the border mirrors one that is up to 2 * mirrored below it; a row below the border one above it.
RowsRead RowsRead::padded(std::int64_t top, std::int64_t mirrored) {
  return {.offset = -top - 2 * mirrored, .window = 4 * mirrored + 1};
}

RowsRead RowsRead::replicated(std::int64_t top) { return {.offset = -top, .moves_inside = true}; }

RowsRead RowsRead::blocks(std::int64_t block_height) { return {.denominator = block_height}; }

RowsRead RowsRead::everything(std::int64_t input_height) {
  return {.denominator = 2 * largest, .window = input_height};
}

Rows RowsRead::of(Rows output, std::int64_t height) const {
  if (output.count() <= 0) return {};
  const auto begin = [&](std::int64_t row) {
    const std::int64_t first = floor_divide(numerator * row + offset, denominator);
    return moves_inside ? std::clamp<std::int64_t>(first, 0, height - 1) : first;
  };
  const std::int64_t first = std::clamp<std::int64_t>(begin(output.first), 0, height);
  return {first, std::clamp(begin(output.last - 1) + window, first, height)};
}

StripePlan plan_stripes(const StripeGroup& group, std::int64_t rows, Halo halo) {
  check(group, rows);
  return Planner(group, halo).run(rows);
}

}  // namespace itrt::plan
