// AMX: a group of output pixels times one or two tiles of sixteen output channels. Four tiles hold sums:
//
//                                    weights: channels 0-15   16-31
//   pixels  0-15  [64 bytes a pixel]            [ sums 0 ]  [ sums 1 ]
//   pixels 16-31  [64 bytes a pixel]            [ sums 2 ]  [ sums 3 ]
//
// A step loads 64 bytes of 16 pixels a tile, straight from the input where the pixels lie equally far apart, else from
// copies, and the weights of 16 quads.
//
// Between the steps the sums of the group before become bytes, which takes other units than multiplying:
//
//   tiles     | group 0 | group 1 | group 2 |
//   vectors             | group 0 | group 1 | group 2 |
#include <immintrin.h>

#include <algorithm>

#include "kernels/amx_tiles.h"
#include "kernels/convolution/convolution_avx512_finisher.h"
#include "kernels/convolution/convolution_avx512_tile.h"
#include "kernels/convolution/convolution_dot_weights.h"
#include "kernels/convolution/convolution_kernel.h"

namespace itrt::kernels {
namespace {

constexpr int sum_tiles = 4, inputs_tile = 4, weights_tile = 6;  // two of each of these
constexpr std::int64_t quads_a_step = tile_row_bytes / 4;
constexpr std::int64_t group_sums = sum_tiles * tile_rows * lanes;

// Pixels of a group, for blocks of one or two vectors.
constexpr std::int64_t group_pixels(int vectors) { return sum_tiles / vectors * tile_rows; }

// Where a tile's pixels have a segment.
class PixelRows {
 public:
  PixelRows() = default;
  [[gnu::always_inline]] PixelRows(const std::uint8_t* const* pointers, std::int64_t offset)
      : pointers_(pointers), offset_(offset), step_(pointers[1] - pointers[0]) {
    const __m512i step = _mm512_set1_epi64(step_);
    const auto apart = [&](int pixel) {
      return _mm512_sub_epi64(_mm512_loadu_si512(pointers + pixel + 1), _mm512_loadu_si512(pointers + pixel));
    };
    are_equal_ = (_mm512_cmpneq_epi64_mask(apart(0), step) | _mm512_cmpneq_epi64_mask(apart(7), step)) == 0;
  }

  // Copies bytes `bytes` .. `bytes` + 63 of each, if need be.
  [[gnu::always_inline]] void prepare(std::int64_t bytes, std::uint8_t* copies) const {
    if (!are_equal_) copy(pointers_, offset_ + bytes, copies);
  }

  // Loads them; `copies` are those of prepare.
  template <int tile>
  [[gnu::always_inline]] void load(std::int64_t bytes, const std::uint8_t* copies) const {
    if (are_equal_) return load_tile<tile>(pointers_[0] + offset_ + bytes, step_);
    load_tile<tile>(copies, tile_row_bytes);
  }

 private:
  [[gnu::noinline]] static void copy(const std::uint8_t* const* pointers, std::int64_t offset, std::uint8_t* copies) {
    for (int row = 0; row < tile_rows; ++row) {
      _mm512_store_si512(copies + row * tile_row_bytes, _mm512_loadu_si512(pointers[row] + offset));
    }
  }

  const std::uint8_t* const* pointers_;
  std::int64_t offset_, step_;
  bool are_equal_;
};

constexpr std::int64_t tile_bytes = tile_rows * tile_row_bytes;

// The rows of a group of tiles.
template <int pixel_tiles>
struct GroupRows {
  PixelRows of[pixel_tiles];

  [[gnu::always_inline]] void find(const std::uint8_t* const* pointers, std::int64_t offset) {
    for (int tile = 0; tile < pixel_tiles; ++tile) of[tile] = PixelRows(pointers + tile * tile_rows, offset);
  }
  [[gnu::always_inline]] void prepare(std::int64_t bytes, std::uint8_t* copies) const {
    for (int tile = 0; tile < pixel_tiles; ++tile) of[tile].prepare(bytes, copies + tile * tile_bytes);
  }
};

// One step: 64 bytes of every pixel.
template <int pixel_tiles, int vectors, int tile = 0>
[[gnu::always_inline]] inline void multiply_step(const PixelRows* rows, std::int64_t bytes, const std::byte* weights,
                                                 const std::uint8_t* copies) {
  constexpr int inputs = inputs_tile + tile % 2;
  rows[tile].load<inputs>(bytes, copies + tile * tile_bytes);
  if constexpr (tile == 0) load_tile<weights_tile>(weights, vectors * 64);
  multiply_tiles<tile * vectors, inputs, weights_tile>();
  if constexpr (vectors == 2) {
    if constexpr (tile == 0) load_tile<weights_tile + 1>(weights + 64, vectors * 64);
    multiply_tiles<tile * vectors + 1, inputs, weights_tile + 1>();
  }
  if constexpr (tile + 1 < pixel_tiles) multiply_step<pixel_tiles, vectors, tile + 1>(rows, bytes, weights, copies);
}

// Calls body<i>() for i from 0 to count - 1.
template <int count, int i = 0, class Body>
[[gnu::always_inline]] inline void each_tile(const Body& body) {
  body.template operator()<i>();
  if constexpr (i + 1 < count) each_tile<count, i + 1>(body);
}

// Where sums are given: what those of up to `pixels` pixels from `first` on start from, [pixel][vectors * 16]. Not
// inlined: the panels without have registers enough.
template <int vectors>
[[gnu::noinline]] void start_rows(const ConvolutionBlock& block, std::int64_t first, std::int64_t pixels,
                                  std::int32_t* sums) {
  const std::int64_t stride = block.initial_stride, count = std::min(pixels, block.pixels - first);
  const std::int32_t* initial = block.initial + first * stride;
  __m512i start[vectors];
  for (int v = 0; v < vectors; ++v) start[v] = _mm512_load_si512(block.start + v * lanes);
  for (std::int64_t p = 0; p < count; ++p, initial += stride, sums += vectors * lanes) {
    for (int v = 0; v < vectors; ++v) {
      _mm512_store_si512(sums + v * lanes, _mm512_add_epi32(start[v], _mm512_loadu_si512(initial + v * lanes)));
    }
  }
}

// Where the sums of a group's tile lie, [pixel][vectors * 16].
template <int vectors>
constexpr std::int64_t place_of(int tile) {
  return (tile / vectors * tile_rows * vectors + tile % vectors) * lanes;
}

// The sums of pixel_tiles * 16 pixels from `first` on, to sums[pixel][vectors * 16], which has what they start from
// where that is given.
template <int pixel_tiles, int vectors, class Finisher>
[[gnu::always_inline]] inline void multiply_group(const ConvolutionBlock& block, std::int64_t first, std::int32_t* sums,
                                                  Finisher& finisher, std::int64_t pieces) {
  if (block.initial == nullptr) {
    each_tile<pixel_tiles * vectors>([&]<int tile>() { load_tile<tile>(block.start + tile % vectors * lanes, 0); });
  } else {
    each_tile<pixel_tiles * vectors>(
        [&]<int tile>() { load_tile<tile>(sums + place_of<vectors>(tile), vectors * 64); });
  }
  const std::byte* weights = block.weights;
  const std::uint8_t* const* pointers = block.pointers + first;
  // A tile waits long for what was stored just before, so that copies are made a step ahead.
  alignas(64) std::uint8_t copies[2][pixel_tiles * tile_bytes];
  GroupRows<pixel_tiles> rows, next;
  int turn = 0;
  if (block.segment_count > 0) {
    rows.find(pointers, block.segments[0].offset);
    rows.prepare(0, copies[0]);
  }
  for (std::int64_t s = 0; s < block.segment_count; ++s, rows = next) {
    const std::int64_t bytes = block.segments[s].quads * 4;
    const bool is_last = s + 1 == block.segment_count;
    pointers += block.pointer_stride;
    for (std::int64_t at = 0; at < bytes; at += tile_row_bytes, weights += vectors * 64 * quads_a_step) {
      if (at + tile_row_bytes < bytes) {
        rows.prepare(at + tile_row_bytes, copies[turn ^ 1]);
      } else if (!is_last) {
        next.find(pointers, block.segments[s + 1].offset);
        next.prepare(0, copies[turn ^ 1]);
      }
      multiply_step<pixel_tiles, vectors>(rows.of, at, weights, copies[turn]);
      finisher.advance(pieces);
      turn ^= 1;
    }
  }
  each_tile<pixel_tiles * vectors>([&]<int tile>() { store_tile<tile>(sums + place_of<vectors>(tile), vectors * 64); });
}

// How many pieces of the group before become bytes in every step; there may be no step, where all sums are given.
std::int64_t pieces_a_step(const ConvolutionBlock& block, std::int64_t pieces) {
  std::int64_t steps = 0;
  for (std::int64_t s = 0; s < block.segment_count; ++s) steps += block.segments[s].quads / quads_a_step;
  return steps == 0 ? 0 : (pieces + steps - 1) / steps;
}

template <int vectors, ConvolutionResult result>
[[gnu::noinline]] void run_panel(const ConvolutionBlock& given) {
  const ConvolutionBlock block = given;  // a copy: an output could change the caller's
  constexpr std::int64_t pixels = group_pixels(vectors);
  constexpr int pixel_tiles = sum_tiles / vectors;
  // Of the group before, which become bytes; of this one; and what the next one starts from, early: tiles wait long for
  // what was stored just before.
  alignas(64) std::int32_t sums[3][group_sums];
  Finisher<vectors, result> finisher(block);
  const std::int64_t pieces = pieces_a_step(block, pixels / finisher.pixels_a_piece);
  const bool is_given = block.initial != nullptr;
  if (is_given) start_rows<vectors>(block, 0, pixels, sums[0]);
  int turn = 0;
  for (std::int64_t first = 0, count; first < block.pixels; first += count) {
    const std::int64_t left = block.pixels - first;
    const bool is_whole = left > pixels - tile_rows;  // the last pixels go tile by tile
    count = is_whole ? pixels : tile_rows;
    std::int32_t* const current = sums[turn];
    turn = turn == 2 ? 0 : turn + 1;
    if (is_given && left > count) start_rows<vectors>(block, first + count, pixels, sums[turn]);
    if (is_whole) {
      multiply_group<pixel_tiles, vectors>(block, first, current, finisher, pieces);
    } else {
      multiply_group<1, vectors>(block, first, current, finisher, pieces);
    }
    finisher.finish();
    finisher.begin(current, std::min(left, count));
  }
  finisher.finish();
}

template <ConvolutionResult result>
void run_result(const ConvolutionBlock& block) {
  block.width == lanes ? run_panel<1, result>(block) : run_panel<2, result>(block);
}

void run(const ConvolutionBlock& block) {
  with_result(block, [&]<ConvolutionResult result>() {
    // Adding a zero point of 0 costs nothing beside the tiles.
    constexpr bool at_zero = result == ConvolutionResult::saturating_at_zero;
    run_result<at_zero ? ConvolutionResult::saturating : result>(block);
  });
}

std::int64_t block_vectors(std::int64_t vectors) { return vectors < 2 ? vectors : 2; }

}  // namespace

const ConvolutionKernel convolution_amx_int8 = {
    .name = "amx_int8_32x32",
    .isa = Isa::amx_int8,
    .vector_width = lanes,
    .bytes_a_quad = dot_bytes_a_quad,
    .quads_a_step = quads_a_step,
    .tile_pixels = tile_rows,
    .known = {.general = true, .saturating = true, .largest_fixed_sum = largest_float_integer},
    .block_vectors = block_vectors,
    .channel_of_lane = channel_of_packed_lane,
    .pack_quad = pack_dot_quad,
    .prepare_thread = configure_tiles,
    .run = run,
    .release_thread = release_tiles,
    .stem = &stem_avx512_vnni,
};

}  // namespace itrt::kernels
