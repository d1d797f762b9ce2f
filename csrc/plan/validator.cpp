#include "plan/validator.h"

namespace itrt::plan {
namespace {

// Written again on purpose: the checker shares no code with the solver.
bool live_together(const Buffer& a, const Buffer& b) {
  for (const Interval& x : a.lifetime) {
    for (const Interval& y : b.lifetime) {
      if (!(x.end <= y.begin || y.end <= x.begin)) return true;
    }
  }
  return false;
}

}  // namespace

std::optional<std::string> find_conflict(std::span<const Buffer> buffers, const Layout& layout) {
  if (layout.offsets.size() != buffers.size()) return "expected one offset a buffer";
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    const std::int64_t begin = layout.offsets[i], end = begin + buffers[i].size;
    const std::string name = "buffer " + std::to_string(i);
    if (begin < 0 || end > layout.height) return name + " lies outside the arena";
    if (begin % buffers[i].alignment != 0) return name + " is not aligned";
    for (std::size_t j = 0; j < i; ++j) {
      const bool apart = end <= layout.offsets[j] || layout.offsets[j] + buffers[j].size <= begin;
      if (!apart && live_together(buffers[i], buffers[j])) return name + " overlaps buffer " + std::to_string(j);
    }
  }
  return std::nullopt;
}

}  // namespace itrt::plan
