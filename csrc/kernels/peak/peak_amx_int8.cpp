// AMX: tdpbusd into four independent tiles of sums, as many as convolutions have.
#include "kernels/amx_tiles.h"
#include "kernels/peak/peak.h"

namespace itrt::kernels {
namespace {

constexpr int ones_tile = 4, also_ones_tile = 5;

std::int64_t run(std::int64_t rounds) {
  configure_tiles();
  alignas(64) std::int32_t sums[tile_rows][tile_row_bytes / 4] = {};
  alignas(64) std::uint8_t ones[tile_row_bytes];
  std::memset(ones, 1, sizeof(ones));
  load_tile<ones_tile>(ones, 0);
  load_tile<also_ones_tile>(ones, 0);
  load_tile<0>(sums, tile_row_bytes);
  load_tile<1>(sums, tile_row_bytes);
  load_tile<2>(sums, tile_row_bytes);
  load_tile<3>(sums, tile_row_bytes);
  for (std::int64_t round = 0; round < rounds; ++round) {
    multiply_tiles<0, ones_tile, also_ones_tile>();
    multiply_tiles<1, ones_tile, also_ones_tile>();
    multiply_tiles<2, ones_tile, also_ones_tile>();
    multiply_tiles<3, ones_tile, also_ones_tile>();
  }
  std::int64_t total = 0;
  const auto add_up = [&] {
    for (const auto& row : sums) {
      for (const std::int32_t sum : row) total += sum;
    }
  };
  store_tile<0>(sums, tile_row_bytes);
  add_up();
  store_tile<1>(sums, tile_row_bytes);
  add_up();
  store_tile<2>(sums, tile_row_bytes);
  add_up();
  store_tile<3>(sums, tile_row_bytes);
  add_up();
  release_tiles();
  return total;
}

}  // namespace

const PeakKernel peak_amx_int8 = {"tdpbusd", Isa::amx_int8, run};

}  // namespace itrt::kernels
