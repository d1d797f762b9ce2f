// The instruction sets that kernels are written for, and which of them this CPU executes.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace itrt {

// Ordered: a CPU that has one has all before it.
enum class Isa { portable, avx2, avx512_vnni };

// "portable", "avx2", "avx512_vnni".
std::string_view isa_name(Isa isa);

// All names in ascending order.
std::span<const std::string_view> isa_names();

// The best instruction set that CPU and operating system support.
Isa detected_isa();

// The instruction set to use: `requested` or else the environment's ITRT_ISA or else the best one.
// Throws InvalidArgument for an unknown name and for one that this CPU lacks.
Isa select_isa(std::optional<std::string_view> requested = std::nullopt);

}  // namespace itrt
