#include "plan/bounds.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>
#include <vector>

#include "base/checked.h"

namespace itrt::plan {

std::int64_t lower_bound(std::span<const Buffer> buffers) {
  std::int64_t divisor = 0;
  bool is_from_the_bottom = true;
  for (const Buffer& buffer : buffers) {
    divisor = std::gcd(divisor, buffer.alignment);
    for (const Piece& piece : buffer.pieces) is_from_the_bottom &= piece.offset == 0;
  }
  if (!is_from_the_bottom) divisor = 1;  // a piece need not begin at a multiple
  struct Event {
    std::int64_t time;
    bool begins;
    std::int64_t size;
  };
  std::vector<Event> events;
  std::int64_t bound = 0;
  for (const Buffer& buffer : buffers) {
    bound = std::max(bound, extent(buffer));
    for (const Piece& piece : buffer.pieces) {
      if (!is_occupied(piece)) continue;
      events.push_back({piece.begin, true, piece.size});
      events.push_back({piece.end, false, piece.size});
    }
  }
  std::sort(events.begin(), events.end(),  // what ends goes before something begins
            [](const Event& a, const Event& b) { return std::tie(a.time, a.begins) < std::tie(b.time, b.begins); });
  std::int64_t sum = 0;
  std::multiset<std::int64_t> roundings;
  for (const auto& [time, begins, size] : events) {
    const std::int64_t rounded = round_up(size, divisor);
    sum += begins ? rounded : -rounded;
    if (begins) {
      roundings.insert(rounded - size);
      bound = std::max(bound, sum - *roundings.rbegin());
    } else {
      roundings.erase(roundings.find(rounded - size));
    }
  }
  return bound;
}

}  // namespace itrt::plan
