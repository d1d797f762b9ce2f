// How a run is ended before it is done: asked between operators.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "base/errors.h"

namespace itrt {

// Cancelled by any thread, once and for good. A token that was made from another one is cancelled with it, too.
class CancelToken {
 public:
  explicit CancelToken(std::shared_ptr<const CancelToken> parent = nullptr) : parent_(std::move(parent)) {}

  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const {
    return cancelled_.load(std::memory_order_relaxed) || (parent_ != nullptr && parent_->cancelled());
  }

 private:
  std::shared_ptr<const CancelToken> parent_;
  std::atomic<bool> cancelled_{false};
};

// Ends a call when the token is cancelled or the time has come, whichever is first.
struct Interruption {
  using Clock = std::chrono::steady_clock;

  const CancelToken* token = nullptr;
  std::optional<Clock::time_point> until = std::nullopt;

  bool due() const { return (token != nullptr && token->cancelled()) || (until && Clock::now() >= *until); }
};

// Throws Cancelled.
inline void throw_if_due(const Interruption* interruption) {
  if (interruption != nullptr && interruption->due()) {
    throw Cancelled("session: expected time to finish, found it ended from outside");
  }
}

}  // namespace itrt
