#include "plan/greedy.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/checked.h"
#include "plan/occupancy.h"

namespace itrt::plan {
namespace {

constexpr std::size_t placements_between_questions = 256;  // to `cancel`

// Descending; buffers with equal keys stay as they are.
template <class Key>
std::vector<std::size_t> order_by(std::span<const Buffer> buffers, Key key) {
  std::vector<decltype(key(buffers[0]))> keys;
  for (const Buffer& buffer : buffers) keys.push_back(key(buffer));
  std::vector<std::size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return keys[a] > keys[b]; });
  return order;
}

}  // namespace

std::vector<std::size_t> order_by_size(std::span<const Buffer> buffers) { return order_by(buffers, extent); }

std::vector<std::size_t> order_by_lifetime(std::span<const Buffer> buffers) {
  return order_by(buffers, [](const Buffer& buffer) { return std::pair(lifetime(buffer), extent(buffer)); });
}

std::vector<std::size_t> order_by_area(std::span<const Buffer> buffers) { return order_by(buffers, area); }

Layout place_in_order(std::span<const Buffer> buffers, std::span<const std::size_t> order, FunctionRef<bool()> cancel) {
  Layout layout{std::vector<std::int64_t>(buffers.size()), 0};
  Occupancy occupancy(buffers);
  bool is_cancelled = false;
  std::size_t placed = 0;
  for (const std::size_t index : order) {
    const Buffer& buffer = buffers[index];
    const std::int64_t height = extent(buffer);
    if (height == 0) continue;
    is_cancelled = is_cancelled || (++placed % placements_between_questions == 0 && cancel());
    const std::int64_t offset =
        is_cancelled ? round_up(layout.height, buffer.alignment) : occupancy.lowest_free(buffer);
    if (!is_cancelled) occupancy.place(buffer, offset);
    layout.offsets[index] = offset;
    layout.height = std::max(layout.height, offset + height);
  }
  return layout;
}

Layout place_in_order(std::span<const Buffer> buffers, std::span<const std::size_t> order) {
  return place_in_order(buffers, order, [] { return false; });
}

}  // namespace itrt::plan
