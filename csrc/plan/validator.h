// Checks a layout without knowing how it was found.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "plan/buffer.h"

namespace itrt::plan {

// What is wrong with the layout; none if every buffer is aligned, and every piece inside the arena and apart from all
// that live with it. Compares all pairs.
std::optional<std::string> find_conflict(std::span<const Buffer> buffers, const Layout& layout);

}  // namespace itrt::plan
