// SPDX-License-Identifier: MIT
// What topics and subscriptions ask of the runtime: time, chance, timers, and somebody to run them.
#pragma once

#include <peal/bus/detail/seat.hpp>
#include <peal/bus/timer_wheel.hpp>
#include <peal/core/clock.hpp>

#include <cstdint>

namespace peal::inline v0::detail {

/// The runtime as seen from below; one virtual call a batch or rarer.
///
/// Thread safety: everything may be called from any thread.
class executor {
 public:
  executor() = default;
  executor(const executor&) = delete;
  executor& operator=(const executor&) = delete;

  [[nodiscard]] virtual time_point now() const noexcept = 0;
  [[nodiscard]] virtual std::uint64_t random_bits() noexcept = 0;

  /// Queues a seat whose `ready` the caller owns.
  virtual void enqueue(seat& s) noexcept = 0;

  /// Takes seats whose subscription has stopped out of the queues, so that others may have them.
  virtual void release_retired() noexcept = 0;

  virtual void arm(timer_node& node, time_point due) noexcept = 0;
  /// False when the node was not armed, or has just fired.
  virtual bool cancel(timer_node& node) noexcept = 0;

 protected:
  ~executor() = default;
};

}  // namespace peal::inline v0::detail
