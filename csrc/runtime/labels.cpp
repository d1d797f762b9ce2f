#include "runtime/labels.h"

#include <cstring>

#include "base/aligned_buffer.h"
#include "base/checked.h"
#include "kernels/convolution/convolution.h"
#include "kernels/labels/labels.h"
#include "runtime/thread_pool.h"

namespace itrt {

void compute_labels(std::span<const std::uint8_t> logits, model::Size from, std::int64_t classes, model::Size to,
                    Isa isa, int threads, void* labels) {
  constexpr auto alignment = static_cast<std::int64_t>(cache_line);
  const kernels::LabelsKernel& kernel = kernels::select_labels(isa);
  const std::int64_t pixels = from.height * from.width;
  const auto padded = static_cast<std::int64_t>(logits.size() + kernels::input_slack);
  const std::int64_t argmax_at = round_up(padded, alignment);
  const std::int64_t scratch_at =
      round_up(argmax_at + pixels * static_cast<std::int64_t>(sizeof(std::uint16_t)), alignment);
  const std::int64_t scratch_bytes =
      round_up(static_cast<std::int64_t>(kernels::labels_scratch_bytes(to.width, classes)), alignment);
  AlignedBuffer memory(static_cast<std::size_t>(scratch_at + scratch_bytes * threads));
  std::memcpy(memory.data(), logits.data(), logits.size());

  kernels::LabelsCall call;
  call.logits = memory.as<std::uint8_t>();
  call.logits_height = from.height;
  call.logits_width = from.width;
  call.classes = classes;
  call.argmax = reinterpret_cast<std::uint16_t*>(memory.data() + argmax_at);
  call.labels = labels;
  call.height = to.height;
  call.width = to.width;
  constexpr std::int64_t argmax_grain = 512, row_grain = 4;
  ThreadPool& pool = ThreadPool::shared();
  pool.parallel_for(threads, pixels, argmax_grain,
                    [&](int, std::int64_t first, std::int64_t last) { kernel.argmax(call, first, last); });
  pool.parallel_for(threads, to.height, row_grain, [&](int thread, std::int64_t first, std::int64_t last) {
    kernels::LabelsCall mine = call;
    mine.scratch = memory.data() + scratch_at + scratch_bytes * thread;
    kernel.run(mine, first, last);
  });
}

}  // namespace itrt
