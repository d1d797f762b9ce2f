#include "kernels/add/add.h"

#include "kernels/select.h"

namespace itrt::kernels {
namespace {

constexpr const AddKernel* rows[] = {
#if defined(ITRT_X86)
    &add_avx512_vnni,
    &add_avx2,
#endif
    &add_portable,
};

}  // namespace

AddElements add_elements(const AddCall& call) {
  std::int32_t start = call.shift > 0 ? 1 << (call.shift - 1) : 0;
  for (const AddInput& input : call.inputs) start -= input.multiplier * input.zero_point;
  return {.inputs = call.inputs.data(),
          .input_count = call.inputs.size(),
          .start = start,
          .shift = call.shift,
          .zero_point = call.output_zero_point,
          .lower = call.clamp_lower,
          .upper = call.clamp_upper,
          .output = call.output};
}

void AddKernel::run(const AddCall& call, std::int64_t first, std::int64_t last) const {
  elements(add_elements(call), first, last);
}

std::span<const AddKernel* const> add_kernels() { return rows; }

const AddKernel& select_add(Isa isa) { return best_of<AddKernel>(rows, isa); }

}  // namespace itrt::kernels
