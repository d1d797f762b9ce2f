#include "base/isa.h"

#include <array>
#include <cstdlib>

#include "base/errors.h"

namespace itrt {
namespace {

constexpr std::array<std::string_view, 3> names = {"portable", "avx2", "avx512_vnni"};

Isa detect() {
#if defined(__x86_64__)
  __builtin_cpu_init();  // asks CPUID and XGETBV: a register set that the operating system does not save is not there
  if (!__builtin_cpu_supports("avx2")) return Isa::portable;
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512vnni");
  return avx512 ? Isa::avx512_vnni : Isa::avx2;
#else
  return Isa::portable;
#endif
}

std::string joined_names(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += (i ? ", " : "") + std::string(names[i]);
  return text;
}

}  // namespace

std::string_view isa_name(Isa isa) { return names[static_cast<std::size_t>(isa)]; }

std::span<const std::string_view> isa_names() { return names; }

Isa detected_isa() {
  static const Isa isa = detect();
  return isa;
}

Isa select_isa(std::optional<std::string_view> requested) {
  std::string source = "isa";
  if (!requested) {
    const char* environment = std::getenv("ITRT_ISA");
    if (!environment || !*environment) return detected_isa();
    requested = environment;
    source = "ITRT_ISA";
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] != *requested) continue;
    const Isa isa = static_cast<Isa>(i);
    if (isa > detected_isa()) {
      throw InvalidArgument(source + ": expected an instruction set that this CPU has (" +
                            joined_names(static_cast<std::size_t>(detected_isa()) + 1) + "), found '" +
                            std::string(*requested) + "'");
    }
    return isa;
  }
  throw InvalidArgument(source + ": expected one of " + joined_names(names.size()) + ", found '" +
                        std::string(*requested) + "'");
}

}  // namespace itrt
