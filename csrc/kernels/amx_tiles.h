// AMX: eight tile registers of 16 rows of 64 bytes, and one instruction that multiplies two of them into a third:
//
//   inputs, u8                 weights, s8               sums, i32
//   [pixel][64 bytes of it] x  [quad][channel][4]   +=   [pixel][channel]        16 pixels, 16 channels
//
// Every tile has its full size here, so that one configuration serves all. Tests compile what includes this file once
// more with ITRT_AMX_EMULATED, for CPUs without the instructions. Internal linkage: each file has its own copy.
#pragma once

#include <cstdint>
#include <cstring>

namespace itrt::kernels {
namespace {

constexpr std::int64_t tile_rows = 16, tile_row_bytes = 64, tile_count = 8;

#if defined(ITRT_AMX_EMULATED)

struct EmulatedTile {
  std::uint8_t bytes[tile_rows][tile_row_bytes];
};
thread_local EmulatedTile emulated_tiles[tile_count];

inline void configure_tiles() { std::memset(emulated_tiles, 0xA5, sizeof(emulated_tiles)); }
inline void release_tiles() { std::memset(emulated_tiles, 0x5A, sizeof(emulated_tiles)); }

template <int tile>
inline void load_tile(const void* rows, std::int64_t stride) {
  const std::uint8_t* row = static_cast<const std::uint8_t*>(rows);
  for (auto& bytes : emulated_tiles[tile].bytes) std::memcpy(bytes, row, tile_row_bytes), row += stride;
}

template <int tile>
inline void store_tile(void* rows, std::int64_t stride) {
  std::uint8_t* row = static_cast<std::uint8_t*>(rows);
  for (const auto& bytes : emulated_tiles[tile].bytes) std::memcpy(row, bytes, tile_row_bytes), row += stride;
}

// Every index is in range as it is; checks would be most of the time.
template <int sums, int inputs, int weights>
[[gnu::no_sanitize_address]] inline void multiply_tiles() {
  for (std::int64_t row = 0; row < tile_rows; ++row) {
    std::uint32_t sum[tile_rows];  // wraps around
    std::memcpy(sum, emulated_tiles[sums].bytes[row], sizeof(sum));
    for (std::int64_t byte = 0; byte < tile_row_bytes; ++byte) {
      const std::uint8_t* quad = emulated_tiles[weights].bytes[byte / 4] + byte % 4;
      for (std::int64_t lane = 0; lane < tile_rows; ++lane) {
        const std::int32_t weight = static_cast<std::int8_t>(quad[lane * 4]);
        sum[lane] += static_cast<std::uint32_t>(emulated_tiles[inputs].bytes[row][byte] * weight);
      }
    }
    std::memcpy(emulated_tiles[sums].bytes[row], sum, sizeof(sum));
  }
}

#else

// As the instruction reads it.
struct alignas(64) TileConfiguration {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfiguration) == 64);

// Of this thread, until they are released. (As instructions: gcc 12's function tells the compiler of the first eight
// bytes alone.)
inline void configure_tiles() {
  TileConfiguration configuration;
  for (std::int64_t tile = 0; tile < tile_count; ++tile) {
    configuration.row_bytes[tile] = tile_row_bytes;
    configuration.rows[tile] = tile_rows;
  }
  asm volatile("ldtilecfg %[configuration]" : : [configuration] "m"(configuration));
}

// Else the kernel would save them at every switch of threads.
inline void release_tiles() { asm volatile("tilerelease"); }

template <int tile>
[[gnu::always_inline]] inline void load_tile(const void* rows, std::int64_t stride) {
  asm volatile("tileloadd (%[rows],%[stride],1), %%tmm%c[tile]"
               :
               : [rows] "r"(rows), [stride] "r"(stride), [tile] "i"(tile)
               : "memory");
}

template <int tile>
[[gnu::always_inline]] inline void store_tile(void* rows, std::int64_t stride) {
  asm volatile("tilestored %%tmm%c[tile], (%[rows],%[stride],1)"
               :
               : [rows] "r"(rows), [stride] "r"(stride), [tile] "i"(tile)
               : "memory");
}

template <int sums, int inputs, int weights>
[[gnu::always_inline]] inline void multiply_tiles() {
  asm volatile("tdpbusd %%tmm%c[weights], %%tmm%c[inputs], %%tmm%c[sums]"
               :
               : [sums] "i"(sums), [inputs] "i"(inputs), [weights] "i"(weights));
}

#endif

}  // namespace
}  // namespace itrt::kernels
