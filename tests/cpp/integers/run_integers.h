// The portable runtime that has general registers alone (CMakeLists.txt).
#pragma once

#include <cstdint>

struct IntegersRun {
  const std::uint8_t* file;  // a model file
  std::int64_t file_bytes;
  const std::uint8_t* image;  // (height, width, 3)
  std::int64_t height, width;
  std::int64_t iterations;
  int threads;
  std::uint8_t* logits;  // those of the last iteration
  std::uint8_t* labels;  // (height, width)
};

// False where the file is not one that runs on the image.
extern "C" [[gnu::visibility("default")]] bool itrt_run_integers(const IntegersRun* run);
