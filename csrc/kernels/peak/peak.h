// The fastest int8 multiply-accumulate loop of an instruction set, without memory: what kernels are measured against.
//
// It multiplies ones, so the sum of its accumulators is the number of multiply-accumulates that it did: a loop that
// loses some, or that a compiler shortens, shows.
#pragma once

#include <cstdint>
#include <span>

#include "base/isa.h"

namespace itrt::kernels {

struct PeakKernel {
  const char* name;
  Isa isa;
  // Multiply-accumulates done in this many rounds; at most `most_peak_rounds`, else 32-bit sums would overflow.
  std::int64_t (*run)(std::int64_t rounds);
};

inline constexpr std::int64_t most_peak_rounds = std::int64_t{1} << 24;

#if defined(ITRT_X86)
extern const PeakKernel peak_avx2;
extern const PeakKernel peak_avx_vnni;
extern const PeakKernel peak_avx512_vnni;
extern const PeakKernel peak_amx_int8;
#endif

// Best first. There is no portable one: the limit of portable code is the compiler's, not the machine's.
std::span<const PeakKernel* const> peak_kernels();

// The loop of exactly this instruction set, or null: that of a lower one would be no limit.
const PeakKernel* find_peak(Isa isa);

}  // namespace itrt::kernels
