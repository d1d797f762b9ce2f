#include "plan/solver.h"

#include <algorithm>
#include <numeric>

#include "base/checked.h"

namespace itrt::plan {
namespace {

// The lowest aligned offset at which `size` bytes fit between the placed neighbours.
std::int64_t lowest_gap(const Buffer& buffer, std::vector<std::pair<std::int64_t, std::int64_t>>& occupied) {
  std::sort(occupied.begin(), occupied.end());
  std::int64_t offset = 0;
  for (const auto& [begin, end] : occupied) {
    if (offset + buffer.size <= begin) break;
    offset = std::max(offset, round_up(end, buffer.alignment));
  }
  return offset;
}

}  // namespace

bool overlap(const Buffer& a, const Buffer& b) {
  return std::any_of(a.lifetime.begin(), a.lifetime.end(), [&](const Interval& x) {
    return std::any_of(b.lifetime.begin(), b.lifetime.end(),
                       [&](const Interval& y) { return x.begin < y.end && y.begin < x.end; });
  });
}

Layout solve(std::span<const Buffer> buffers) {
  std::vector<std::size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return buffers[a].size > buffers[b].size; });
  Layout layout{std::vector<std::int64_t>(buffers.size()), 0};
  std::vector<std::pair<std::int64_t, std::int64_t>> occupied;
  for (auto current = order.begin(); current != order.end(); ++current) {
    occupied.clear();
    for (auto placed = order.begin(); placed != current; ++placed) {
      if (overlap(buffers[*current], buffers[*placed])) {
        occupied.emplace_back(layout.offsets[*placed], layout.offsets[*placed] + buffers[*placed].size);
      }
    }
    layout.offsets[*current] = lowest_gap(buffers[*current], occupied);
    layout.height = std::max(layout.height, layout.offsets[*current] + buffers[*current].size);
  }
  return layout;
}

std::int64_t lower_bound(std::span<const Buffer> buffers) {
  std::int64_t bound = 0;
  // The sum can only rise where something begins.
  for (const Buffer& buffer : buffers) {
    for (const Interval& interval : buffer.lifetime) {
      std::int64_t sum = 0;
      for (const Buffer& other : buffers) {
        const bool alive = std::any_of(other.lifetime.begin(), other.lifetime.end(), [&](const Interval& candidate) {
          return candidate.begin <= interval.begin && interval.begin < candidate.end;
        });
        sum += alive ? other.size : 0;
      }
      bound = std::max(bound, sum);
    }
  }
  return bound;
}

}  // namespace itrt::plan
