// SPDX-License-Identifier: MIT
// How the deliveries of one subscription ended, counted by whoever runs it and read by anyone.
#pragma once

#include <atomic>
#include <cstdint>

namespace peal::inline v0::detail {

/// One writer at a time, so counting is a load and a store, not a read-modify-write.
struct counter {
  std::atomic<std::uint64_t> value{0};

  void add(std::uint64_t n = 1) noexcept {
    value.store(value.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  /// For the few counted by several threads at once: handlers on publishers' threads.
  void add_shared(std::uint64_t n = 1) noexcept { value.fetch_add(n, std::memory_order_relaxed); }
  void set(std::uint64_t n) noexcept { value.store(n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t get() const noexcept { return value.load(std::memory_order_relaxed); }
};

/// Several writers.
struct shared_counter {
  std::atomic<std::uint64_t> value{0};

  void add(std::uint64_t n = 1) noexcept { value.fetch_add(n, std::memory_order_relaxed); }
  void sub(std::uint64_t n = 1) noexcept { value.fetch_sub(n, std::memory_order_relaxed); }
  /// Counts what the caller has done before; get_before() that sees it makes that visible to what follows.
  void add_after() noexcept { value.fetch_add(1, std::memory_order_release); }  // [counted]
  [[nodiscard]] std::uint64_t get_before() const noexcept {
    return value.load(std::memory_order_acquire);  // pairs with [counted]
  }
  [[nodiscard]] std::uint64_t get() const noexcept { return value.load(std::memory_order_relaxed); }
};

struct delivery_counters {
  counter taken;  ///< events of the subscription's types that left the ring for it
  counter handled;
  counter discarded;
  counter expired;
  counter filtered;
  counter deduplicated;
  counter dropped;   ///< by publishers, counted here once the subscription has stopped
  counter replaced;  ///< taken out of the ring, then dropped for a newer one (conflate)
  counter stopped;
  counter abandoned;
  counter retries;     ///< runs beyond the first
  counter failures;    ///< runs that failed
  counter held;        ///< waiting behind a busy key now
  counter key_stalls;  ///< events that found no room to wait there
  counter throttled;   ///< runs put off by the retry budget
  shared_counter dead;
  shared_counter redriven;
  shared_counter inherited;     ///< letters of an earlier subscription of this name that came back to this one
  shared_counter lost_outputs;  ///< of handlers on a publisher's thread, for which there was no room
};

}  // namespace peal::inline v0::detail
