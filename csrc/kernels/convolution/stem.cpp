#include "kernels/convolution/stem.h"

#include <algorithm>
#include <cstring>

#include "kernels/convolution/convolution_block.h"
#include "kernels/convolution/convolution_run.h"
#include "kernels/convolution/convolution_sums.h"
#include "kernels/convolution/stem_kernel.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t channels = 3;
constexpr std::int64_t panel_tiles = 32;
constexpr std::int64_t line_bytes = 96;  // of a tile's part of an input row, in scratch
static_assert(stem_overrun <= static_cast<std::int64_t>(input_slack));
static_assert(stem_tile_bytes + stem_overrun <= line_bytes && stem_tile_bytes + copy_chunk <= line_bytes);
constexpr std::int64_t panel_lines = 1 + panel_tiles * stem_rows;  // the first holds zero points

std::int64_t widest_block(const PackedConvolution& packed) {
  std::int64_t width = 0;
  for (const ConvolutionOutputBlock& block : packed.blocks) width = std::max(width, block.width);
  return width;
}

// All runs of a tile at a kernel row, as one.
ConvolutionRun tile_run(std::int64_t kernel_row) {
  return {.kernel_row = kernel_row, .taps = stem_tile_bytes / channels, .bytes = stem_tile_bytes};
}

// A panel of tiles, which may be of several output rows.
class StemPanel {
 public:
  StemPanel(const PackedConvolution& packed, const ConvolutionCall& call)
      : packed_(packed),
        call_(call),
        term_(packed.terms.front()),
        input_(call.inputs.front()),
        lines_(reinterpret_cast<std::uint8_t*>(call.scratch)),
        inside_(interior(tile_run(0), term_, input_)) {
    const std::uint8_t* zero_points = packed.padding.as<std::uint8_t>();
    for (std::int64_t i = 0; i < stem_tile_bytes; i += channels) std::memcpy(padding() + i, zero_points, channels);
  }

  // Output columns [first, last) of an output row: at least a tile's. The last tile may overlap the one before.
  void add(std::int64_t row, std::int64_t first, std::int64_t last) {
    begin_row(row);
    while (first < last) {
      if (count_ == panel_tiles) compute();
      const std::int64_t column = std::min(first, last - stem_tile_pixels);
      const std::int64_t tiles = std::min(tiles_inside(column, last), panel_tiles - count_);
      if (tiles == 0) {
        point_at_border(column, tiles_[count_]);
        ++count_;
        first = column + stem_tile_pixels;
      } else {
        point_inside(column, tiles);
        first = column + tiles * stem_tile_pixels;
      }
    }
  }

  // Fewer columns than a tile's: it is computed apart from the output.
  void compute_aside(std::int64_t row, std::int64_t column, std::int64_t count) {
    compute();
    StemTile tile;
    begin_row(row);
    point_at_border(column, tile);
    const std::int64_t pixel = call_.output_first_pixel + tile.pixel;
    for (std::size_t b = 0; b < packed_.blocks.size(); ++b) {
      const ConvolutionBlock target = output_block(packed_, call_, b, pixel);
      if (target.result == ConvolutionResult::sum) {
        compute_by_sums(b, target, tile, count);
        continue;
      }
      ConvolutionBlock block = target;
      block.output = aside();
      block.output_stride = block.width;
      StemTile alone = tile;
      alone.pixel = 0;
      packed_.kernel->stem->run(block, &alone, 1);
      for (std::int64_t p = 0; p < count; ++p) {
        std::memcpy(static_cast<std::uint8_t*>(target.output) + p * target.output_stride, aside() + p * block.width,
                    static_cast<std::size_t>(block.channels));
      }
    }
  }

  // Computes the tiles that have been added.
  void compute() {
    if (count_ == 0) return;
    for (std::size_t b = 0; b < packed_.blocks.size(); ++b) {
      const ConvolutionBlock block = output_block(packed_, call_, b, call_.output_first_pixel);
      if (block.result != ConvolutionResult::sum) {
        packed_.kernel->stem->run(block, tiles_, count_);
        continue;
      }
      for (std::int64_t t = 0; t < count_; ++t) compute_by_sums(b, block, tiles_[t], stem_tile_pixels);
    }
    count_ = 0;
  }

 private:
  // The first `count` pixels of a tile, of a block whose sums the driver turns into bytes.
  void compute_by_sums(std::size_t index, ConvolutionBlock block, StemTile tile, std::int64_t count) const {
    alignas(cache_line) std::int32_t sums[stem_tile_pixels * most_lanes];
    block.output = sums;
    block.output_stride = block.width;
    std::uint8_t* const output = call_.output + tile.pixel * packed_.out_channels;
    tile.pixel = 0;
    packed_.kernel->stem->run(block, &tile, 1);
    call_.requantization->requantize(packed_, *call_.requantization,
                                     {.block = index, .sums = sums, .count = count, .output = output});
  }

  std::uint8_t* padding() const { return lines_; }
  std::uint8_t* aside() const { return lines_ + panel_lines * line_bytes; }

  void begin_row(std::int64_t row) {
    first_pixel_ = row * call_.output_width - call_.output_first_pixel;
    rows_inside_ = true;
    for (std::int64_t kernel_row = 0; kernel_row < stem_rows; ++kernel_row) {
      const ConvolutionRun run = tile_run(kernel_row);
      input_rows_[kernel_row] = input_row(run, term_, row);
      rows_inside_ = rows_inside_ && row_inside(input_rows_[kernel_row]);
      starts_[kernel_row] =
          ((input_rows_[kernel_row] - input_.first_row) * input_.width + input_column(run, term_, 0)) * channels;
    }
  }

  bool row_inside(std::int64_t in_row) const { return in_row >= 0 && in_row < input_.height; }
  bool column_inside(std::int64_t column) const { return column >= inside_.first && column < inside_.last; }

  // Tiles from `column` on, to the last that ends before `last`, whose pixels read the input as it is.
  std::int64_t tiles_inside(std::int64_t column, std::int64_t last) const {
    if (!rows_inside_ || !column_inside(column)) return 0;
    return std::min((inside_.last - 1 - column) / stem_tile_pixels + 1, (last - column) / stem_tile_pixels);
  }

  const std::uint8_t* source(std::int64_t kernel_row, std::int64_t column) const {
    return input_.data + starts_[kernel_row] + column * stem_step;
  }

  void point_inside(std::int64_t column, std::int64_t tiles) {
    StemTile tile = {{source(0, column), source(1, column), source(2, column)}, first_pixel_ + column};
    for (StemTile* out = tiles_ + count_; out != tiles_ + count_ + tiles; ++out) {
      *out = tile;
      for (const std::uint8_t*& row : tile.rows) row += stem_tile_pixels * stem_step;
      tile.pixel += stem_tile_pixels;
    }
    count_ += tiles;
  }

  // Copies what lies outside in part, to the lines of the panel's next tile.
  void point_at_border(std::int64_t column, StemTile& tile) const {
    std::uint8_t* line = lines_ + line_bytes * (1 + count_ * stem_rows);
    for (std::int64_t r = 0; r < stem_rows; ++r, line += line_bytes) {
      if (!row_inside(input_rows_[r])) {
        tile.rows[r] = padding();
      } else if (column_inside(column)) {
        tile.rows[r] = source(r, column);
      } else {
        assemble(tile_run(r), term_, input_, padding(), input_rows_[r], column, line);
        tile.rows[r] = line;
      }
    }
    tile.pixel = first_pixel_ + column;
  }

  const PackedConvolution& packed_;
  const ConvolutionCall& call_;
  const ConvolutionTerm& term_;
  const ConvolutionInput& input_;
  std::uint8_t* lines_;
  Interior inside_;  // output columns at which a tile may begin
  // Of the output row:
  std::int64_t first_pixel_ = 0;  // its place, as in a tile
  std::int64_t input_rows_[stem_rows] = {};
  std::int64_t starts_[stem_rows] = {};  // bytes from the input's first to the first column's runs
  bool rows_inside_ = false;
  StemTile tiles_[panel_tiles];
  std::int64_t count_ = 0;
};

}  // namespace

bool is_stem(const ConvolutionTerm& term) {
  return term.in_channels == channels && term.kernel_height == stem_rows && term.kernel_width * channels == stem_run &&
         term.stride_width * channels == stem_step && term.dilation_width == 1;
}

std::size_t stem_scratch_bytes(const PackedConvolution& packed) {
  return static_cast<std::size_t>(panel_lines * line_bytes + stem_tile_pixels * widest_block(packed));
}

void convolve_stem(const PackedConvolution& packed, const ConvolutionCall& call, std::int64_t first,
                   std::int64_t last) {
  StemPanel panel(packed, call);
  std::int64_t row = first / call.output_width, column = first % call.output_width;
  for (; first < last; ++row, column = 0) {
    const std::int64_t count = std::min(call.output_width - column, last - first);
    if (count < stem_tile_pixels) {
      panel.compute_aside(row, column, count);
    } else {
      panel.add(row, column, column + count);
    }
    first += count;
  }
  panel.compute();
}

}  // namespace itrt::kernels
