// An instance as the searches see it: sections, who meets whom and how far apart, what is equal. Computed once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "plan/buffer.h"
#include "plan/sections.h"

namespace itrt::plan {

struct Neighbor {
  std::size_t buffer = 0;
  // How far apart the offsets are at least, with the neighbor above, and below.
  std::int64_t above = 0, below = 0;
};

// A piece above its buffer's offset is taken as if it began there: what fits this problem fits the buffers, but the
// converse holds only where all pieces begin at their buffer's offset.
struct Problem {
  std::vector<std::int64_t> extents, alignments;
  std::vector<std::size_t> twins;  // the first buffer with equal pieces and alignment
  std::vector<char> is_rectangle;  // the buffer has one piece
  // Of all alignments. Offsets are multiples of it, so sizes in sections are rounded up to it, and so is a capacity
  // that sums of these are compared with. Extents are not rounded: the uppermost buffer may end anywhere.
  std::int64_t divisor = 1;
  Sections sections;
  struct Place {
    std::size_t section = 0;
    std::int64_t size = 0;
  };
  std::vector<std::vector<Place>> places;  // one list a buffer: the sections that it is a member of
  std::vector<std::vector<Neighbor>> neighbors;

  std::size_t buffers() const { return extents.size(); }
};

Problem describe(std::span<const Buffer> buffers, Sections sections);

}  // namespace itrt::plan
