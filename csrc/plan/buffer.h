// Buffers with lifetimes, and where they lie. Plain data; knows no network.
//
//   offset
//     ^   +-------+        +--+     a buffer keeps one offset for its whole life; its life is
//     |   |   b   |        |b |     a list of pieces, each with a range of bytes above that
//     |   +---+---+   +----+--+     offset. b has two of equal size (a state around a loop);
//     |       | a     |   | c  |c|  c has two of different sizes (a merged chain that
//     +-------+-------+---+----+-+--> time      shrinks). Between two pieces of b others may
//                                   use its place.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace itrt::plan {

// In time [begin, end) the buffer occupies bytes [offset_of_buffer + offset, offset_of_buffer + offset + size).
struct Piece {
  std::int64_t begin = 0, end = 0;
  std::int64_t offset = 0, size = 0;
};

struct Buffer {
  std::int64_t alignment = 1;  // of the buffer's offset; any positive number
  std::vector<Piece> pieces;   // no two at the same time
};

struct Layout {
  std::vector<std::int64_t> offsets;  // one a buffer
  std::int64_t height = 0;            // bytes of the arena
};

// Whether a piece occupies anything: some time and some bytes.
inline bool is_occupied(const Piece& piece) { return piece.begin < piece.end && piece.size > 0; }

// The bytes from a buffer's offset to the end of its highest piece; 0 where it occupies nothing.
std::int64_t extent(const Buffer& buffer);

// Sums over the pieces. As floating point: products have 124 bits, and only their order matters.
double lifetime(const Buffer& buffer);
double area(const Buffer& buffer);  // bytes times lifetime

// Throws InvalidArgument where a piece ends before it begins, a size or an offset is negative, pieces of one buffer
// meet, an alignment is not positive, or the sum of all extents and alignments passes 2^62: below that, no sum of the
// planner can overflow.
void check_buffers(std::span<const Buffer> buffers);

}  // namespace itrt::plan
