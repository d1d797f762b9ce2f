// An exact search: is there a layout of at most this height?
//
// A decision is about a valley: a section whose lowest waiting members have nothing lower beside them, so that nothing
// can come below them any more. Either one of these lies at the valley's floor, or none does, and the floor rises to
// the next offset that something can lie on:
//
//        |  d  |        in the valley of height h:  a at h,  b at h,  c at h,  or  nobody at h
//     +--+     +-----+
//     |     h        |  The valley with the fewest choices for its past contradictions goes first
//     +--------------+  (Boussemart et al. 2004), so the search stays where it is difficult.
//
// That is complete: a layout in which no buffer can be moved down has each on the floor or on another. The search
// restarts with other preferences among the choices, and keeps what it learned about sections.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "plan/answer.h"
#include "plan/search_state.h"

namespace itrt::plan {

class Search {
 public:
  // The problem must outlive the search.
  explicit Search(const Problem& problem);

  // Tries at most `nodes` decisions. Deterministic but for `cancel`: the answer depends on the calls before, on no
  // clock.
  Answer run(std::int64_t capacity, std::int64_t nodes, Cancel cancel);

  // Of the last `fits`, one a buffer.
  std::vector<std::int64_t> offsets() const;
  std::int64_t nodes() const { return nodes_; }  // of all runs

 private:
  struct Frame {
    std::size_t section = 0;
    std::int64_t floor = 0;
    std::vector<std::size_t> choices;
    std::size_t next = 0;
    bool raised = false;
    SearchState::Mark mark;
    Levels conflict;  // of the choices that failed, and of what the list of choices follows from
  };
  enum class Step { went_down, contradiction, exhausted };

  Answer attempt(std::int64_t capacity, std::int64_t last_node, Cancel cancel);
  void set_preferences();
  std::optional<std::size_t> choose_valley();
  bool open_frame();
  Step try_next();
  Step try_to_raise();
  bool is_symmetric(Frame& frame, std::size_t choice);
  bool go_back(bool is_contradiction);

  const Problem& problem_;
  SearchState state_;
  std::vector<std::vector<double>> scores_;
  std::vector<double> preferences_;
  std::vector<std::size_t> level_until_;  // a section's floor is that of all up to this one
  std::vector<Frame> frames_;
  std::uint64_t random_ = 1;
  std::int64_t attempts_ = 0, nodes_ = 0;
};

}  // namespace itrt::plan
