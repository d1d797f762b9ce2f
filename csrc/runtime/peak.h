// The machine's int8 speed, measured now: other processes and the clock change it from second to second.
#pragma once

#include <optional>

#include "base/isa.h"

namespace itrt {

// Multiply-accumulates a second of an instruction set's fastest loop on `threads` threads: the best of several bursts
// of about a millisecond. Nothing where the instruction set has no such loop.
std::optional<double> measure_peak(Isa isa, int threads);

}  // namespace itrt
