#include "plan/validator.h"

namespace itrt::plan {
namespace {

// Written again on purpose: the checker shares no code with the solver.
bool is_nothing(const Piece& piece) { return piece.size == 0 || piece.begin >= piece.end; }

bool collide(const Piece& a, std::int64_t base_of_a, const Piece& b, std::int64_t base_of_b) {
  if (is_nothing(a) || is_nothing(b) || a.end <= b.begin || b.end <= a.begin) return false;
  const std::int64_t low_a = base_of_a + a.offset, low_b = base_of_b + b.offset;
  return !(low_a + a.size <= low_b || low_b + b.size <= low_a);
}

bool collide(const Buffer& a, std::int64_t base_of_a, const Buffer& b, std::int64_t base_of_b) {
  for (const Piece& x : a.pieces) {
    for (const Piece& y : b.pieces) {
      if (collide(x, base_of_a, y, base_of_b)) return true;
    }
  }
  return false;
}

}  // namespace

std::optional<std::string> find_conflict(std::span<const Buffer> buffers, const Layout& layout) {
  if (layout.offsets.size() != buffers.size()) return "expected one offset a buffer";
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    const std::int64_t base = layout.offsets[i];
    const std::string name = "buffer " + std::to_string(i);
    if (base < 0) return name + " lies outside the arena";
    for (const Piece& piece : buffers[i].pieces) {
      if (!is_nothing(piece) && base + piece.offset + piece.size > layout.height) {
        return name + " lies outside the arena";
      }
    }
    if (base % buffers[i].alignment != 0) return name + " is not aligned";
    for (std::size_t j = 0; j < i; ++j) {
      if (collide(buffers[i], base, buffers[j], layout.offsets[j])) {
        return name + " overlaps buffer " + std::to_string(j);
      }
    }
  }
  return std::nullopt;
}

}  // namespace itrt::plan
