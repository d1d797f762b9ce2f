#include "runtime/peak.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "kernels/peak/peak.h"
#include "runtime/thread_pool.h"

namespace itrt {
namespace {

constexpr int bursts = 12;
constexpr double burst_seconds = 1e-3;
constexpr std::int64_t pieces_a_thread = 8;  // a thread that wakes late leaves some to the others

struct Burst {
  double seconds = 0;
  std::int64_t multiply_accumulates = 0;
};

// Every thread does `pieces_a_thread` times `rounds`.
Burst run_burst(const kernels::PeakKernel& kernel, int threads, std::int64_t rounds) {
  using Clock = std::chrono::steady_clock;
  std::atomic<std::int64_t> done{0};
  const Clock::time_point start = Clock::now();
  ThreadPool::shared().parallel_for(threads, threads * pieces_a_thread, 1,
                                    [&](int, std::int64_t first, std::int64_t last) {
                                      for (; first < last; ++first) done += kernel.run(rounds);
                                    });
  return {std::chrono::duration<double>(Clock::now() - start).count(), done};
}

}  // namespace

std::optional<double> measure_peak(Isa isa, int threads) {
  const kernels::PeakKernel* kernel = kernels::find_peak(isa);
  if (!kernel) return std::nullopt;
  std::int64_t rounds = 64;
  while (rounds < kernels::most_peak_rounds && run_burst(*kernel, threads, rounds).seconds < burst_seconds) rounds *= 2;
  double best = 0;
  for (int i = 0; i < bursts; ++i) {
    const Burst burst = run_burst(*kernel, threads, rounds);
    best = std::max(best, static_cast<double>(burst.multiply_accumulates) / burst.seconds);
  }
  return best;
}

}  // namespace itrt
