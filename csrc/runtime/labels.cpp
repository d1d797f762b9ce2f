#include "runtime/labels.h"

#include "base/aligned_buffer.h"
#include "kernels/labels/labels.h"
#include "runtime/thread_pool.h"

namespace itrt {

void compute_labels(std::span<const std::uint8_t> logits, model::Size from, std::int64_t classes, model::Size to,
                    Isa isa, int threads, void* labels) {
  const kernels::LabelsKernel& kernel = kernels::select_labels(isa);
  const kernels::LabelsAxis rows(from.height, to.height), columns(from.width, to.width);
  const std::int64_t pixels = from.height * from.width;
  AlignedBuffer argmax(static_cast<std::size_t>(pixels) * kernels::label_bytes(classes));
  const kernels::LabelsCall call = {.logits = logits.data(),
                                    .classes = classes,
                                    .rows = &rows,
                                    .columns = &columns,
                                    .argmax = argmax.data(),
                                    .labels = labels};
  constexpr std::int64_t argmax_grain = 512, row_grain = 4;
  ThreadPool& pool = ThreadPool::shared();
  pool.parallel_for(threads, pixels, argmax_grain,
                    [&](int, std::int64_t first, std::int64_t last) { kernel.argmax(call, first, last); });
  pool.parallel_for(threads, to.height, row_grain,
                    [&](int, std::int64_t first, std::int64_t last) { kernel.run(call, first, last); });
}

}  // namespace itrt
