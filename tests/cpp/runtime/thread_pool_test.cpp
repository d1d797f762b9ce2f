#include "runtime/thread_pool.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

namespace itrt {
namespace {

using Counts = std::vector<std::atomic<int>>;

void count_visits(ThreadPool& pool, int threads, std::int64_t grain, Counts& counts) {
  pool.parallel_for(threads, static_cast<std::int64_t>(counts.size()), grain,
                    [&](int, std::int64_t first, std::int64_t last) {
                      for (std::int64_t i = first; i < last; ++i) ++counts[static_cast<std::size_t>(i)];
                    });
}

// How many indices were not visited exactly `times` times.
std::size_t wrong(const Counts& counts, int times) {
  std::size_t result = 0;
  for (const std::atomic<int>& count : counts) result += count != times;
  return result;
}

int threads_of_this_process() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) count += !entry.path().empty();
  return count;
}

TEST(ThreadPool, VisitsEveryIndexOnce) {
  ThreadPool pool;
  for (const int threads : {1, 2, 3, 5, 8}) {
    for (const std::size_t count : {1, 2, 7, 48, 49, 1000, 4097}) {
      for (const std::int64_t grain : {1, 3, 48, 4096}) {
        Counts counts(count);
        for (int repetition = 0; repetition < 5; ++repetition) count_visits(pool, threads, grain, counts);
        ASSERT_EQ(wrong(counts, 5), 0u) << threads << " threads, " << count << " indices, grain " << grain;
      }
    }
  }
}

TEST(ThreadPool, DoesNothingForNothing) {
  ThreadPool pool;
  int calls = 0;
  for (const std::int64_t count : {0, -1})
    pool.parallel_for(4, count, 1, [&](int, std::int64_t, std::int64_t) { ++calls; });
  EXPECT_EQ(calls, 0);
}

TEST(ThreadPool, ChunksBeginAtMultiplesOfTheGrain) {
  ThreadPool pool;
  for (const std::int64_t grain : {1, 7, 48}) {
    std::atomic<int> misplaced = 0;
    for (const int threads : {1, 2, 4}) {
      pool.parallel_for(threads, 1001, grain, [&](int, std::int64_t first, std::int64_t last) {
        if (first % grain != 0 || first >= last || (last % grain != 0 && last != 1001)) ++misplaced;
      });
    }
    EXPECT_EQ(misplaced, 0);
  }
}

TEST(ThreadPool, NumbersOfThreadsAreDistinctAndBelowTheirCount) {
  ThreadPool pool;
  for (const int threads : {1, 2, 3, 6}) {
    std::vector<std::atomic<int>> inside(static_cast<std::size_t>(threads));
    std::atomic<int> mistakes = 0;
    for (int repetition = 0; repetition < 200; ++repetition) {
      pool.parallel_for(threads, 64, 1, [&](int thread, std::int64_t, std::int64_t) {
        if (thread < 0 || thread >= threads) {
          ++mistakes;
          return;
        }
        std::atomic<int>& mine = inside[static_cast<std::size_t>(thread)];
        if (mine.fetch_add(1) != 0) ++mistakes;  // scratch memory would be shared
        mine.fetch_sub(1);
      });
    }
    EXPECT_EQ(mistakes, 0);
  }
}

// Each of two chunks waits for the other one to begin: the caller alone would not come back.
void meet_a_worker(ThreadPool& pool) {
  std::atomic<int> begun = 0;
  pool.parallel_for(2, 2, 1, [&](int, std::int64_t, std::int64_t) {
    ++begun;
    while (begun < 2) std::this_thread::yield();
  });
}

TEST(ThreadPool, WorkersTakePart) {
  ThreadPool pool;
  for (int repetition = 0; repetition < 20; ++repetition) meet_a_worker(pool);
}

// Every thread begins where it began in the job before: with the first indices of its own part.
TEST(ThreadPool, ThreadsBeginWithTheirOwnParts) {
  ThreadPool pool;
  constexpr int threads = 3;
  for (int repetition = 0; repetition < 20; ++repetition) {
    std::atomic<int> begun = 0, misplaced = 0;
    pool.parallel_for(threads, 120, 4, [&](int thread, std::int64_t first, std::int64_t) {
      if (++begun <= threads) misplaced += first != thread * 40;
      while (begun < threads) std::this_thread::yield();
    });
    EXPECT_EQ(misplaced, 0);
  }
}

// The caller is bound to each CPU in turn, by a mask of its own: its workers follow it, and stay off its CPU where it
// may run on others.
TEST(ThreadPool, WorkersStayOffTheCallersCpu) {
  cpu_set_t all;
  ASSERT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
  if (CPU_COUNT(&all) < 2) GTEST_SKIP() << "one CPU";
  ThreadPool pool;
  std::atomic<int> visits = 0, wrong = 0;
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &all)) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    ASSERT_EQ(sched_setaffinity(0, sizeof(all), &all), 0);  // it stays where it is until something moves it
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    for (visits = 0; visits < 100 && std::chrono::steady_clock::now() < limit;) {
      pool.parallel_for(2, 16, 1, [&](int thread, std::int64_t, std::int64_t) {
        std::this_thread::yield();
        if (thread == 0) return;
        cpu_set_t mine;
        sched_getaffinity(0, sizeof(mine), &mine);
        ++visits;
        wrong +=
            CPU_COUNT(&mine) != CPU_COUNT(&all) - 1 || CPU_ISSET(static_cast<std::size_t>(sched_getcpu()), &mine) == 0;
      });
    }
    EXPECT_GT(visits, 0);
  }
  EXPECT_EQ(wrong, 0);
}

TEST(ThreadPool, TheResultIsThereWhenItReturns) {
  ThreadPool pool;
  std::vector<std::int64_t> values(10'000);  // plain memory: the pool must order the writes before the return
  for (std::int64_t round = 1; round <= 50; ++round) {
    pool.parallel_for(3, 10'000, 16, [&](int, std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) values[static_cast<std::size_t>(i)] += i * round;
    });
  }
  for (std::int64_t i = 0; i < 10'000; ++i) ASSERT_EQ(values[static_cast<std::size_t>(i)], i * 50 * 51 / 2);
}

TEST(ThreadPool, MayBeCalledByManyThreadsAtOnce) {
  ThreadPool pool;
  std::vector<std::thread> callers;
  std::atomic<std::size_t> mistakes = 0;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&, caller] {
      for (int repetition = 0; repetition < 100; ++repetition) {
        Counts counts(static_cast<std::size_t>(300 + caller));
        count_visits(pool, 1 + (repetition + caller) % 4, 1 + repetition % 5, counts);
        mistakes += wrong(counts, 1);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(mistakes, 0u);
}

TEST(ThreadPool, MayBeCalledFromItsOwnBody) {
  ThreadPool pool;
  Counts counts(4 * 100);
  pool.parallel_for(3, 4, 1, [&](int, std::int64_t first, std::int64_t last) {
    for (std::int64_t outer = first; outer < last; ++outer) {
      pool.parallel_for(3, 100, 1, [&](int, std::int64_t begin, std::int64_t end) {
        for (std::int64_t inner = begin; inner < end; ++inner) ++counts[static_cast<std::size_t>(outer * 100 + inner)];
      });
    }
  });
  EXPECT_EQ(wrong(counts, 1), 0u);
}

TEST(ThreadPool, HasNoMoreWorkersThanItNeeds) {
  ThreadPool& pool = ThreadPool::shared();
  Counts counts(1000);
  count_visits(pool, 4, 1, counts);
  const int threads = threads_of_this_process();
  for (int repetition = 0; repetition < 200; ++repetition) count_visits(pool, 1 + repetition % 4, 1, counts);
  EXPECT_EQ(threads_of_this_process(), threads);
  EXPECT_EQ(&ThreadPool::shared(), &pool);
}

TEST(ThreadPool, EndsItsWorkers) {
  const int before = threads_of_this_process();
  {
    ThreadPool pool;
    Counts counts(1000);
    count_visits(pool, 5, 1, counts);
    EXPECT_EQ(threads_of_this_process(), before + 4);
  }
  // A thread that has been joined may stand in the list for a moment longer.
  for (int wait = 0; wait < 1000 && threads_of_this_process() != before; ++wait) usleep(1000);
  EXPECT_EQ(threads_of_this_process(), before);
}

std::chrono::microseconds cpu_time() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

TEST(ThreadPool, IdleWorkersSleep) {
  ThreadPool pool;
  Counts counts(1000);
  count_visits(pool, 4, 1, counts);
  usleep(20'000);  // more than the bounded spin
  const auto before = cpu_time();
  usleep(200'000);
  // Workers that spun would use 200 ms of every CPU there is. This counts CPU time: a loaded machine only makes it
  // less.
  EXPECT_LT(cpu_time() - before, std::chrono::milliseconds(50));
}

// What the child says by its exit code; 128 and more is a signal.
template <class Function>
int exit_code_of_child(Function function) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(30);  // a child that hangs dies
    _exit(function());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int visits_are_right() {
  Counts counts(1000);
  for (int repetition = 0; repetition < 10; ++repetition) count_visits(ThreadPool::shared(), 3, 1, counts);
  return wrong(counts, 10) == 0 ? 0 : 1;
}

TEST(ThreadPool, AForkedChildHasAPoolOfItsOwn) {
  ASSERT_EQ(visits_are_right(), 0);
  EXPECT_EQ(exit_code_of_child(visits_are_right), 0);
  EXPECT_EQ(exit_code_of_child([] {
              meet_a_worker(ThreadPool::shared());
              return 0;
            }),
            0);
  EXPECT_EQ(exit_code_of_child([] { return exit_code_of_child(visits_are_right); }), 0);  // and a grandchild
  EXPECT_EQ(visits_are_right(), 0);                                                       // the parent goes on
}

TEST(ThreadPool, AForkInTheMiddleOfAJob) {
  std::atomic<bool> stop = false;
  // Nothing is allocated while the parent forks: the sanitizers' malloc, unlike glibc's, may stay locked in the child.
  Counts counts(1000);
  std::thread busy([&] {
    while (!stop) count_visits(ThreadPool::shared(), 3, 1, counts);
  });
  for (int repetition = 0; repetition < 20; ++repetition) EXPECT_EQ(exit_code_of_child(visits_are_right), 0);
  stop = true;
  busy.join();
  EXPECT_EQ(visits_are_right(), 0);
}

}  // namespace
}  // namespace itrt
