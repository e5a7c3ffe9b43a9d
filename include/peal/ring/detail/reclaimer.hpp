// SPDX-License-Identifier: MIT
// Destroys what every cursor has left behind, one thread at a time, without a lock.
#pragma once

#include <peal/ring/atomics.hpp>
#include <peal/ring/detail/line.hpp>
#include <peal/ring/sequence.hpp>

#include <cstdint>

namespace peal::inline v0::detail {

/// A work counter: whoever raises it from nothing works, everybody else leaves a round of work behind and goes on.
/// Publishers of rings with a reclaimer wait for `destroyed`, not for the cursors.
/// Thread safety: run() from any thread, also from inside `destroy` (which then returns at once).
template <class Atomics>
class reclaimer {
 public:
  explicit reclaimer(position first) noexcept : destroyed_{first} {}

  [[nodiscard]] position destroyed() const noexcept {
    return destroyed_.load(std::memory_order_acquire);  // [D1] pairs with [D3]
  }
  [[nodiscard]] position destroyed_recheck(const barrier<Atomics>& order) const noexcept {
    return order.recheck(destroyed_);  // [B3] pairs with [D3]
  }

  /// `lowest()` is a scan, `destroy(from, to)` ends the payloads before `to`, `moved()` wakes those who wait for room.
  template <class Lowest, class Destroy, class Moved>
  void run(const barrier<Atomics>& order, Lowest lowest, Destroy destroy, Moved moved) noexcept {
    // [F1] pairs with [F2]: the holder will go round again
    if (pending_.fetch_add(1, std::memory_order_acq_rel) != 0) return;
    for (std::uint32_t mine = 1;;) {
      const position to = lowest();  // [K2] pairs with [K1]
      const position from = destroyed_.load(std::memory_order_relaxed);
      if (distance(to, from) > 0) {
        destroy(from, to);
        order.publish(destroyed_, to);  // [D3] pairs with [D1] and [B3]
        moved();
      }
      const std::uint32_t all = pending_.fetch_sub(mine, std::memory_order_acq_rel);  // [F2] pairs with [F1]
      if (all == mine) return;
      mine = all - mine;
    }
  }

 private:
  alignas(line_size) typename Atomics::template atomic<std::uint64_t> destroyed_;
  alignas(line_size) typename Atomics::template atomic<std::uint32_t> pending_{0};
};

}  // namespace peal::inline v0::detail
