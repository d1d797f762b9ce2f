#include "kernels/peak/peak.h"

#include <initializer_list>

namespace itrt::kernels {
namespace {

constexpr std::initializer_list<const PeakKernel*> rows = {
#if defined(ITRT_X86)
    &peak_amx_int8,
    &peak_avx512_vnni,
    &peak_avx_vnni,
    &peak_avx2,
#endif
};

}  // namespace

std::span<const PeakKernel* const> peak_kernels() { return {rows.begin(), rows.size()}; }

const PeakKernel* find_peak(Isa isa) {
  for (const PeakKernel* row : peak_kernels()) {
    if (row->isa == isa) return row;
  }
  return nullptr;
}

}  // namespace itrt::kernels
