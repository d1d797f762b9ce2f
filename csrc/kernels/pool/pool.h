// Maximum and average of windows of a channels-last u8 tensor (docs/numerics.md).
//
//   maximum   out = the largest q of the taps inside the input; 0 where there is none
//   average   out = clamp(floor(S * multiplier / (n * 2^shift) + 1/2) + output zero point, 0, 255)
//             S = sum over the taps inside of (q - input zero point), n = how many places count
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/isa.h"

namespace itrt::kernels {

// What a window reads of one axis: `taps` places inside the input, from `first` on, PoolAxis::dilation apart; `counted`
// are those and the ones in the padding.
struct PoolSpan {
  std::int64_t first = 0, taps = 0, counted = 0;
};

// One axis of a pooling. `divides`: windows from floor(o * input / output) to ceil((o + 1) * input / output); the
// fields below it are then not used.
struct PoolAxis {
  std::int64_t input = 0, output = 0;
  bool divides = false;
  std::int64_t kernel = 1, stride = 1, padding_before = 0, padding_behind = 0, dilation = 1;
};

PoolSpan pool_span(const PoolAxis& axis, std::int64_t index);

struct PoolAverage {
  std::int32_t multiplier = 1;  // 1 to 32767
  std::int32_t shift = 0;       // 0 to 28
  std::int32_t input_zero_point = 0, output_zero_point = 0;
  bool count_padding = false;
};

// Rows of the input before `input_first_row`, and of the output before `output_first_row`, may be missing in memory.
struct PoolCall {
  const std::uint8_t* input = nullptr;
  std::int64_t input_first_row = 0;
  PoolAxis vertical, horizontal;
  std::int64_t channels = 0;
  std::optional<PoolAverage> average;  // none: the maximum
  std::uint8_t* output = nullptr;
  std::int64_t output_first_row = 0;
};

// What a kernel sees: the taps of one window, in bytes from the first one's first channel.
struct PoolWindow {
  const std::uint8_t* first = nullptr;
  std::int64_t rows = 0, columns = 0;
  std::int64_t row_step = 0, column_step = 0;
};

// Of an average: out = clamp(floor((sum of q * multiplier + constant) / divisor) + zero_point), the formula above with
// the zero points in the constant.
//
// Kernels that divide in binary64 compute floor(sum of q * factor + offset) for at most `largest_window` taps. It is
// the same, to the last bit, though factor and offset are rounded. Exactly, the argument of floor is a multiple of 1 /
// (2 n 2^shift), and so is every integer; `offset` has half of such a step more, so that the argument lies in the
// middle between two multiples. Everything that is rounded stays below 255 * multiplier / 2^shift + 1, by four
// roundings of 2^-53 each: together they miss by less than (255 * 2^15 / 2^shift + 1) * 2^-51, which is less than the
// distance to an integer, 1 / (4 n 2^shift), for n up to 2^18 and any shift up to 28.
struct AverageFactors {
  std::int64_t multiplier = 0, constant = 0, divisor = 1;  // 2 * that of PoolAverage, .., 2 n 2^shift
  std::int32_t zero_point = 0;
  double factor = 0, offset = 0;  // once they are completed
};

// Adds factor and offset; a function that kernels name which need them.
void complete_in_binary64(AverageFactors& factors);

inline constexpr std::int64_t largest_window = std::int64_t{1} << 18;

// Threads divide a pooling into blocks of channels of a pixel: one pixel may be all that there is.
inline constexpr std::int64_t pool_block = 64;
inline std::int64_t pool_blocks(std::int64_t channels) { return (channels + pool_block - 1) / pool_block; }

// `channels` of the window's pixels, from the first on; nothing behind them is read or written.
struct PoolKernel {
  const char* name;
  Isa isa;
  void (*maximum)(const PoolWindow& window, std::int64_t channels, std::uint8_t* output);
  void (*average)(const PoolWindow& window, const AverageFactors& factors, std::int64_t channels, std::uint8_t* output);
  void (*complete)(AverageFactors& factors) = nullptr;  // complete_in_binary64 or, for kernels of integers, null

  // Blocks [first, last) of the output's pixels * pool_blocks(channels), pixels of missing rows counted.
  void run(const PoolCall& call, std::int64_t first, std::int64_t last) const;
};

extern const PoolKernel pool_portable;
#if defined(ITRT_X86)
extern const PoolKernel pool_avx2;
extern const PoolKernel pool_avx512_vnni;
#endif

std::span<const PoolKernel* const> pool_kernels();  // best first
const PoolKernel& select_pool(Isa isa);

}  // namespace itrt::kernels
