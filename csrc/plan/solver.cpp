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
// A strict order succeeds early or rarely; then the other search, which restarts and learns, deserves more.
constexpr std::int64_t early = 1 << 16;
constexpr std::int64_t share_of_late_orders = 16;

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
    solution_.layout = place_in_order(buffers_, order_by_size(buffers_), cancel_);
    raise_bound(lower_bound(buffers_));
    const bool is_quick = static_cast<std::int64_t>(buffers_.size()) <= limits_.nodes;
    for (const auto order : {order_by_area, order_by_lifetime}) {
      if (is_quick && !is_done()) keep(place_in_order(buffers_, order(buffers_), cancel_));
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
    if (steps == 0) return;
    keep(improve_order(buffers_, order_by_size(buffers_), limits_.capacity.value_or(solution_.lower_bound), steps,
                       cancel_));
    solution_.nodes += steps * count;
  }

  // From both sides, in rounds with more and more work at each height: at the lower bound, and from the best layout
  // down, in steps that are halved where nothing is found.
  void search(Sections sections) {
    const Problem problem = describe(buffers_, std::move(sections));
    Search search(problem);
    CanonicalSearch canonical(buffers_, problem);
    nodes_before_search_ = solution_.nodes;
    for (std::int64_t nodes = nodes_of_first_round; !is_done(); nodes *= growth_of_rounds) {
      const std::int64_t lowest = limits_.capacity.value_or(solution_.lower_bound);
      const Answer at_lowest = try_height(search, canonical, lowest, nodes);
      if (limits_.capacity) {
        if (at_lowest == Answer::impossible) return;  // not always a proof, but these searches find nothing
        continue;
      }
      for (std::int64_t step = steps_between() / 2 + 1; step > 0 && !is_done();) {
        step = std::min(step, steps_between());
        const std::int64_t height = solution_.layout.height - step * granularity_;
        const Answer answer = try_height(search, canonical, height, nodes);
        if (answer == Answer::impossible && step == 1) return;
        if (answer != Answer::fits) step /= 2;
      }
    }
  }

  // Both searches, the canonical one with each of its orders, take turns: the last turn is the first search's.
  Answer try_height(Search& search, CanonicalSearch& canonical, std::int64_t height, std::int64_t nodes) {
    Answer answer = Answer::unknown;
    for (std::size_t turn = 0; turn <= CanonicalSearch::orders && answer == Answer::unknown; ++turn) {
      const bool learns = turn == CanonicalSearch::orders;
      const std::int64_t share = learns ? nodes : std::min(nodes, std::max(early, nodes / share_of_late_orders));
      const std::int64_t most = std::min(share, limits_.nodes - solution_.nodes);
      if (most <= 0 || cancel_()) break;
      answer = learns ? search.run(height, most, cancel_) : canonical.run(height, turn, most, cancel_);
      solution_.nodes = nodes_before_search_ + search.nodes() + canonical.nodes();
      if (answer == Answer::fits) keep(layout_at(learns ? search.offsets() : canonical.offsets()));
    }
    if (answer == Answer::impossible && is_from_the_bottom()) raise_bound(height + 1);
    return answer;
  }

  // Heights from the lower bound to the best, in multiples of the granularity.
  std::int64_t steps_between() const {
    return (solution_.layout.height - solution_.lower_bound + granularity_ - 1) / granularity_;
  }

  Layout layout_at(std::vector<std::int64_t> offsets) const {
    std::int64_t height = 0;
    for (std::size_t buffer = 0; buffer < buffers_.size(); ++buffer) {
      height = std::max(height, offsets[buffer] + extent(buffers_[buffer]));
    }
    return {std::move(offsets), height};
  }

  std::span<const Buffer> buffers_;
  const Limits& limits_;
  Cancel cancel_;
  std::int64_t granularity_;
  Solution solution_;
  std::int64_t nodes_before_search_ = 0;
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
