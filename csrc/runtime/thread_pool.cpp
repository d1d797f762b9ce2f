#include "runtime/thread_pool.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <system_error>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace itrt {
namespace {

constexpr std::uint64_t closed_bit = 1u << 15;
constexpr std::uint64_t active_mask = closed_bit - 1;
// With fewer, one that loses its CPU for a while holds up all; more cost their borders.
constexpr int chunks_a_thread = 2;
constexpr auto spin_time = std::chrono::microseconds(60);

std::uint64_t generation_of(std::uint64_t gate) { return gate >> 32; }
int threads_of(std::uint64_t gate) { return static_cast<int>(gate >> 16 & 0xFFFF); }

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

// Spin until `done()`, for a bounded time. Says whether it is done.
template <class Done>
bool spin_until(Done done) {
  const auto limit = std::chrono::steady_clock::now() + spin_time;
  do {
    for (int count = 0; count < 32; ++count) {
      if (done()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < limit);
  return done();
}

// Never destroyed: when the process ends, some thread may be in the middle of a job.
ThreadPool*& shared_pool() {
  static ThreadPool* pool = [] {
    // The workers exist in the parent alone: nothing of its pool can be used or freed in the child.
    pthread_atfork(nullptr, nullptr, [] { shared_pool() = new ThreadPool; });
    return new ThreadPool;
  }();
  return pool;
}

}  // namespace

ThreadPool& ThreadPool::shared() { return *shared_pool(); }

ThreadPool::~ThreadPool() {
  stop_.store(true);
  gate_.store((generation_of(gate_.load()) + 1) << 32 | closed_bit);
  gate_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::parallel_for(int threads, std::int64_t count, std::int64_t grain, Body body) {
  if (count <= 0) return;
  threads = static_cast<int>(std::min<std::int64_t>(threads, (count + grain - 1) / grain));
  std::unique_lock owner(owner_, std::defer_lock);
  if (threads <= 1 || !owner.try_lock()) {
    body(0, 0, count);
    return;
  }
  start_workers(threads - 1);
  keep_workers_apart();
  job_.body = &body;
  share_out(count, grain, threads);
  const std::uint64_t generation = generation_of(gate_.load(std::memory_order_relaxed)) + 1;
  gate_.store(generation << 32 | static_cast<std::uint64_t>(threads) << 16, std::memory_order_release);
  gate_.notify_all();

  run_chunks(0);

  gate_.fetch_or(closed_bit, std::memory_order_acq_rel);
  const auto all_left = [&] { return (gate_.load(std::memory_order_acquire) & active_mask) == 0; };
  // The last chunks are on their way; a worker that lost its CPU may take longer, then yield to it.
  while (!spin_until(all_left)) std::this_thread::yield();
}

// No worker is in a job while this one is set up.
void ThreadPool::share_out(std::int64_t count, std::int64_t grain, int threads) {
  if (std::ssize(job_.parts) < threads) job_.parts = std::vector<Part>(static_cast<std::size_t>(threads));
  const std::int64_t grains = (count + grain - 1) / grain, chunks = std::int64_t{threads} * chunks_a_thread;
  job_.threads = threads;
  job_.chunk = (grains + chunks - 1) / chunks * grain;  // rounded up: else a part may end in a tiny one
  std::int64_t first = 0;
  for (int thread = 0; thread < threads; ++thread) {
    Part& part = job_.parts[static_cast<std::size_t>(thread)];
    part.next.store(first, std::memory_order_relaxed);
    first = std::min(grains * (thread + 1) / threads * grain, count);
    part.end = first;
  }
}

void ThreadPool::start_workers(int count) {
  while (static_cast<int>(workers_.size()) < count) {
    const int index = static_cast<int>(workers_.size()) + 1;
    try {
      workers_.emplace_back([this, index] { work(index); });
      avoided_cpu_ = -1;
    } catch (const std::system_error&) {
      return;  // the system gives no more threads: those that exist do the work
    }
  }
}

// Where the caller has moved, workers may run on any CPU that it may run on but its own, if that leaves one. What the
// system refuses stays as it was: it is a matter of speed.
void ThreadPool::keep_workers_apart() {
#if defined(__linux__)
  const int cpu = sched_getcpu();
  if (cpu == avoided_cpu_) return;
  avoided_cpu_ = cpu;
  cpu_set_t allowed;
  if (cpu < 0 || sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  if (CPU_COUNT(&allowed) > 1) CPU_CLR(static_cast<std::size_t>(cpu), &allowed);
  for (std::thread& worker : workers_) pthread_setaffinity_np(worker.native_handle(), sizeof(allowed), &allowed);
#endif
}

void ThreadPool::work(int index) {
  std::uint64_t seen = 0;
  while (true) {
    std::uint64_t gate = 0;
    const auto has_news = [&] {
      gate = gate_.load(std::memory_order_acquire);
      return generation_of(gate) != seen || stop_.load(std::memory_order_relaxed);
    };
    if (!spin_until(has_news)) {
      gate_.wait(gate, std::memory_order_acquire);
      continue;
    }
    if (stop_.load()) return;
    seen = generation_of(gate);
    // Enter unless the job is closed, is over, or wants fewer threads.
    while (generation_of(gate) == seen && (gate & closed_bit) == 0 && index < threads_of(gate)) {
      if (gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acq_rel)) {
        run_chunks(index);
        gate_.fetch_sub(1, std::memory_order_acq_rel);
        break;
      }
    }
  }
}

void ThreadPool::run_chunks(int thread) {
  for (int distance = 0; distance < job_.threads; ++distance) {
    Part& part = job_.parts[static_cast<std::size_t>((thread + distance) % job_.threads)];
    while (true) {
      const std::int64_t first = part.next.fetch_add(job_.chunk, std::memory_order_relaxed);
      if (first >= part.end) break;
      (*job_.body)(thread, first, std::min(first + job_.chunk, part.end));
    }
  }
}

}  // namespace itrt
