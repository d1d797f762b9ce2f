#include "kernels/pool/pool.h"

#include <algorithm>

#include "kernels/pool/pool_integers.h"
#include "kernels/select.h"

namespace itrt::kernels {
namespace {

constexpr const PoolKernel* rows[] = {
#if defined(ITRT_X86)
    &pool_avx512_vnni,
    &pool_avx2,
#endif
    &pool_portable,
};

AverageFactors average_factors(const PoolAverage& average, std::int64_t taps, std::int64_t counted) {
  const std::int64_t steps = counted << average.shift, multiplier = 2 * std::int64_t{average.multiplier};
  return {.multiplier = multiplier,
          .constant = steps - multiplier * taps * average.input_zero_point,
          .divisor = 2 * steps,
          .zero_point = average.output_zero_point};
}

// For windows of any size: at most 2^33 pixels, so that nothing leaves 64 bits.
void average_large(const PoolWindow& window, const AverageFactors& factors, std::int64_t channels,
                   std::uint8_t* output) {
  for (std::int64_t c = 0; c < channels; ++c) {
    std::int64_t sum = 0;
    for (std::int64_t y = 0; y < window.rows; ++y) {
      const std::uint8_t* const row = window.first + y * window.row_step + c;
      for (std::int64_t x = 0; x < window.columns; ++x) sum += row[x * window.column_step];
    }
    output[c] = average_of(sum, factors);
  }
}

// Pixels of the output in their order: what a row has in common is computed once a row.
class Runner {
 public:
  Runner(const PoolKernel& kernel, const PoolCall& call, std::int64_t pixel)
      : kernel_(kernel),
        call_(call),
        input_row_(call.horizontal.input * call.channels),
        y_(pixel / call.horizontal.output),
        x_(pixel % call.horizontal.output),
        vertical_(pool_span(call.vertical, y_)),
        output_(call.output + (pixel - call.output_first_row * call.horizontal.output) * call.channels) {}

  void run(std::int64_t first_channel, std::int64_t last_channel) {
    const PoolSpan horizontal = pool_span(call_.horizontal, x_);
    const PoolWindow window = {.first = call_.input + (vertical_.first - call_.input_first_row) * input_row_ +
                                        horizontal.first * call_.channels + first_channel,
                               .rows = vertical_.taps,
                               .columns = horizontal.taps,
                               .row_step = call_.vertical.dilation * input_row_,
                               .column_step = call_.horizontal.dilation * call_.channels};
    if (call_.average) {
      average(window, *call_.average, vertical_.counted * horizontal.counted, last_channel - first_channel,
              output_ + first_channel);
    } else {
      kernel_.maximum(window, last_channel - first_channel, output_ + first_channel);
    }
  }

  void next_pixel() {
    output_ += call_.channels;
    if (++x_ < call_.horizontal.output) return;
    x_ = 0;
    vertical_ = pool_span(call_.vertical, ++y_);
  }

 private:
  void average(const PoolWindow& window, const PoolAverage& average, std::int64_t places, std::int64_t channels,
               std::uint8_t* output) {
    const std::int64_t taps = window.rows * window.columns, counted = average.count_padding ? places : taps;
    if (taps != taps_ || counted != counted_) {
      factors_ = average_factors(average, taps, counted);
      taps_ = taps, counted_ = counted;
      if (kernel_.complete != nullptr) kernel_.complete(factors_);
    }
    if (counted > largest_window) return average_large(window, factors_, channels, output);
    kernel_.average(window, factors_, channels, output);
  }

  const PoolKernel& kernel_;
  const PoolCall& call_;
  std::int64_t input_row_, y_, x_;
  PoolSpan vertical_;
  std::uint8_t* output_;  // the pixel's
  AverageFactors factors_;
  std::int64_t taps_ = -1, counted_ = -1;  // what the factors are for
};

// Of places `step` apart, how many there are in `room`.
std::int64_t places(std::int64_t room, std::int64_t step) {
  if (room <= 0) return 0;
  return step == 1 ? room : (room + step - 1) / step;
}

}  // namespace

PoolSpan pool_span(const PoolAxis& axis, std::int64_t index) {
  if (axis.divides) {
    const std::int64_t first = index * axis.input / axis.output;
    const std::int64_t last = ((index + 1) * axis.input + axis.output - 1) / axis.output;
    return {first, last - first, last - first};
  }
  const std::int64_t start = index * axis.stride - axis.padding_before;
  const std::int64_t before = places(-start, axis.dilation);
  const std::int64_t room = axis.input - start;  // from the window's start to the input's end
  const std::int64_t taps = std::max<std::int64_t>(std::min(axis.kernel, places(room, axis.dilation)) - before, 0);
  return {taps > 0 ? start + before * axis.dilation : 0, taps, std::min(axis.kernel, room + axis.padding_behind)};
}

void PoolKernel::run(const PoolCall& call, std::int64_t first, std::int64_t last) const {
  const std::int64_t blocks = pool_blocks(call.channels);
  Runner runner(*this, call, first / blocks);
  while (first < last) {
    const std::int64_t block = first % blocks, count = std::min(last - first, blocks - block);
    runner.run(block * pool_block, std::min((block + count) * pool_block, call.channels));
    first += count;
    if (block + count == blocks) runner.next_pixel();
  }
}

std::span<const PoolKernel* const> pool_kernels() { return rows; }

const PoolKernel& select_pool(Isa isa) { return best_of<PoolKernel>(rows, isa); }

}  // namespace itrt::kernels
