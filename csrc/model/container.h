// The safetensors container of a model file (docs/format.md): bounds, layout and checksum are checked here.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace itrt::model {

struct Blob {
  std::string dtype;  // "I8", "I32" or "F32"
  std::vector<std::int64_t> shape;
  std::span<const std::uint8_t> bytes;  // as many as dtype and shape say
};

struct Container {
  std::string program;  // JSON
  std::map<std::string, Blob> blobs;
};

// The spans point into `file`. Throws ModelFileError.
Container read_container(std::span<const std::uint8_t> file);

}  // namespace itrt::model
