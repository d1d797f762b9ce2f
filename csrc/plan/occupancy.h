// The bytes that placed buffers occupy, by time: which offsets are free for the whole life of one more?
//
// A tree over the times at which pieces begin or end. A piece is kept at the O(log n) nodes that together are its life,
// and, merged with everything else below, at the nodes above these:
//
//              [      0 .. 8      ]             below: what some time of the node holds
//         [  0 .. 4  ]      [  4 .. 8  ]        whole: what all of it holds
//       [0..2]    [2..4]  [4..6]    [6..8]
//
// A question for a life reads `whole` of the nodes above its own, and both of its own. Neighbouring ranges are merged,
// so stacks of many thousand buffers are one range. A node with very many gaps forgets the smaller half of them, as if
// they were occupied: time and memory stay near linear in the number of pieces, and what is free is still free.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "plan/buffer.h"

namespace itrt::plan {

class Occupancy {
 public:
  explicit Occupancy(std::span<const Buffer> buffers);

  // The lowest aligned offset, at least `floor`, at which the buffer meets nothing that was placed, and no gap that was
  // forgotten.
  std::int64_t lowest_free(const Buffer& buffer, std::int64_t floor = 0);

  void place(const Buffer& buffer, std::int64_t offset);

 private:
  struct Range {
    std::int64_t begin, end;
  };
  using Ranges = std::vector<Range>;  // apart, ascending
  // Where a piece's question is in one list.
  struct Cursor {
    const Piece* piece;
    const Range *next, *last;

    // The lowest aligned offset of the piece's buffer, at least `offset`, at which the piece meets none of the list.
    std::int64_t lowest_free(std::int64_t offset, std::int64_t alignment);
    void advance(std::int64_t byte);
  };

  static void close_small_gaps(Ranges& ranges);
  static void insert(Ranges& ranges, Range range);
  template <class Function>
  void visit(std::size_t node, std::size_t begin, std::size_t end, std::size_t from, std::size_t to, Function function);
  std::size_t index_of(std::int64_t time) const;

  std::vector<std::int64_t> times_;
  std::vector<Ranges> whole_, below_;  // one a node
  std::vector<Cursor> cursors_;        // kept for their memory
};

}  // namespace itrt::plan
