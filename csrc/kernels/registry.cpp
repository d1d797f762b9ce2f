#include "kernels/registry.h"

#include "kernels/add/add.h"
#include "kernels/convolution/convolution.h"
#include "kernels/convolution/convolution_kernel.h"
#include "kernels/convolution/grouped.h"
#include "kernels/convolution/stem_kernel.h"
#include "kernels/labels/labels.h"
#include "kernels/lookup/lookup.h"
#include "kernels/multiply/multiply.h"
#include "kernels/pool/pool.h"
#include "kernels/resize/resize.h"

namespace itrt::kernels {

std::vector<KernelRow> registered_kernels() {
  std::vector<KernelRow> all;
  const auto append = [&](const char* operation, auto rows) {
    for (const auto* row : rows) all.push_back({operation, row->name, row->isa});
  };
  append("add", add_kernels());
  for (const ConvolutionKernel* row : convolution_kernels()) {
    all.push_back({"convolution", row->name, row->isa});
    if (row->stem && row->stem->isa == row->isa) all.push_back({"convolution", row->stem->name, row->isa});
  }
  append("grouped_convolution", grouped_kernels());
  append("labels", labels_kernels());
  append("lookup", lookup_kernels());
  append("multiply", multiply_kernels());
  append("pool", pool_kernels());
  append("resize", resize_kernels());
  return all;
}

}  // namespace itrt::kernels
