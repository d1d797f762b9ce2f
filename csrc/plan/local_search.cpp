#include "plan/local_search.h"

#include <algorithm>
#include <random>
#include <utility>

#include "plan/greedy.h"

namespace itrt::plan {
namespace {

// Where in the order a buffer stands that reaches the layout's height.
std::size_t position_of_top(std::span<const Buffer> buffers, std::span<const std::size_t> order, const Layout& layout) {
  const auto top = std::find_if(order.begin(), order.end(), [&](std::size_t index) {
    return layout.offsets[index] + extent(buffers[index]) == layout.height;
  });
  return static_cast<std::size_t>(top - order.begin());
}

}  // namespace

Layout improve_order(std::span<const Buffer> buffers, std::vector<std::size_t> order, std::int64_t enough,
                     std::int64_t steps, FunctionRef<bool()> cancel) {
  Layout best = place_in_order(buffers, order, cancel);
  std::mt19937_64 random(1);  // its numbers are the standard's; those of distributions are the library's own
  for (std::int64_t step = 0; step < steps && best.height > enough && !cancel(); ++step) {
    const std::size_t from = position_of_top(buffers, order, best);
    if (from == 0) break;
    std::vector<std::size_t> other = order;
    const std::size_t to = random() % from;
    std::rotate(other.begin() + static_cast<std::ptrdiff_t>(to), other.begin() + static_cast<std::ptrdiff_t>(from),
                other.begin() + static_cast<std::ptrdiff_t>(from) + 1);
    Layout layout = place_in_order(buffers, other, cancel);
    if (layout.height > best.height) continue;
    best = std::move(layout);
    order = std::move(other);
  }
  return best;
}

}  // namespace itrt::plan
