#include "runtime/cpu_cache.h"

#include <fstream>
#include <string>

namespace itrt {
namespace {

constexpr int most_caches = 16;

// "1024K", "2M" or "512".
std::optional<std::int64_t> read_bytes(const std::string& path) {
  std::ifstream file(path);
  std::int64_t size = 0;
  if (!(file >> size) || size < 1 || size > (std::int64_t{1} << 40)) return std::nullopt;
  char unit = '\0';
  file >> unit;
  return unit == 'K' ? size << 10 : unit == 'M' ? size << 20 : size;
}

}  // namespace

std::optional<std::int64_t> level2_cache_bytes() {
  for (int index = 0; index < most_caches; ++index) {
    const std::string directory = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index);
    int level = 0;
    if (std::ifstream(directory + "/level") >> level && level == 2) return read_bytes(directory + "/size");
  }
  return std::nullopt;
}

}  // namespace itrt
