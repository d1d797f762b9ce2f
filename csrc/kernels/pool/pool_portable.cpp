#include "kernels/pool/pool.h"
#include "kernels/pool/pool_integers.h"

namespace itrt::kernels {
namespace {

constexpr std::int64_t chunk = 64;

// Calls body(tap's bytes) for every tap of the window.
template <class Body>
void each_tap(const PoolWindow& window, std::int64_t channel, const Body& body) {
  for (std::int64_t y = 0; y < window.rows; ++y) {
    const std::uint8_t* tap = window.first + y * window.row_step + channel;
    for (std::int64_t x = 0; x < window.columns; ++x, tap += window.column_step) body(tap);
  }
}

void maximum(const PoolWindow& window, std::int64_t channels, std::uint8_t* output) {
  for (std::int64_t c = 0; c < channels; c += chunk) {
    const std::int64_t count = channels - c < chunk ? channels - c : chunk;
    std::uint8_t largest[chunk] = {};
    each_tap(window, c, [&](const std::uint8_t* tap) {
      for (std::int64_t i = 0; i < count; ++i) largest[i] = tap[i] > largest[i] ? tap[i] : largest[i];
    });
    for (std::int64_t i = 0; i < count; ++i) output[c + i] = largest[i];
  }
}

void average(const PoolWindow& window, const AverageFactors& factors, std::int64_t channels, std::uint8_t* output) {
  for (std::int64_t c = 0; c < channels; c += chunk) {
    const std::int64_t count = channels - c < chunk ? channels - c : chunk;
    std::int32_t sum[chunk] = {};
    each_tap(window, c, [&](const std::uint8_t* tap) {
      for (std::int64_t i = 0; i < count; ++i) sum[i] += tap[i];
    });
    for (std::int64_t i = 0; i < count; ++i) output[c + i] = average_of(sum[i], factors);
  }
}

}  // namespace

const PoolKernel pool_portable = {"portable", Isa::portable, maximum, average};

}  // namespace itrt::kernels
