#include "base/isa.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "base/errors.h"

namespace itrt {
namespace {

constexpr std::array<std::string_view, 7> names = {"portable", "avx2",     "avx_vnni", "avx512_vnni",
                                                   "amx_int8", "neon_dot", "neon_i8mm"};

// The instruction set that `isa` adds instructions to; portable's is itself.
Isa extended_by(Isa isa) {
  switch (isa) {
    case Isa::avx_vnni:
    case Isa::avx512_vnni:
      return Isa::avx2;
    case Isa::amx_int8:
      return Isa::avx512_vnni;
    case Isa::neon_i8mm:
      return Isa::neon_dot;
    default:
      return Isa::portable;
  }
}

#if defined(__x86_64__)
// The compiler's function asks CPUID and XGETBV: a register set that the operating system does not save is not there.
bool has_avx2() { return __builtin_cpu_supports("avx2"); }

bool has_avx512_vnni() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
}

// gcc 12's function does not know this one. Its registers are those of avx2.
bool has_avx_vnni() {
  constexpr unsigned features = 7, second_page = 1, avx_vnni = 1u << 4;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(features, second_page, &eax, &ebx, &ecx, &edx) && (eax & avx_vnni);
}

// Tiles are 8 KB more for every thread that the operating system must save: Linux wants to be asked once a process, and
// may refuse, as where a signal's stack is too small for them.
bool has_amx_int8() {
  constexpr unsigned features = 7, first_page = 0, amx_tile = 1u << 24, amx_int8 = 1u << 25;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__get_cpuid_count(features, first_page, &eax, &ebx, &ecx, &edx)) return false;
  if (!(edx & amx_tile) || !(edx & amx_int8)) return false;
#if defined(__linux__)
  constexpr long request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
  return false;
#endif
}
#endif

// Whether the CPU has what `isa` adds to the one that it extends.
bool has_addition(Isa isa) {
  switch (isa) {
    case Isa::portable:
      return true;
#if defined(__x86_64__)
    case Isa::avx2:
      return has_avx2();
    case Isa::avx_vnni:
      return has_avx_vnni();
    case Isa::avx512_vnni:
      return has_avx512_vnni();
    case Isa::amx_int8:
      return has_amx_int8();
#elif defined(__aarch64__)
    case Isa::neon_dot:
      return getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
    case Isa::neon_i8mm:
      return getauxval(AT_HWCAP2) & HWCAP2_I8MM;
#endif
    default:
      return false;
  }
}

std::vector<Isa> detect() {
#if defined(__x86_64__)
  __builtin_cpu_init();
#endif
  std::vector<Isa> found;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Isa isa = static_cast<Isa>(i), extended = extended_by(isa);
    const bool has_extended = extended == isa || std::ranges::find(found, extended) != found.end();
    if (has_extended && has_addition(isa)) found.push_back(isa);
  }
  return found;
}

template <class List, class NameOf>
std::string joined_names(const List& list, const NameOf& name_of) {
  std::string text;
  for (const auto& entry : list) text += (text.empty() ? "" : ", ") + std::string(name_of(entry));
  return text;
}

}  // namespace

std::string_view isa_name(Isa isa) { return names[static_cast<std::size_t>(isa)]; }

std::span<const std::string_view> isa_names() { return names; }

bool includes(Isa chosen, Isa needed) {
  while (chosen != needed && chosen != Isa::portable) chosen = extended_by(chosen);
  return chosen == needed;
}

std::span<const Isa> detected_isas() {
  static const std::vector<Isa> isas = detect();
  return isas;
}

bool is_detected(Isa isa) { return std::ranges::find(detected_isas(), isa) != detected_isas().end(); }

Isa detected_isa() { return detected_isas().back(); }

Isa select_isa(std::optional<std::string_view> requested) {
  std::string source = "isa";
  if (!requested) {
    const char* environment = std::getenv("ITRT_ISA");
    if (!environment || !*environment) return detected_isa();
    requested = environment;
    source = "ITRT_ISA";
  }
  const std::string found = ", found '" + std::string(*requested) + "'";
  const auto name = std::ranges::find(names, *requested);
  if (name == names.end()) {
    throw InvalidArgument(source + ": expected one of " + joined_names(names, std::identity()) + found);
  }
  const Isa isa = static_cast<Isa>(name - names.begin());
  if (!is_detected(isa)) {
    throw InvalidArgument(source + ": expected an instruction set that this CPU has (" +
                          joined_names(detected_isas(), isa_name) + ")" + found);
  }
  return isa;
}

}  // namespace itrt
