// A table an activation: out = table[channel][q], or one table for all channels.
#pragma once

#include <cstdint>
#include <span>

#include "base/isa.h"

namespace itrt::kernels {

inline constexpr std::int64_t lookup_table_size = 256;

// The output may lie where the input lies: every element is read before it is written.
struct LookupCall {
  const std::uint8_t* input = nullptr;
  std::int64_t channels = 0;
  const std::uint8_t* tables = nullptr;  // (1 or channels, 256)
  bool one_table = true;
  std::uint8_t* output = nullptr;
};

struct LookupKernel {
  const char* name;
  Isa isa;
  // Tables of their own are read a byte at a time by all kernels.
  void (*one_table)(const std::uint8_t* table, const std::uint8_t* input, std::int64_t count, std::uint8_t* output);

  void run(const LookupCall& call, std::int64_t first, std::int64_t last) const;  // pixels [first, last)
};

extern const LookupKernel lookup_portable;
#if defined(ITRT_X86)
extern const LookupKernel lookup_avx2;
extern const LookupKernel lookup_avx512_vnni;
#endif

std::span<const LookupKernel* const> lookup_kernels();  // best first
const LookupKernel& select_lookup(Isa isa);

}  // namespace itrt::kernels
