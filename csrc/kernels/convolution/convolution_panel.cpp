#include "kernels/convolution/convolution_panel.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/checked.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t border_pixels = 24;  // of a panel, at most: more scratch would not be used

std::int64_t pointer_bytes(const PackedConvolution& packed) {
  return packed.segment_count * panel_pixels * static_cast<std::int64_t>(sizeof(void*));
}

// Pointers `step` bytes apart: a loop that compilers make vectors of.
void point_apart(const std::uint8_t* first, std::int64_t step, std::int64_t count, const std::uint8_t** out) {
  auto next = reinterpret_cast<std::uintptr_t>(first);
  for (std::int64_t i = 0; i < count; ++i, next += static_cast<std::uintptr_t>(step)) {
    out[i] = reinterpret_cast<const std::uint8_t*>(next);
  }
}

// Copies the runs of `count` pixels, pixel by pixel: a chunk spills into what is written after it.
void gather_pixels(const std::array<const std::uint8_t*, gathered_runs>& sources, std::int64_t run_bytes,
                   std::int64_t step, std::int64_t count, std::uint8_t* out) {
  const auto [first, second, third] = sources;
  for (std::int64_t at = 0; count > 0; --count, at += step, out += gathered_pitch) {
    std::memcpy(out, first + at, copy_chunk);
    std::memcpy(out + run_bytes, second + at, copy_chunk);
    std::memcpy(out + 2 * run_bytes, third + at, copy_chunk);
  }
}

// Whether output pixel p reads input pixel p and no other.
bool reads_in_order(const ConvolutionTerm& term, const ConvolutionInput& input, const ConvolutionCall& call) {
  return term.kernel_height == 1 && term.kernel_width == 1 && term.stride_height == 1 && term.stride_width == 1 &&
         term.padding_top == 0 && term.padding_left == 0 && input.width == call.output_width &&
         input.height == call.output_height;
}

bool all_read_in_order(const PackedConvolution& packed, const ConvolutionCall& call) {
  for (std::size_t t = 0; t < packed.terms.size(); ++t) {
    if (!reads_in_order(packed.terms[t], call.inputs[t], call)) return false;
  }
  return true;
}

}  // namespace

std::size_t panel_bytes(const PackedConvolution& packed) {
  const auto interiors = static_cast<std::int64_t>(packed.runs.size() * 2 * sizeof(std::int64_t));
  const std::int64_t copies =
      packed.gathered ? panel_pixels * gathered_pitch + copy_chunk : border_pixels * packed.assembly_bytes;
  return static_cast<std::size_t>(pointer_bytes(packed) + interiors + copies) + input_slack;
}

Panel::Panel(const PackedConvolution& packed, const ConvolutionCall& call, const RunRange& runs, std::int64_t first)
    : packed_(packed),
      call_(call),
      pointers_(reinterpret_cast<const std::uint8_t**>(call.scratch)),
      interiors_(reinterpret_cast<Interior*>(call.scratch + pointer_bytes(packed))),
      copies_(reinterpret_cast<std::uint8_t*>(interiors_ + packed.runs.size())),
      inside_{0, call.output_width},
      is_flat_(all_read_in_order(packed, call)),
      first_(first),
      row_(first / call.output_width),
      column_(first % call.output_width),
      runs_(runs) {
  for (std::size_t r = 0; r < packed.runs.size(); ++r) {
    const ConvolutionRun& run = packed.runs[r];
    interiors_[r] = interior(run, term(run), input(run));
    if (run.taps == 1 && !packed.gathered) continue;  // a tap outside is the padding itself
    inside_ = {std::max(inside_.first, interiors_[r].first), std::min(inside_.last, interiors_[r].last)};
  }
  if (!packed.gathered) return;
  for (std::int64_t p = 0; p < panel_pixels; ++p) pointers_[p] = copies_ + p * gathered_pitch;
}

std::int64_t Panel::fill(std::int64_t last) {
  first_ += count_;
  for (column_ += count_; column_ >= call_.output_width; column_ -= call_.output_width) ++row_;
  const std::int64_t limit = std::min(last - first_, panel_pixels);
  if (packed_.gathered) {
    count_ = limit;
    gather();
    return count_;
  }
  if (packed_.run_starts.size() > 0) runs_ = runs_of_row(packed_, call_, row_);
  count_ = count_pixels(std::min(limit, pixels_alike()));
  for (std::int64_t segment = runs_.first; segment < runs_.first + runs_.count; ++segment) {
    point(static_cast<std::size_t>(segment));
    const std::uint8_t** row = pointers_ + segment * panel_pixels;
    const std::int64_t end = std::min(round_up(count_, pixel_granule) + pixel_granule, panel_pixels);
    std::fill(row + count_, row + end, row[count_ - 1]);
  }
  return count_;
}

// A panel ends where the next row reads other runs.
std::int64_t Panel::pixels_alike() const {
  const std::int64_t rows = panel_pixels / call_.output_width + 2;  // no panel has more
  const std::int64_t last = std::min(row_ + rows, call_.output_height);
  return rows_alike(packed_, call_, row_, last) * call_.output_width - column_;
}

// A panel ends where the scratch for pixels at the border is used up.
std::int64_t Panel::count_pixels(std::int64_t limit) const {
  if (packed_.assembly_bytes == 0) return limit;
  std::int64_t count = 0, borders = 0, column = column_;
  while (count < limit) {
    std::int64_t step = 1;
    if (at_border(column)) {
      if (++borders > border_pixels) break;
    } else {
      step = std::min(inside_.last - column, limit - count);
    }
    count += step;
    column += step;
    if (column == call_.output_width) column = 0;
  }
  return count;
}

// Calls body(part) for the panel's part of every output row.
template <class Body>
void Panel::each_part(const Body& body) const {
  Part part = {0, row_, column_, 0};
  for (; part.position < count_; part.position += part.count, ++part.row, part.column = 0) {
    part.count = std::min(call_.output_width - part.column, count_ - part.position);
    body(part);
  }
}

// Where the run begins in the input, for an output column at which it lies inside.
const std::uint8_t* Panel::source(const ConvolutionRun& run, std::int64_t row, std::int64_t column) const {
  const ConvolutionInput& in = input(run);
  const std::int64_t pixel = (row - in.first_row) * in.width + input_column(run, term(run), column);
  return in.data + pixel * term(run).in_channels;
}

void Panel::point(std::size_t segment) const {
  const ConvolutionRun& run = packed_.runs[segment];
  const ConvolutionTerm& t = term(run);
  const Interior range = interiors_[segment];
  const std::int64_t step = t.stride_width * t.in_channels;
  const std::uint8_t** const pointers = pointers_ + static_cast<std::int64_t>(segment) * panel_pixels;
  if (is_flat_) return point_apart(source(run, row_, column_), step, count_, pointers);
  std::uint8_t* copy = copies_ + run.assembly_offset;  // the next border pixel's
  each_part([&](const Part& part) {
    const std::uint8_t** out = pointers + part.position;
    const std::int64_t last = part.column + part.count;
    const std::int64_t in_row = input_row(run, t, part.row);
    const bool outside = in_row < 0 || in_row >= input(run).height;
    const std::int64_t inside_first = outside ? last : std::clamp(range.first, part.column, last);
    const std::int64_t inside_last = outside ? last : std::clamp(range.last, inside_first, last);
    const auto border = [&](std::int64_t x) {
      if (outside || run.taps == 1) {
        *out++ = padding(run);
      } else {
        assemble(run, t, input(run), padding(run), in_row, x, copy);
        *out++ = copy;
      }
      if (at_border(x)) copy += packed_.assembly_bytes;
    };
    for (std::int64_t x = part.column; x < inside_first; ++x) border(x);
    if (inside_first < inside_last) {
      const std::int64_t count = inside_last - inside_first;
      point_apart(source(run, in_row, inside_first), step, count, out);
      out += count;
      // Pixels at which another run leaves the row have a copy that this one does not use.
      const std::int64_t before = std::clamp(inside_.first, inside_first, inside_last);
      const std::int64_t after = std::clamp(inside_.last, before, inside_last);
      copy += (before - inside_first + inside_last - after) * packed_.assembly_bytes;
    }
    for (std::int64_t x = inside_last; x < last; ++x) border(x);
  });
}

void Panel::gather() const {
  each_part([&](const Part& part) {
    std::uint8_t* const out = copies_ + part.position * gathered_pitch;
    const std::int64_t last = part.column + part.count;
    const std::int64_t inside_first = std::clamp(inside_.first, part.column, last);
    const std::int64_t inside_last = std::clamp(inside_.last, inside_first, last);
    const auto at = [&](std::int64_t column) { return out + (column - part.column) * gathered_pitch; };
    for (std::int64_t x = part.column; x < inside_first; ++x) gather_pixel(part.row, x, at(x));
    if (inside_first < inside_last) gather_inside(part.row, inside_first, inside_last, at(inside_first));
    for (std::int64_t x = inside_last; x < last; ++x) gather_pixel(part.row, x, at(x));
  });
}

void Panel::gather_pixel(std::int64_t row, std::int64_t column, std::uint8_t* out) const {
  for (const ConvolutionRun& run : packed_.runs) {
    const std::int64_t in_row = input_row(run, term(run), row);
    if (in_row < 0 || in_row >= input(run).height) {
      copy_spilling(out, padding(run), run.bytes);
    } else {
      assemble(run, term(run), input(run), padding(run), in_row, column, out);
    }
    out += run.bytes;
  }
}

// Columns at which every run lies inside its row, if not outside above or below.
void Panel::gather_inside(std::int64_t row, std::int64_t first, std::int64_t last, std::uint8_t* out) const {
  std::array<const std::uint8_t*, gathered_runs> sources;
  for (std::size_t r = 0; r < sources.size(); ++r) {
    const ConvolutionRun& run = packed_.runs[r];
    const std::int64_t in_row = input_row(run, term(run), row);
    if (in_row < 0 || in_row >= input(run).height) {
      for (std::int64_t x = first; x < last; ++x, out += gathered_pitch) gather_pixel(row, x, out);
      return;
    }
    sources[r] = source(run, in_row, first);
  }
  const ConvolutionTerm& t = packed_.terms.front();
  gather_pixels(sources, packed_.runs.front().bytes, t.stride_width * t.in_channels, last - first, out);
}

}  // namespace itrt::kernels
