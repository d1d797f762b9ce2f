// The process's one fork-join pool.
//
// A job is a range, and every thread has a part of it, the same part of every job: what a thread reads it has mostly
// written itself, into its own cache. It consumes its part in chunks, and then the chunks that others have left.
//
//   thread 0  ▒▒▒▒ ────────►          thread 1  ▒▒▒▒ ────────►
//   [ chunk ][ chunk ][ chunk ][ .. ] [ chunk ][ chunk ][ .. ]
//
// Workers that are late are not waited for: when the caller finds the range empty it closes the gate, and waits only
// for those that came in before. Idle workers spin for a few microseconds, since in a network the next job is near,
// and then sleep in the kernel.
//
// Workers stay off the caller's CPU. A scheduler may wake one there although others are idle, and takes tens of
// milliseconds to see it: all of a frame.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "base/function_ref.h"

namespace itrt {

class ThreadPool {
 public:
  // body(thread, first, last): `thread` is below the job's `threads` and distinct among those that run at the same
  // time.
  using Body = FunctionRef<void(int thread, std::int64_t first, std::int64_t last)>;

  // The one pool. After a fork the child has a new one: threads do not survive a fork.
  static ThreadPool& shared();

  ThreadPool() = default;
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Run `body` over [0, count) in chunks that begin at multiples of `grain`, with up to `threads` threads, the caller
  // among them. Where another caller has the pool at the moment, the caller does it all alone. `body` must not throw.
  void parallel_for(int threads, std::int64_t count, std::int64_t grain, Body body);

 private:
  struct alignas(64) Part {
    std::atomic<std::int64_t> next{0};
    std::int64_t end = 0;
  };
  struct Job {
    const Body* body = nullptr;
    std::int64_t chunk = 1;
    int threads = 0;
    std::vector<Part> parts;  // as many as the largest job had threads
  };

  void start_workers(int count);
  void keep_workers_apart();
  void work(int index);
  void share_out(std::int64_t count, std::int64_t grain, int threads);
  void run_chunks(int thread);

  std::mutex owner_;  // held by the caller that has the pool
  std::vector<std::thread> workers_;
  int avoided_cpu_ = -1;  // the caller's, off which the workers are
  Job job_;
  // generation << 32 | threads << 16 | closed << 15 | active workers
  alignas(64) std::atomic<std::uint64_t> gate_{0};
  std::atomic<bool> stop_{false};
};

}  // namespace itrt
