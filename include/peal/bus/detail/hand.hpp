// SPDX-License-Identifier: MIT
// A hand of a subscription: one event that runs beside others, and what its subscription knows of all of them.
#pragma once

#include <peal/bus/detail/delivery_end.hpp>
#include <peal/bus/detail/seat.hpp>
#include <peal/detail/list.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace peal::inline v0::detail {

/// What the executor queues and runs for one event. Only middleware and handler run in it; everything else (filter, keys,
/// claims, retries, letters, outputs, counts) is done by the subscription itself, which is run by one thread at a time.
///
/// Lifetime: as long as its topic, so that a queue never holds a dead one.
/// Memory order: its task belongs to the subscription while it is idle or has ended, to the runner while it runs; [hand]
/// gives it over and [finished] gives it back.
struct hand : seat {
  static constexpr std::uint32_t idle = 0;
  static constexpr std::uint32_t queued = 1;
  static constexpr std::uint32_t busy = 2;
  static constexpr std::uint32_t recalled =
      3;  ///< its subscription ends before it has started; whoever pops it frees it

  std::atomic<std::uint32_t> state{idle};
  std::atomic<std::uint64_t> where{0};  ///< the position it runs, for reports about stuck handlers
  std::atomic<bool> in_slot{false};
  attempt_clock since{0};   ///< when it began to run it, with a timeout; 0: it does not
  std::uint32_t place = 0;  ///< among its subscription's
  hand* next = nullptr;
  delivery current = delivery_access::make();
  event_at at{};
  kept* aside = nullptr;  ///< null: the event stands in its slot
  attempt_end end{};
};

/// The hands of one subscription. Owned as its seat's `running` is; others push onto `finished` and read the atomics.
struct hand_set {
  /// Which events between the cursor and the place read up to have ended: one byte a slot.
  hand_set(std::size_t window, position start) : done(window), mask{window - 1}, base{start}, read{start} {}

  [[nodiscard]] std::size_t room() const noexcept {
    return done.size() - static_cast<std::size_t>(distance(read, base));
  }
  [[nodiscard]] bool has_ended(position p) const noexcept {
    return distance(base, p) > 0 || (distance(read, p) > 0 && done[p & mask] != 0);
  }
  void mark(position p) noexcept {
    done[p & mask] = 1;
    ahead.store(ahead.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  /// Up to the first that has not ended.
  void advance_base() noexcept {
    std::uint64_t passed = 0;
    for (; base != read && done[base & mask] != 0; base = advance(base, 1), ++passed) done[base & mask] = 0;
    if (passed != 0) ahead.store(ahead.load(std::memory_order_relaxed) - passed, std::memory_order_relaxed);
  }
  hand* take_free() noexcept {
    hand* const h = free;
    free = h->next;
    h->next = nullptr;
    return h;
  }
  void give_free(hand& h) noexcept {
    h.next = free;
    free = &h;
  }
  /// Moves what others have finished behind what has ended, in the order finished.
  void collect() noexcept {
    if (finished.load(std::memory_order_relaxed) == nullptr) return;
    hand* newest = finished.exchange(nullptr, std::memory_order_acquire);  // pairs with [finished]
    hand* in_order = nullptr;
    while (newest != nullptr) {
      hand* const older = newest->next;
      newest->next = in_order;
      in_order = newest;
      newest = older;
      --out;
    }
    (ended_last != nullptr ? ended_last->next : ended) = in_order;
    for (ended_last = in_order; ended_last->next != nullptr;) ended_last = ended_last->next;
  }
  hand* take_ended() noexcept {
    hand* const h = ended;
    ended = h->next;
    if (ended == nullptr) ended_last = nullptr;
    h->next = nullptr;
    return h;
  }
  void push_finished(hand& h) noexcept {
    hand* first = finished.load(std::memory_order_relaxed);
    do {
      h.next = first;
    } while (!finished.compare_exchange_weak(first, &h, std::memory_order_release,  // [finished]
                                             std::memory_order_relaxed));
  }

  list<hand*> all{};    ///< null where one was recalled
  list<hand*> hired{};  ///< the same, unchanged; others look at these
  hand* free = nullptr;
  hand* ended = nullptr;  ///< finished, not yet seen to
  hand* ended_last = nullptr;
  hand* again = nullptr;  ///< were not run because of a pause
  std::size_t out = 0;    ///< given to the executor and not collected
  bool reading_stalled = false;
  list<std::uint8_t> done;
  std::uint64_t mask;
  position base;                        ///< the cursor: everything before it has ended
  position read;                        ///< everything before it has been looked at
  std::atomic<std::uint64_t> ahead{0};  ///< how many of those between have ended
  std::atomic<hand*> finished{nullptr};
};

}  // namespace peal::inline v0::detail
