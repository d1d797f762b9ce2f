// The CPU's caches, as far as the system tells.
#pragma once

#include <cstdint>
#include <optional>

namespace itrt {

// Bytes of the first CPU's cache of level 2, as Linux describes it in sysfs; nothing where it does not.
std::optional<std::int64_t> level2_cache_bytes();

}  // namespace itrt
