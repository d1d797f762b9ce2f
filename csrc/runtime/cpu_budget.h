// How many threads this process should use.
#pragma once

namespace itrt {

// CPUs that the scheduler lets the process use: its affinity mask, reduced to the cgroup's quota (rounded up). At
// least 1.
int cpu_budget();

// ITRT_NUM_THREADS or else cpu_budget(). Throws InvalidArgument where the variable is no positive number.
int default_threads();

inline constexpr int max_threads = 256;

}  // namespace itrt
