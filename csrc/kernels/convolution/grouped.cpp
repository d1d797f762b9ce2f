// The driver of terms with small groups. A kernel runs over the part of an output row that lies in a panel; it finds
// its inputs through a table of pointers to input pixels (to zero points where there is none):
//
//   stride 1, dilation 1    a row of the table a kernel row; a pixel's neighbours share pointers
//   others                  a row of the table a tap
//
//                   tap 0  tap 1  tap 2
//   kernel row 0    [p0    p1     p2     ...              ]   pixel 0 reads p0 p1 p2, pixel 1 reads p1 p2 p3, ...
#include "kernels/convolution/grouped.h"

#include <algorithm>

#include "kernels/convolution/convolution_block.h"
#include "kernels/convolution/convolution_sums.h"

namespace itrt::kernels {
namespace {

// Writes pointers to the input pixels start, start + step, ... of one input row.
void point_row(const std::uint8_t** out, std::int64_t count, const std::uint8_t* row, std::int64_t width,
               std::int64_t channels, std::int64_t start, std::int64_t step, const std::uint8_t* padding) {
  const std::int64_t before = start < 0 ? (-start + step - 1) / step : 0;
  const std::int64_t behind = start < width ? (width - start + step - 1) / step : 0;
  const std::int64_t inside_first = std::min(before, count), inside_last = std::clamp(behind, inside_first, count);
  std::fill(out, out + inside_first, padding);
  if (inside_first < inside_last) {
    const std::uint8_t* source = row + (start + inside_first * step) * channels;
    for (std::int64_t i = inside_first; i < inside_last; ++i, source += step * channels) out[i] = source;
  }
  std::fill(out + inside_last, out + count, padding);
}

// The table of pointers for `count` neighbouring output pixels of one term.
struct PointerTable {
  PointerTable(const ConvolutionTerm& term, std::int64_t count)
      : shared(term.stride_width == 1 && term.dilation_width == 1),
        columns(shared ? 1 : term.kernel_width),
        row_pointers(shared ? count + term.kernel_width - 1 : count) {}

  std::int64_t offset(const KernelTap& tap) const {
    return shared ? tap.row * row_pointers + tap.column : (tap.row * columns + tap.column) * row_pointers;
  }

  bool shared;                // neighbours share pointers
  std::int64_t columns;       // rows of the table a kernel row
  std::int64_t row_pointers;  // of a row of the table
};

std::int64_t kernel_taps(const ConvolutionTerm& term) { return term.kernel_height * term.kernel_width; }

const ConvolutionTerm& term_of(const PackedConvolution& packed, const PackedGroupedTerm& grouped) {
  return packed.terms[static_cast<std::size_t>(grouped.term)];
}

// What a block's sums start from before the first term.
alignas(cache_line) constexpr std::int32_t zeros[most_lanes] = {};

// A kernel may read the sums of `most_lanes` lanes from the last pixel's on.
constexpr std::size_t sums_bytes = (grouped_panel_pixels + 1) * most_lanes * sizeof(std::int32_t);

std::size_t pointers_bytes(const PackedConvolution& packed) {
  std::int64_t pointers = 0;
  for (const PackedGroupedTerm& grouped : packed.grouped) {
    pointers += kernel_taps(term_of(packed, grouped)) * grouped_panel_pixels;
  }
  return static_cast<std::size_t>(pointers) * sizeof(void*);
}

}  // namespace

std::size_t grouped_scratch_bytes(const PackedConvolution& packed) {
  if (packed.grouped.empty()) return 0;
  std::size_t taps = 0;
  for (const PackedGroupedTerm& grouped : packed.grouped) taps = std::max(taps, grouped.taps.size());
  return sums_bytes + pointers_bytes(packed) + taps * sizeof(std::int64_t);
}

GroupedPanel::GroupedPanel(const PackedConvolution& packed, const ConvolutionCall& call, std::byte* scratch)
    : packed_(packed),
      call_(call),
      sums_(reinterpret_cast<std::int32_t*>(scratch)),
      pointers_(reinterpret_cast<const std::uint8_t**>(scratch + sums_bytes)),
      offsets_(reinterpret_cast<std::int64_t*>(scratch + sums_bytes + pointers_bytes(packed))) {}

template <class Body>
void GroupedPanel::each_row_part(const Body& body) const {
  std::int64_t row = first_ / call_.output_width, column = first_ % call_.output_width;
  for (std::int64_t done = 0; done < count_; ++row, column = 0) {
    const std::int64_t count = std::min(call_.output_width - column, count_ - done);
    body(RowPart{done, row, column, count});
    done += count;
  }
}

void GroupedPanel::point(std::int64_t first, std::int64_t count) {
  first_ = first;
  count_ = count;
  summed_ = nullptr;
  const std::uint8_t** table = pointers_;
  for (const PackedGroupedTerm& grouped : packed_.grouped) {
    point_term(grouped, table);
    table += kernel_taps(term_of(packed_, grouped)) * grouped_panel_pixels;
  }
}

void GroupedPanel::point_term(const PackedGroupedTerm& grouped, const std::uint8_t** table) const {
  const ConvolutionTerm& term = term_of(packed_, grouped);
  const ConvolutionInput& input = call_.inputs[static_cast<std::size_t>(grouped.term)];
  const std::uint8_t* padding = grouped.padding.as<std::uint8_t>();
  each_row_part([&](const RowPart& part) {
    const PointerTable layout(term, part.count);
    const std::uint8_t** out = table + part.position * kernel_taps(term);
    for (std::int64_t kernel_row = 0; kernel_row < term.kernel_height; ++kernel_row) {
      const std::int64_t row = part.row * term.stride_height + kernel_row * term.dilation_height - term.padding_top;
      const bool inside = row >= 0 && row < input.height;
      const std::uint8_t* source =
          inside ? input.data + (row - input.first_row) * input.width * term.in_channels : nullptr;
      for (std::int64_t column = 0; column < layout.columns; ++column, out += layout.row_pointers) {
        const std::int64_t start = part.column * term.stride_width + column * term.dilation_width - term.padding_left;
        point_row(out, layout.row_pointers, source, inside ? input.width : 0, term.in_channels, start,
                  term.stride_width, padding);
      }
    }
  });
}

LaneSums GroupedPanel::sum(const ConvolutionOutputBlock& block) {
  if (packed_.grouped.empty()) return {};
  const auto& blocks = packed_.grouped_blocks;
  const auto holds = [&](const GroupedOutputBlock& grouped) {
    return block.first_lane < grouped.first_lane + grouped.width;
  };
  const auto grouped = std::find_if(blocks.begin(), blocks.end(), holds);
  if (&*grouped != summed_) {
    multiply(static_cast<std::size_t>(grouped - blocks.begin()), zeros, ConvolutionResult::sum);
    summed_ = &*grouped;
  }
  return {sums_ + block.first_lane - grouped->first_lane, grouped->width};
}

void GroupedPanel::store(std::size_t block) const {
  const PackedRequantization& requantization = *call_.requantization;
  multiply(block, requantization.lanes.as<std::int32_t>() + packed_.blocks[block].first_lane,
           requantization.results[block]);
  if (requantization.results[block] != ConvolutionResult::sum) return;
  requantization.requantize(packed_, requantization,
                            {.block = block,
                             .sums = sums_,
                             .count = count_,
                             .output = call_.output + (first_ - call_.output_first_pixel) * packed_.out_channels});
}

// `result`: of the last term; all others hand their sums on.
void GroupedPanel::multiply(std::size_t block, const std::int32_t* start, ConvolutionResult result) const {
  const GroupedOutputBlock& output = packed_.grouped_blocks[block];
  const PackedRequantization& requantization = *call_.requantization;
  const float* scale = requantization.lanes.as<float>() + packed_.lanes + output.first_lane;
  const std::uint8_t** table = pointers_;
  for (const PackedGroupedTerm& grouped : packed_.grouped) {
    const ConvolutionTerm& term = term_of(packed_, grouped);
    const bool starts = &grouped == &packed_.grouped.front(), ends = &grouped == &packed_.grouped.back();
    const ConvolutionResult becomes = ends ? result : ConvolutionResult::sum;
    each_row_part([&](const RowPart& part) {
      const PointerTable layout(term, part.count);
      for (std::size_t t = 0; t < grouped.taps.size(); ++t) offsets_[t] = layout.offset(grouped.taps[t]);
      std::int32_t* sums = sums_ + part.position * output.width;
      const std::int64_t pixel = first_ + part.position - call_.output_first_pixel;
      std::uint8_t* bytes = call_.output + pixel * packed_.out_channels + output.first_channel;
      const bool is_sum = becomes == ConvolutionResult::sum;
      grouped.kernel->run({
          .pointers = table + part.position * kernel_taps(term),
          .offsets = offsets_,
          .taps = static_cast<std::int64_t>(grouped.taps.size()),
          .sliding = grouped.sliding,
          .pixels = part.count,
          .first_channel = output.first_channel,
          .channels = output.channels,
          .width = output.width,
          .in_order = is_in_order(output, *grouped.kernel),
          .weights = grouped.weights.data() + block * grouped.block_bytes,
          .initial = starts ? start : sums,
          .initial_stride = starts ? 0 : output.width,
          .result = becomes,
          .scale = scale,
          .offset = scale + packed_.lanes,
          .output_zero_point = requantization.output_zero_point,
          .clamp_lower = requantization.clamp_lower,
          .clamp_upper = requantization.clamp_upper,
          .output = is_sum ? static_cast<void*>(sums) : bytes,
          .output_stride = is_sum ? output.width : packed_.out_channels,
      });
    });
    table += kernel_taps(term) * grouped_panel_pixels;
  }
}

void convolve_grouped(const PackedConvolution& packed, const ConvolutionCall& call, std::int64_t first,
                      std::int64_t last) {
  GroupedPanel panel(packed, call, call.scratch);
  for (std::int64_t count = 0; first < last; first += count) {
    count = std::min(last - first, grouped_panel_pixels);
    panel.point(first, count);
    for (std::size_t block = 0; block < packed.blocks.size(); ++block) panel.store(block);
  }
}

}  // namespace itrt::kernels
