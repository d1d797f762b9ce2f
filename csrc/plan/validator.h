// Checks a layout without knowing how it was found.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "plan/solver.h"

namespace itrt::plan {

// What is wrong with the layout; none if every buffer is aligned, inside the arena and apart from all that live with
// it.
std::optional<std::string> find_conflict(std::span<const Buffer> buffers, const Layout& layout);

}  // namespace itrt::plan
