// The instruction sets that kernels are written for, and which of them this CPU executes.
//
//   portable ◄── avx2 ◄──┬── avx_vnni                      An arrow: a kernel for the one runs wherever the other is
//            │           └── avx512_vnni ◄── amx_int8      chosen. Neither VNNI has the other: there are CPUs with each
//            └── neon_dot ◄── neon_i8mm                    alone.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace itrt {

// Where a CPU has several, a later one is better.
enum class Isa { portable, avx2, avx_vnni, avx512_vnni, amx_int8, neon_dot, neon_i8mm };

// "portable", "avx2", ...: as the enumerator is called.
std::string_view isa_name(Isa isa);

// All names in the order of the enumerators.
std::span<const std::string_view> isa_names();

// Whether a kernel for `needed` may run where `chosen` was chosen: it is that one or one that it extends.
bool includes(Isa chosen, Isa needed);

// What CPU and operating system support, the best last.
std::span<const Isa> detected_isas();

bool is_detected(Isa isa);

// The best of them.
Isa detected_isa();

// The instruction set to use: `requested` or else the environment's ITRT_ISA or else the best one.
// Throws InvalidArgument for an unknown name and for one that this CPU lacks.
Isa select_isa(std::optional<std::string_view> requested = std::nullopt);

}  // namespace itrt
