// Time as the search sees it: sections, each the set of buffers that live at one moment, without those that are subsets
// of a neighbour. Two buffers meet where they share a section, so what holds in all sections holds at all times.
//
//   buffers    [=======a=======)
//              [==b==)   [===c===)        moments:  {a b} {a} {a c} {a c d} {c d} {d}
//                           [====d====)   sections: {a b} {a c d}
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "plan/buffer.h"

namespace itrt::plan {

struct Member {
  std::size_t buffer = 0;
  std::int64_t size = 0;  // bytes that it occupies in the section

  bool operator==(const Member&) const = default;
};

// Sections [first, last] that a buffer lives in without a gap.
struct Run {
  std::size_t first = 0, last = 0;

  bool operator==(const Run&) const = default;
};

struct Sections {
  std::vector<std::vector<Member>> members;  // one list a section, ascending buffers
  std::vector<std::vector<Run>> runs;        // one list a buffer
};

// None where the lists would have more than `most_members` entries.
std::optional<Sections> find_sections(std::span<const Buffer> buffers, std::size_t most_members);

}  // namespace itrt::plan
