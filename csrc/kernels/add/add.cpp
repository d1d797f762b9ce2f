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

void AddKernel::run(const AddCall& call, std::int64_t first, std::int64_t last) const {
  elements({.inputs = call.inputs.data(),
            .input_count = call.inputs.size(),
            .lower = static_cast<float>(call.clamp_lower - call.output_zero_point),
            .upper = static_cast<float>(call.clamp_upper - call.output_zero_point),
            .zero_point = call.output_zero_point,
            .output = call.output},
           first, last);
}

std::span<const AddKernel* const> add_kernels() { return rows; }

const AddKernel& select_add(Isa isa) { return best_of<AddKernel>(rows, isa); }

}  // namespace itrt::kernels
