// Memory that will be read or written soon is asked for in time: hardware does so within a page, and not for rows.
#pragma once

#include <cstdint>

namespace itrt {

// Bytes [begin, begin + size); no access, so they need not exist.
inline void prefetch(const void* begin, std::int64_t size) {
  constexpr std::int64_t line = 64;
  const char* const bytes = static_cast<const char*>(begin);
  for (std::int64_t offset = 0; offset < size; offset += line) __builtin_prefetch(bytes + offset);
}

}  // namespace itrt
