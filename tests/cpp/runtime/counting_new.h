// How often the program has called operator new.
#pragma once

#include <atomic>

namespace itrt::test {

extern std::atomic<long> allocations;

}  // namespace itrt::test
