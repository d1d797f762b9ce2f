// Tensors that share a buffer: which, and where in it each of them lies.
//
//   bytes                  b is written over a, which begins a lead above b's first byte: an
//     ^  +---+- - -+       addition with a lead of 0, a convolution some rows behind what it
//     |  | a |  a  |----+  still reads. While b is written the buffer holds both:
//     |  |   |.....|    |
//     |  +---+  b  | b  |     pieces   a's bytes     [lead, lead + size of a)
//     |      |     |    |              both          [0, the higher end)
//     +------+-----+----+--> time      b's bytes     [0, size of b)
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "plan/buffer.h"

namespace itrt::plan {

// Half open: [begin, end).
struct Interval {
  std::int64_t begin = 0, end = 0;
};

using Lifetime = std::vector<Interval>;

// The operator of this time may write `to` over `from`, which begins `lead` bytes above it, if nothing else wants
// `from` then or later.
struct Overwrite {
  std::int64_t time = 0;
  std::size_t from = 0, to = 0;
  std::int64_t lead = 0;
};

class Sharing {
 public:
  // One lifetime and size a tensor; what lives until `end` may live on.
  Sharing(std::vector<Lifetime> lifetimes, std::vector<std::int64_t> bytes, std::vector<Overwrite> overwrites,
          std::int64_t end);

  // One buffer for the tensors of both tensors' buffers, `a` at `lead` bytes above `b`, if nothing is there at the same
  // time at the same place; false where they stay apart.
  bool join(std::size_t a, std::size_t b, std::int64_t lead);

  const std::vector<std::size_t>& buffer_of_tensor() const { return buffer_of_; }
  std::vector<std::int64_t> starts() const;

  // One a tensor; those whose tensor lies in another one's have no pieces.
  std::vector<Buffer> buffers(std::int64_t alignment) const;

 private:
  bool are_apart(std::size_t a, std::size_t b, std::int64_t lead) const;
  bool is_overwritten(std::size_t from, const Interval& dies, std::size_t to, const Interval& begins,
                      std::int64_t lead) const;
  std::int64_t lowest(std::size_t buffer) const;
  std::optional<Interval> span(std::size_t buffer, const Interval& time) const;
  std::vector<Piece> pieces(std::size_t buffer) const;

  std::vector<Lifetime> lifetimes_;
  std::vector<std::int64_t> bytes_;
  std::vector<Overwrite> overwrites_;
  std::int64_t end_;
  std::vector<std::size_t> buffer_of_;
  std::vector<std::int64_t> places_;  // of tensors in one buffer, relative to one another
};

}  // namespace itrt::plan
