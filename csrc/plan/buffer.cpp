#include "plan/buffer.h"

#include <algorithm>
#include <string>

#include "base/checked.h"
#include "base/errors.h"

namespace itrt::plan {
namespace {

constexpr std::int64_t largest_sum = std::int64_t{1} << 62;

[[noreturn]] void fail(std::size_t buffer, const std::string& field, const std::string& expected,
                       const std::string& found) {
  throw InvalidArgument("buffer " + std::to_string(buffer) + ": " + field + ": expected " + expected + ", found " +
                        found);
}

void check_piece(std::size_t index, const Piece& piece) {
  if (piece.end < piece.begin) {
    fail(index, "lifetime", "an end at or after the beginning " + std::to_string(piece.begin),
         std::to_string(piece.end));
  }
  if (piece.size < 0) fail(index, "size", "0 or more", std::to_string(piece.size));
  if (piece.offset < 0) fail(index, "offset of a piece", "0 or more", std::to_string(piece.offset));
  if (!checked_add(piece.offset, piece.size)) {
    fail(index, "end of a piece", "at most 2^62", std::to_string(piece.offset) + " + " + std::to_string(piece.size));
  }
}

void check_pieces_apart(std::size_t index, std::vector<Piece> pieces) {
  std::erase_if(pieces, [](const Piece& piece) { return !is_occupied(piece); });
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.begin < b.begin; });
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    if (pieces[i].begin < pieces[i - 1].end) {
      fail(index, "pieces", "one at a time", "two at " + std::to_string(pieces[i].begin));
    }
  }
}

}  // namespace

std::int64_t extent(const Buffer& buffer) {
  std::int64_t result = 0;
  for (const Piece& piece : buffer.pieces) {
    if (is_occupied(piece)) result = std::max(result, piece.offset + piece.size);
  }
  return result;
}

double lifetime(const Buffer& buffer) {
  double sum = 0;
  for (const Piece& piece : buffer.pieces) sum += static_cast<double>(piece.end) - static_cast<double>(piece.begin);
  return sum;
}

double area(const Buffer& buffer) {
  double sum = 0;
  for (const Piece& piece : buffer.pieces) {
    sum += (static_cast<double>(piece.end) - static_cast<double>(piece.begin)) * static_cast<double>(piece.size);
  }
  return sum;
}

void check_buffers(std::span<const Buffer> buffers) {
  std::int64_t sum = 0;
  for (std::size_t index = 0; index < buffers.size(); ++index) {
    const Buffer& buffer = buffers[index];
    if (buffer.alignment < 1) fail(index, "alignment", "1 or more", std::to_string(buffer.alignment));
    for (const Piece& piece : buffer.pieces) check_piece(index, piece);
    check_pieces_apart(index, buffer.pieces);
    for (const std::int64_t part : {extent(buffer), buffer.alignment}) {
      const auto next = checked_add(sum, part);
      if (!next || *next > largest_sum) {
        fail(index, "size", "a sum of all sizes and alignments of at most 2^62", "more");
      }
      sum = *next;
    }
  }
}

}  // namespace itrt::plan
