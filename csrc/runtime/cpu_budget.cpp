#include "runtime/cpu_budget.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "base/errors.h"

namespace itrt {
namespace {

int affinity_count() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(std::thread::hardware_concurrency());
}

// Quota and period in microseconds; a quota of "max" or -1 is none.
double quota_in(const std::string& quota_text, double period) {
  double quota = -1;
  std::istringstream(quota_text) >> quota;
  return quota > 0 && period > 0 ? quota / period : 0;
}

// cgroup v2: "<quota> <period>" in cpu.max of the process's group and of every group above it.
double quota_v2(std::string group) {
  double lowest = 0;
  while (true) {
    std::ifstream file("/sys/fs/cgroup" + group + "/cpu.max");
    std::string quota;
    double period = 0;
    if (file >> quota >> period) {
      const double cpus = quota_in(quota, period);
      if (cpus > 0) lowest = lowest > 0 ? std::min(lowest, cpus) : cpus;
    }
    const std::size_t slash = group.rfind('/');
    if (group.empty() || slash == std::string::npos) return lowest;
    group.resize(slash);
  }
}

double quota_v1() {
  std::ifstream quota_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), period_file("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  std::string quota;
  double period = 0;
  return quota_file >> quota && period_file >> period ? quota_in(quota, period) : 0;
}

double cgroup_quota() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("0::", 0) == 0) {
      const std::string group = line.substr(3);
      if (const double cpus = quota_v2(group == "/" ? "" : group); cpus > 0) return cpus;
    }
  }
  return quota_v1();
}

}  // namespace

int cpu_budget() {
  const int affinity = std::max(affinity_count(), 1);
  const double quota = cgroup_quota();
  if (quota <= 0 || quota >= affinity) return affinity;
  return std::max(static_cast<int>(quota + 0.999), 1);
}

int default_threads() {
  const char* text = std::getenv("ITRT_NUM_THREADS");
  if (text == nullptr || *text == '\0') return std::min(cpu_budget(), max_threads);
  int threads = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, threads);
  if (stop != end || error != std::errc() || threads < 1 || threads > max_threads) {
    throw InvalidArgument("ITRT_NUM_THREADS: expected a number from 1 to " + std::to_string(max_threads) +
                          ", found \"" + text + "\"");
  }
  return threads;
}

}  // namespace itrt
