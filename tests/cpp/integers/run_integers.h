// The portable runtime that has general registers alone (CMakeLists.txt).
#pragma once

#include <cstdint>

struct IntegersRun {
  const std::uint8_t* file = nullptr;  // a model file
  std::int64_t file_bytes = 0;
  const std::uint8_t* image = nullptr;  // (height, width, 3)
  std::int64_t height = 0, width = 0;
  std::int64_t iterations = 0;
  int threads = 1;
  std::uint8_t* logits = nullptr;  // those of the last iteration
  std::uint8_t* labels = nullptr;  // (height, width)
};

// False where the file is not one that runs on the image.
extern "C" [[gnu::visibility("default")]] bool itrt_run_integers(const IntegersRun* run);
