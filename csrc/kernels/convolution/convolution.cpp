// The driver: output pixels -> pointers to runs, a panel of pixels at a time, then every block of output channels over
// the panel, so that a block's weights stay in the nearest cache for all the panel's pixels.
//
//   output row y      |border|        interior         |border|
//   pointer to        | copy |  the input itself,      | copy |     copy: the run put together in scratch from pixels
//                     | in   |  one pixel apart in x   | in   |           inside the image and zero points outside
//                     scratch                          scratch      rows outside the image point to zero points
#include "kernels/convolution/convolution.h"

#include <algorithm>
#include <cstring>

#include "kernels/convolution/convolution_kernel.h"
#include "kernels/select.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t panel_pixels = 8 * pixel_granule;
constexpr std::int64_t border_pixels = pixel_granule;  // of a panel, at most: more scratch would not be used
constexpr std::int64_t copy_chunk = 16;                // bytes that gathering copies at a time

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Bytes from one gathered pixel to the next. A run's last chunk spills into the run behind it, which is written later;
// the last run's into the gap between pixels.
std::int64_t gather_pitch(const PackedConvolution& packed) {
  const ConvolutionRun& last = packed.runs.back();
  const std::int64_t spilled = packed.gathered_bytes - last.bytes + round_up(last.bytes, copy_chunk);
  return round_up(std::max(spilled, packed.gathered_bytes), 4);
}

// Copies `count` runs of at most chunks * copy_chunk bytes.
template <int chunks>
void copy_runs(const std::uint8_t* source, std::int64_t step, std::uint8_t* out, std::int64_t pitch,
               std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i, source += step, out += pitch) {
    for (int c = 0; c < chunks; ++c) std::memcpy(out + c * copy_chunk, source + c * copy_chunk, copy_chunk);
  }
}

// Output columns of a run for which it lies inside the row.
struct Interior {
  std::int64_t first, last;
};

Interior interior(const ConvolutionRun& run, const ConvolutionTerm& term, const ConvolutionInput& input) {
  const std::int64_t start = run.kernel_column * term.dilation_width - term.padding_left;  // at output column 0
  const std::int64_t room = input.width - run.taps - start;
  const std::int64_t stride = term.stride_width;
  return {start < 0 ? (-start + stride - 1) / stride : 0, room < 0 ? 0 : room / stride + 1};
}

class Panel {
 public:
  Panel(const PackedConvolution& packed, const ConvolutionCall& call) : packed_(packed), call_(call) {
    pointers_ = reinterpret_cast<const std::uint8_t**>(call.scratch);
    copies_ = reinterpret_cast<std::uint8_t*>(call.scratch) +
              packed.segment_count * panel_pixels * static_cast<std::int64_t>(sizeof(*pointers_));
    if (packed.gathered) {
      const std::int64_t pitch = gather_pitch(packed);
      for (std::int64_t p = 0; p < panel_pixels; ++p) pointers_[p] = copies_ + p * pitch;
      return;
    }
    inside_ = {0, call.output_width};
    for (const ConvolutionRun& run : packed.runs) {
      if (run.taps == 1) continue;  // a tap outside is the padding itself
      const Interior range = interior(run, term(run), input(run));
      inside_ = {std::max(inside_.first, range.first), std::min(inside_.last, range.last)};
    }
  }

  const std::uint8_t* const* pointers() const { return pointers_; }

  // Fills the pointers of as many pixels from `first` on as fit; returns how many.
  std::int64_t fill(std::int64_t first, std::int64_t last) {
    first_ = first;
    count_ = packed_.gathered ? std::min(last - first, panel_pixels) : count_pixels(first, last);
    if (packed_.gathered) {
      gather();
    } else {
      for (std::size_t segment = 0; segment < packed_.runs.size(); ++segment) point(segment);
    }
    for (std::int64_t s = 0; s < packed_.segment_count && !packed_.gathered; ++s) {  // whole tiles
      const std::uint8_t** row = pointers_ + s * panel_pixels;
      std::fill(row + count_, row + round_up(count_, pixel_granule), row[count_ - 1]);
    }
    return count_;
  }

 private:
  const ConvolutionTerm& term(const ConvolutionRun& run) const {
    return packed_.terms[static_cast<std::size_t>(run.term)];
  }
  const ConvolutionInput& input(const ConvolutionRun& run) const {
    return call_.inputs[static_cast<std::size_t>(run.term)];
  }
  const std::uint8_t* padding(const ConvolutionRun& run) const {
    return packed_.padding.as<std::uint8_t>() + run.padding_offset;
  }

  bool at_border(std::int64_t column) const { return column < inside_.first || column >= inside_.last; }

  // A panel ends where the scratch for pixels at the border is used up.
  std::int64_t count_pixels(std::int64_t first, std::int64_t last) const {
    const std::int64_t limit = std::min(last - first, panel_pixels);
    std::int64_t count = 0, borders = 0, column = first % call_.output_width;
    while (count < limit) {
      std::int64_t step = 1;
      if (at_border(column)) {
        if (packed_.assembly_bytes && ++borders > border_pixels) break;
      } else {
        step = std::min(inside_.last - column, limit - count);
      }
      count += step;
      column += step;
      if (column == call_.output_width) column = 0;
    }
    return count;
  }

  // Calls body(position in the panel, row, column, count) for the panel's part of every output row.
  template <class Body>
  void each_row(const Body& body) const {
    std::int64_t row = first_ / call_.output_width, column = first_ % call_.output_width;
    for (std::int64_t done = 0; done < count_; ++row, column = 0) {
      const std::int64_t count = std::min(call_.output_width - column, count_ - done);
      body(done, row, column, count);
      done += count;
    }
  }

  // The run of output pixel `column` at input row `row`, the part outside the image filled with zero points.
  void assemble(const ConvolutionRun& run, std::int64_t row, std::int64_t column, std::uint8_t* out) const {
    const ConvolutionTerm& t = term(run);
    const ConvolutionInput& in = input(run);
    const std::int64_t start = column * t.stride_width + run.kernel_column * t.dilation_width - t.padding_left;
    const std::int64_t first = std::clamp<std::int64_t>(-start, 0, run.taps);
    const std::int64_t last = std::clamp<std::int64_t>(in.width - start, first, run.taps);
    const auto bytes = [&](std::int64_t taps) { return static_cast<std::size_t>(taps * t.in_channels); };
    std::memcpy(out, padding(run), bytes(run.taps));
    if (first < last) {
      std::memcpy(out + first * t.in_channels, in.data + (row * in.width + start + first) * t.in_channels,
                  bytes(last - first));
    }
  }

  void point(std::size_t segment) const {
    const ConvolutionRun& run = packed_.runs[segment];
    const ConvolutionTerm& t = term(run);
    const ConvolutionInput& in = input(run);
    const std::uint8_t** pointers = pointers_ + static_cast<std::int64_t>(segment) * panel_pixels;
    const Interior range = interior(run, t, in);
    const std::int64_t step = t.stride_width * t.in_channels;
    std::int64_t borders = 0;
    each_row([&](std::int64_t position, std::int64_t row, std::int64_t column, std::int64_t count) {
      const std::uint8_t** out = pointers + position;
      const std::int64_t last = column + count;
      const std::int64_t input_row = row * t.stride_height + run.kernel_row * t.dilation_height - t.padding_top;
      const bool outside = input_row < 0 || input_row >= in.height;
      const std::int64_t inside_first = outside ? last : std::clamp(range.first, column, last);
      const std::int64_t inside_last = outside ? last : std::clamp(range.last, inside_first, last);
      const auto border = [&](std::int64_t x) {
        const std::int64_t slot = at_border(x) ? borders++ : 0;
        if (outside || run.taps == 1) {
          *out++ = padding(run);
          return;
        }
        std::uint8_t* copy = copies_ + slot * packed_.assembly_bytes + run.assembly_offset;
        assemble(run, input_row, x, copy);
        *out++ = copy;
      };
      for (std::int64_t x = column; x < inside_first; ++x) border(x);
      if (inside_first < inside_last) {
        const std::int64_t start =
            inside_first * t.stride_width + run.kernel_column * t.dilation_width - t.padding_left;
        const std::uint8_t* source = in.data + (input_row * in.width + start) * t.in_channels;
        const std::int64_t inside_count = inside_last - inside_first;
        for (std::int64_t i = 0; i < inside_count; ++i) out[i] = source + i * step;
        out += inside_count;
        const std::int64_t no_slot_first = std::clamp(inside_.first, inside_first, inside_last);
        borders += inside_count - (std::clamp(inside_.last, no_slot_first, inside_last) - no_slot_first);
      }
      for (std::int64_t x = inside_last; x < last; ++x) border(x);
    });
  }

  void gather() const {
    const std::int64_t pitch = gather_pitch(packed_);
    std::uint8_t* run_copies = copies_;
    for (const ConvolutionRun& run : packed_.runs) {
      const ConvolutionTerm& t = term(run);
      const ConvolutionInput& in = input(run);
      const Interior range = interior(run, t, in);
      each_row([&](std::int64_t position, std::int64_t row, std::int64_t column, std::int64_t count) {
        std::uint8_t* out = run_copies + position * pitch;
        const std::int64_t last = column + count;
        const std::int64_t input_row = row * t.stride_height + run.kernel_row * t.dilation_height - t.padding_top;
        if (input_row < 0 || input_row >= in.height) return copy(run, padding(run), 0, out, pitch, count);
        const std::int64_t inside_first = std::clamp(range.first, column, last);
        const std::int64_t inside_last = std::clamp(range.last, inside_first, last);
        for (std::int64_t x = column; x < inside_first; ++x, out += pitch) assemble(run, input_row, x, out);
        if (inside_first < inside_last) {
          const std::int64_t start =
              inside_first * t.stride_width + run.kernel_column * t.dilation_width - t.padding_left;
          copy(run, in.data + (input_row * in.width + start) * t.in_channels, t.stride_width * t.in_channels, out,
               pitch, inside_last - inside_first);
          out += (inside_last - inside_first) * pitch;
        }
        for (std::int64_t x = inside_last; x < last; ++x, out += pitch) assemble(run, input_row, x, out);
      });
      run_copies += run.bytes;
    }
  }

  static void copy(const ConvolutionRun& run, const std::uint8_t* source, std::int64_t step, std::uint8_t* out,
                   std::int64_t pitch, std::int64_t count) {
    switch ((run.bytes + copy_chunk - 1) / copy_chunk) {
      case 1:
        return copy_runs<1>(source, step, out, pitch, count);
      case 2:
        return copy_runs<2>(source, step, out, pitch, count);
      default:
        for (; count > 0; --count, source += step, out += pitch) {
          std::memcpy(out, source, static_cast<std::size_t>(run.bytes));
        }
    }
  }

  const PackedConvolution& packed_;
  const ConvolutionCall& call_;
  const std::uint8_t** pointers_;  // [segment][panel_pixels]
  std::uint8_t* copies_;           // gathered pixels, or runs of pixels at the border
  Interior inside_ = {0, 0};       // output columns for which no run is assembled
  std::int64_t first_ = 0, count_ = 0;
};

constexpr const ConvolutionKernel* rows[] = {
#if defined(ITRT_X86)
    &convolution_avx512_vnni,
    &convolution_avx_vnni,
    &convolution_avx2,
#elif defined(ITRT_ARM)
    &convolution_neon_i8mm,
    &convolution_neon_dot,
#endif
    &convolution_portable,
};

}  // namespace

std::size_t scratch_bytes(const PackedConvolution& packed) {
  const std::int64_t pointers = packed.segment_count * panel_pixels * static_cast<std::int64_t>(sizeof(void*));
  const std::int64_t copies =
      packed.gathered ? panel_pixels * gather_pitch(packed) + copy_chunk : border_pixels * packed.assembly_bytes;
  return static_cast<std::size_t>(pointers + copies);
}

void convolve(const PackedConvolution& packed, const ConvolutionCall& call, std::int64_t first, std::int64_t last) {
  const PackedRequantization& requantization = *call.requantization;
  const std::int32_t* start = requantization.lanes.as<std::int32_t>();
  const float* scale = requantization.lanes.as<float>() + packed.lanes;
  Panel panel(packed, call);
  while (first < last) {
    const std::int64_t pixels = panel.fill(first, last);
    for (std::size_t b = 0; b < packed.blocks.size(); ++b) {
      const ConvolutionOutputBlock& block = packed.blocks[b];
      packed.kernel->run({
          .pointers = panel.pointers(),
          .pointer_stride = panel_pixels,
          .pixels = pixels,
          .segments = packed.segments.data() + block.partition * packed.segment_count,
          .segment_count = packed.segment_count,
          .weights = packed.weights.data() + block.weights_offset,
          .width = block.width,
          .channels = block.channels,
          .start = start + block.first_lane,
          .scale = scale + block.first_lane,
          .offset = scale + packed.lanes + block.first_lane,
          .result = requantization.results[b],
          .output_zero_point = requantization.output_zero_point,
          .clamp_lower = requantization.clamp_lower,
          .clamp_upper = requantization.clamp_upper,
          .initial = nullptr,
          .initial_stride = 0,
          .output = call.output + first * packed.out_channels + block.first_channel,
          .output_stride = packed.out_channels,
      });
    }
    first += pixels;
  }
}

std::span<const ConvolutionKernel* const> convolution_kernels() { return rows; }

const ConvolutionKernel& select_convolution(Isa isa) { return best_of<ConvolutionKernel>(rows, isa); }

}  // namespace itrt::kernels
