#include "plan/solver.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "base/errors.h"
#include "plan/bounds.h"
#include "plan/canonical_search.h"
#include "plan/greedy.h"
#include "plan/local_search.h"
#include "plan/problem.h"
#include "plan/search.h"

namespace itrt::plan {
namespace {

// Beyond these the search would need more memory than it is worth; greedy orders and local search remain.
constexpr std::size_t most_buffers = 4096;
constexpr std::size_t most_members = std::size_t{1} << 19;
constexpr std::int64_t nodes_of_first_round = 400;
constexpr std::int64_t growth_of_rounds = 4;

// What every height is a multiple of, where buffers that lie on one another lie at sums of sizes.
std::int64_t granularity(std::span<const Buffer> buffers) {
  std::int64_t divisor = 0;
  for (const Buffer& buffer : buffers) {
    for (const Piece& piece : buffer.pieces) {
      if (is_occupied(piece)) divisor = std::gcd(std::gcd(divisor, piece.size), piece.offset);
    }
  }
  divisor = std::max<std::int64_t>(divisor, 1);
  const bool sums_are_aligned = std::all_of(buffers.begin(), buffers.end(),
                                            [&](const Buffer& buffer) { return divisor % buffer.alignment == 0; });
  return sums_are_aligned ? divisor : 1;
}

class Solver {
 public:
  Solver(std::span<const Buffer> buffers, const Limits& limits, Cancel cancel)
      : buffers_(buffers), limits_(limits), cancel_(cancel), granularity_(granularity(buffers)) {}

  Solution solve() {
    solution_.layout = place_in_order(buffers_, order_by_size(buffers_));
    raise_bound(lower_bound(buffers_));
    for (const auto order : {order_by_area, order_by_lifetime}) {
      if (!is_done()) keep(place_in_order(buffers_, order(buffers_)));
    }
    if (is_done()) return solution_;
    auto sections = buffers_.size() <= most_buffers ? find_sections(buffers_, most_members) : std::nullopt;
    if (!sections || !is_from_the_bottom()) improve_orders();
    if (sections) search(std::move(*sections));
    return solution_;
  }

 private:
  bool is_done() const {
    if (solution_.proven() || solution_.nodes >= limits_.nodes || cancel_()) return true;
    return limits_.capacity && solution_.fits(*limits_.capacity).has_value();
  }

  void keep(Layout layout) {
    if (layout.height < solution_.layout.height) solution_.layout = std::move(layout);
  }

  void raise_bound(std::int64_t bound) {
    solution_.lower_bound =
        std::min(std::max(solution_.lower_bound, round_up(bound, granularity_)), solution_.layout.height);
  }

  bool is_from_the_bottom() const {
    return std::all_of(buffers_.begin(), buffers_.end(), [](const Buffer& buffer) {
      return std::all_of(buffer.pieces.begin(), buffer.pieces.end(),
                         [](const Piece& piece) { return piece.offset == 0; });
    });
  }

  // A placement of a buffer costs about as much as a decision.
  void improve_orders() {
    const auto count = static_cast<std::int64_t>(buffers_.size());
    const std::int64_t steps = (limits_.nodes - solution_.nodes) / 2 / count;
    keep(improve_order(buffers_, order_by_size(buffers_), limits_.capacity.value_or(solution_.lower_bound), steps,
                       cancel_));
    solution_.nodes += steps * count;
  }

  // Both sides at once: a round tries the lower bound, heights between, and just below the best. At each height both
  // searches, one with each of its orders, take turns; every round with more work than the one before.
  void search(Sections sections) {
    const Problem problem = describe(buffers_, std::move(sections));
    Search search(problem);
    CanonicalSearch canonical(buffers_, problem);
    const std::int64_t used_before = solution_.nodes;
    const bool proves = is_from_the_bottom();
    // The last turn is the first search's, the others are one a canonical order.
    const auto take_turn = [&](std::size_t turn, std::int64_t height, std::int64_t nodes) {
      const bool learns = turn == CanonicalSearch::orders;
      nodes = std::min(nodes, limits_.nodes - solution_.nodes);
      const Answer answer = learns ? search.run(height, nodes, cancel_) : canonical.run(height, turn, nodes, cancel_);
      solution_.nodes = used_before + search.nodes() + canonical.nodes();
      if (answer == Answer::fits) keep(layout_at(learns ? search.offsets() : canonical.offsets()));
      if (answer == Answer::impossible && proves) raise_bound(height + 1);
      return answer;
    };
    for (std::int64_t nodes = nodes_of_first_round; !is_done(); nodes *= growth_of_rounds) {
      bool is_refuted = true;  // without a proof: the searches find no better ones
      std::int64_t tried = -1;
      for (const int quarters : {0, 1, 2, 4}) {
        const std::int64_t height = target(quarters);
        if (is_done()) break;
        if (height == std::exchange(tried, height)) continue;
        Answer answer = Answer::unknown;
        for (std::size_t turn = 0; turn <= CanonicalSearch::orders && answer == Answer::unknown; ++turn) {
          if (solution_.nodes < limits_.nodes && !cancel_()) answer = take_turn(turn, height, nodes);
        }
        is_refuted &= answer == Answer::impossible;
      }
      if (is_refuted && !proves) break;
    }
  }

  Layout layout_at(std::vector<std::int64_t> offsets) const {
    std::int64_t height = 0;
    for (std::size_t buffer = 0; buffer < buffers_.size(); ++buffer) {
      height = std::max(height, offsets[buffer] + extent(buffers_[buffer]));
    }
    return {std::move(offsets), height};
  }

  // The lower bound, or a part of the way to just below the best height; a multiple of the granularity.
  std::int64_t target(int quarters) const {
    if (limits_.capacity) return *limits_.capacity;
    const std::int64_t steps = (solution_.layout.height - 1 - solution_.lower_bound) / granularity_;
    return solution_.lower_bound + steps / 4 * granularity_ * quarters + steps % 4 * quarters / 4 * granularity_;
  }

  std::span<const Buffer> buffers_;
  const Limits& limits_;
  Cancel cancel_;
  std::int64_t granularity_;
  Solution solution_;
};

}  // namespace

Solution solve(std::span<const Buffer> buffers, const Limits& limits, FunctionRef<bool()> cancel) {
  check_buffers(buffers);
  if (limits.capacity && *limits.capacity < 0) {
    throw InvalidArgument("capacity: expected 0 or more, found " + std::to_string(*limits.capacity));
  }
  return Solver(buffers, limits, cancel).solve();
}

Solution solve(std::span<const Buffer> buffers, const Limits& limits) {
  return solve(buffers, limits, [] { return false; });
}

}  // namespace itrt::plan
