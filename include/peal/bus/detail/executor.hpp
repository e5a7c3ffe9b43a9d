// SPDX-License-Identifier: MIT
// What topics and subscriptions ask of the runtime: time, chance, timers, and somebody to run them.
#pragma once

#include <peal/bus/detail/seat.hpp>
#include <peal/bus/timer_wheel.hpp>
#include <peal/core/clock.hpp>
#include <peal/ring/event_count.hpp>

#include <atomic>
#include <cstdint>
#include <utility>

namespace peal::inline v0::detail {

/// A timer whose action is too much for the wheel's lock: `run` is called soon after it fired, outside.
struct late_node : timer_node {
  void (*run)(late_node&) noexcept = nullptr;
  late_node* next_late = nullptr;
};

/// The runtime as seen from below; one virtual call a batch or rarer.
///
/// Thread safety: everything may be called from any thread.
class executor : public clock_source {
 public:
  executor() = default;
  executor(const executor&) = delete;
  executor& operator=(const executor&) = delete;

  [[nodiscard]] virtual std::uint64_t random_bits() noexcept = 0;

  /// Queues a seat whose `ready` the caller owns.
  virtual void enqueue(seat& s) noexcept = 0;

  /// Takes seats whose subscription has stopped out of the queues, so that others may have them.
  virtual void release_retired() noexcept = 0;

  virtual void arm(timer_node& node, time_point due) noexcept = 0;
  /// False when the node was not armed, or has just fired.
  virtual bool cancel(timer_node& node) noexcept = 0;

  /// Sleeps on `where` until `ready(arg)` or the moment. `inside` a handler, or where nobody else runs anything, the
  /// caller runs what is ready of this topic meanwhile.
  virtual void wait_for_answer(const topic_base& topic, event_count<>& where, time_point until, bool inside,
                               bool (*ready)(const void*) noexcept, const void* arg) noexcept = 0;
  /// Such waits may come from inside handlers from now on.
  virtual void expect_requests() noexcept = 0;

  /// From inside a timer's `fire`.
  void later(late_node& node) noexcept {
    node.next_late = late_.load(std::memory_order_relaxed);
    while (!late_.compare_exchange_weak(node.next_late, &node, std::memory_order_release,  // [late]
                                        std::memory_order_relaxed)) {
    }
  }

 protected:
  ~executor() = default;

  /// Runs what fired, in the order it fired. Whoever advanced the wheel calls it once it has let go of its lock.
  void run_late() noexcept {
    late_node* newest = late_.exchange(nullptr, std::memory_order_acquire);  // pairs with [late]
    late_node* first = nullptr;
    while (newest != nullptr) {
      late_node* const before = std::exchange(newest->next_late, first);
      first = std::exchange(newest, before);
    }
    while (first != nullptr) {
      late_node* const next = first->next_late;  // it may be gone once it has run
      first->run(*first);
      first = next;
    }
  }

 private:
  std::atomic<late_node*> late_{nullptr};
};

}  // namespace peal::inline v0::detail
