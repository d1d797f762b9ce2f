#include "kernels/resize/resize.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/checked.h"
#include "base/prefetch.h"
#include "kernels/select.h"

namespace itrt::kernels {
namespace {

// A tensor of which the second level's cache of most CPUs keeps the most from one operator to the next.
constexpr std::int64_t cached_bytes = 1 << 20;

std::int64_t whole_vectors(std::int64_t bytes) { return round_up(bytes, 64); }  // the longest of any kernel

// Pixels of a row that are resized before the next ones.
std::int64_t part_pixels(std::int64_t channels) { return std::max<std::int64_t>(2048 / channels, 1); }

std::int64_t part_bytes(std::int64_t channels) { return whole_vectors(part_pixels(channels) * channels); }

// Whether all weights of an axis are whole sixteenths: so many outputs lie at the same places between two inputs, or
// every output lies on an input or in the middle of two.
bool in_sixteenths(std::int64_t input_size, std::int64_t output_size, Alignment alignment) {
  if (alignment != Alignment::borders) return false;
  return input_size % output_size == 0 ||
         (output_size % input_size == 0 && sixteenths / 2 % (output_size / input_size) == 0);
}

// The weights' sum in a call (resize.h).
std::int16_t whole_of(const ResizeCall& call) {
  return in_sixteenths(call.input_height, call.output_height, call.alignment) &&
                 in_sixteenths(call.input_width, call.output_width, call.alignment)
             ? sixteenths
             : whole_weight;
}

// The output columns [first, first + pixels), for one output row after another, downwards.
class ColumnPart {
 public:
  ColumnPart(const ResizeKernel& kernel, const ResizeCall& call, std::int16_t whole)
      : kernel_(kernel), call_(call), whole_(whole) {
    const std::int64_t pixels = part_pixels(call.channels), bytes = part_bytes(call.channels);
    std::byte* memory = call.scratch;
    const auto take = [&]<class Element>(Element*& pointer, std::int64_t count) {
      pointer = reinterpret_cast<Element*>(memory);
      memory += whole_vectors(count * static_cast<std::int64_t>(sizeof(Element)));
    };
    take(indices_[0], pixels);
    take(indices_[1], pixels);
    take(bytes_[0], bytes);
    take(bytes_[1], bytes);
    take(pairs_, 2 * bytes);
    take(words_[0], bytes);
    take(words_[1], bytes);
  }

  static std::size_t scratch_bytes(std::int64_t channels) {
    const std::int64_t indices = whole_vectors(part_pixels(channels) * static_cast<std::int64_t>(sizeof(std::int32_t)));
    return static_cast<std::size_t>(2 * indices + 8 * part_bytes(channels));
  }

  void move_to(std::int64_t first, std::int64_t pixels) {
    pixels_ = pixels;
    rows_ = {none, none};
    for (std::int64_t i = 0; i < pixels; ++i) {
      const ResizeTap tap = resize_tap(first + i, call_.input_width, call_.output_width, call_.alignment);
      // A weight of 128 were no signed byte: halves of the same pixel are as much.
      const bool one = tap.weight1 == 0;
      const int weight0 = (one ? whole_weight / 2 : tap.weight0) * whole_ / whole_weight;
      indices_[0][i] = tap.index0;
      indices_[1][i] = one ? tap.index0 : tap.index1;
      const auto channels = static_cast<std::size_t>(call_.channels);
      std::memset(bytes_[0] + i * call_.channels, weight0, channels);
      std::memset(bytes_[1] + i * call_.channels, whole_ - weight0, channels);
    }
    kernel_.pair(bytes_[0], bytes_[1], pixels * call_.channels, pairs_);
  }

  void resize(const ResizeTap& tap, std::uint8_t* output) {
    const auto weight0 = static_cast<std::int16_t>(tap.weight0 * whole_ / whole_weight);
    const std::uint16_t* const above = words_of(tap.index0, tap.index1);
    const std::uint16_t* const below = words_of(tap.index1, tap.index0);
    kernel_.down(above, below, weight0, whole_, pixels_ * call_.channels, output);
  }

 private:
  static constexpr std::int64_t none = -1;

  // An input row's words: those from before, or computed in place of others than `kept`'s.
  const std::uint16_t* words_of(std::int64_t row, std::int64_t kept) {
    for (std::size_t n = 0; n < 2; ++n) {
      if (rows_[n] == row) return words_[n];
    }
    const std::size_t n = rows_[0] == kept ? 1 : 0;
    const std::uint8_t* const input = call_.input + (row - call_.input_first_row) * call_.input_width * call_.channels;
    for (std::size_t side = 0; side < 2; ++side) {
      kernel_.gather(input, indices_[side], pixels_, call_.channels, bytes_[side]);
    }
    kernel_.across(bytes_[0], bytes_[1], pairs_, whole_, pixels_ * call_.channels, words_[n]);
    rows_[n] = row;
    return words_[n];
  }

  const ResizeKernel& kernel_;
  const ResizeCall& call_;
  std::int16_t whole_;
  std::int64_t pixels_ = 0;
  std::array<std::int64_t, 2> rows_ = {none, none};  // the input rows of words_
  std::int32_t* indices_[2];                         // of the left and the right input pixels
  std::uint8_t* bytes_[2];                           // these pixels; before them, their weights
  std::uint8_t* pairs_;
  std::uint16_t* words_[2];
};

// Calls body(part, the output row's tap, its number, first element in the row, elements) for every part of every row.
template <class Body>
void each_part(const ResizeKernel& kernel, const ResizeCall& call, std::int64_t first_row, std::int64_t last_row,
               const Body& body) {
  constexpr std::int64_t most_rows = 128;  // whose taps, divisions all of them, are computed once for all parts
  std::array<ResizeTap, most_rows> taps;
  ColumnPart part(kernel, call, whole_of(call));
  const std::int64_t step = part_pixels(call.channels);
  for (std::int64_t row = first_row; row < last_row; row += most_rows) {
    const std::int64_t rows = std::min(most_rows, last_row - row);
    for (std::int64_t i = 0; i < rows; ++i) {
      taps[static_cast<std::size_t>(i)] = resize_tap(row + i, call.input_height, call.output_height, call.alignment);
    }
    for (std::int64_t x = 0; x < call.output_width; x += step) {
      const std::int64_t pixels = std::min(step, call.output_width - x);
      part.move_to(x, pixels);
      for (std::int64_t i = 0; i < rows; ++i) {
        body(part, taps[static_cast<std::size_t>(i)], row + i, x * call.channels, pixels * call.channels);
      }
    }
  }
}

constexpr const ResizeKernel* rows[] = {
#if defined(ITRT_X86)
    &resize_avx512_vnni,
    &resize_avx2,
#endif
    &resize_portable,
};

}  // namespace

ResizeTap resize_tap(std::int64_t output_index, std::int64_t input_size, std::int64_t output_size,
                     Alignment alignment) {
  // The position is numerator / whole.
  const bool borders = alignment == Alignment::borders;
  const std::int64_t whole = borders ? 2 * output_size : std::max<std::int64_t>(output_size - 1, 1);
  const std::int64_t numerator = borders ? std::max<std::int64_t>((2 * output_index + 1) * input_size - output_size, 0)
                                         : output_index * (input_size - 1);
  const std::int64_t index0 = std::min(numerator / whole, input_size - 1);
  const std::int64_t index1 = std::min(index0 + 1, input_size - 1);
  const std::int64_t weight1 = (256 * (numerator % whole) + whole) / (2 * whole);
  return {static_cast<std::int32_t>(index0), static_cast<std::int32_t>(index1),
          static_cast<std::int16_t>(128 - weight1), static_cast<std::int16_t>(weight1)};
}

std::size_t resize_scratch_bytes(std::int64_t channels) { return ColumnPart::scratch_bytes(channels); }

std::size_t resize_add_scratch_bytes(std::int64_t channels) {
  return resize_scratch_bytes(channels) + static_cast<std::size_t>(part_bytes(channels));
}

void ResizeKernel::run(const ResizeCall& call, std::int64_t first_row, std::int64_t last_row) const {
  const std::int64_t output_row = call.output_width * call.channels;
  each_part(*this, call, first_row, last_row,
            [&](ColumnPart& part, const ResizeTap& tap, std::int64_t y, std::int64_t first, std::int64_t) {
              part.resize(tap, call.output + (y - call.output_first_row) * output_row + first);
            });
}

void resize_add(const ResizeKernel& kernel, const AddKernel& add_kernel, const ResizeAddCall& call,
                std::int64_t first_row, std::int64_t last_row) {
  const ResizeCall& resize = call.resize;
  const std::int64_t output_row = resize.output_width * resize.channels;
  auto* const resized = reinterpret_cast<std::uint8_t*>(resize.scratch + resize_scratch_bytes(resize.channels));
  std::array<AddInput, 2> inputs = {call.add.inputs[0], call.add.inputs[1]};
  inputs[call.resized_input].data = resized;
  const std::uint8_t* const other = inputs[1 - call.resized_input].data;
  AddElements add = add_elements(call.add);
  add.inputs = inputs.data();
  const bool is_large = resize.output_height * output_row > cached_bytes;
  each_part(kernel, resize, first_row, last_row,
            [&](ColumnPart& part, const ResizeTap& tap, std::int64_t y, std::int64_t first, std::int64_t count) {
              const std::int64_t begin = (y - resize.output_first_row) * output_row + first;
              if (is_large) {  // the next row's
                prefetch(other + begin + output_row, count);
                prefetch(call.add.output + begin + output_row, count);
              }
              part.resize(tap, resized);
              inputs[1 - call.resized_input].data = other + begin;
              add.output = call.add.output + begin;
              add_kernel.elements(add, 0, count);
            });
}

std::span<const ResizeKernel* const> resize_kernels() { return rows; }

const ResizeKernel& select_resize(Isa isa) { return best_of<ResizeKernel>(rows, isa); }

}  // namespace itrt::kernels
