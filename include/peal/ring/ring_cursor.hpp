// SPDX-License-Identifier: MIT
// A cursor of a multicast_ring: reads every event in place, waits for more, leaves when it is destroyed.
#pragma once

#include <peal/detail/minmax.hpp>
#include <peal/ring/multicast_core.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <peal/detail/time.hpp>
#include <utility>

namespace peal::inline v0 {

template <class T, atomics_policy Atomics>
class multicast_ring;

/// A place in a multicast_ring from which every later event is read.
/// Order: the ring's.
/// Delivery: each event once; it counts as read when `f` has returned or thrown for it, and its slot is given back with
/// the others of the same call.
/// Errors: what `f` throws passes through; nothing is lost or read twice by it.
/// Thread safety: one thread at a time; two cursors are independent.
/// Lifetime: must not outlive its ring; events are references into the ring, valid during the call of `f`.
template <class T, atomics_policy Atomics = native_atomics>
class ring_cursor {
 public:
  using ring_type = multicast_ring<T, Atomics>;

  ring_cursor() noexcept = default;
  ring_cursor(ring_cursor&& other) noexcept : ring_{std::exchange(other.ring_, nullptr)}, index_{other.index_} {}
  ring_cursor& operator=(ring_cursor&& other) noexcept {
    if (this != &other) {
      leave();
      ring_ = std::exchange(other.ring_, nullptr);
      index_ = other.index_;
    }
    return *this;
  }
  ~ring_cursor() { leave(); }

  /// Whether it stands in a ring; every member but leave() needs that.
  [[nodiscard]] explicit operator bool() const noexcept { return ring_ != nullptr; }
  [[nodiscard]] position start() const noexcept { return ring_->start(index_); }
  [[nodiscard]] position at() const noexcept { return ring_->cursor(index_); }
  /// The ring is closed and everything accepted has been read.
  [[nodiscard]] bool at_end() const noexcept { return ring_->ended(index_); }

  /// Gives its place back; what it has not read, it never reads.
  void leave() noexcept {
    if (ring_ != nullptr) std::exchange(ring_, nullptr)->leave(index_);
  }

  /// Calls `f(const T&)` for what is there, at most `max` events; how many there were. Never waits.
  template <class F>
  std::size_t try_consume(F&& f, std::size_t max = std::numeric_limits<std::size_t>::max()) {
    const position from = ring_->cursor(index_);
    const position end = ring_->available(index_, detail::smaller(max, ring_->capacity()));
    if (end == from) return 0;
    read_guard read{*ring_, index_, from};
    while (read.at != end) {
      const position p = read.at;
      read.at = peal::advance(p, 1);
      f(static_cast<const T&>(*ring_->payload(p)));
    }
    return static_cast<std::size_t>(distance(end, from));
  }

  /// Waits until there is something; 0 only at the end.
  template <class F>
  std::size_t consume(F&& f, std::size_t max = std::numeric_limits<std::size_t>::max()) {
    for (;;) {
      const std::size_t n = gather_and_consume(f, max);
      if (n != 0 || max == 0) return n;
      ring_->items().wait([this] { return ready(); }, [this] { return ring_->has_next(index_); });
      if (!ring_->has_next(index_) && at_end()) return 0;
    }
  }

  /// The same for so long; 0 at the end, or when the time is over.
  template <class Rep, class Period, class F>
  std::size_t consume_for(std::chrono::duration<Rep, Period> length, F&& f,
                          std::size_t max = std::numeric_limits<std::size_t>::max()) {
    const auto deadline = detail::deadline_after(length);
    for (;;) {
      const std::size_t n = gather_and_consume(f, max);
      if (n != 0 || max == 0) return n;
      if (!ring_->items().wait_until(
              deadline, [this] { return ready(); }, [this] { return ring_->has_next(index_); }) ||
          (!ring_->has_next(index_) && at_end())) {
        return 0;
      }
    }
  }

 private:
  friend ring_type;

  struct read_guard {
    ring_type& ring;
    std::uint32_t index;
    position at;
    ~read_guard() { ring.advance(index, at); }
  };

  template <class F>
  std::size_t gather_and_consume(F& f, std::size_t max) {
    if (short_batch_) {
      for (std::uint32_t i = ring_->items().spinning().gather; i > 0; --i) Atomics::pause();
    }
    short_batch_ = false;
    const std::size_t n = try_consume(f, max);
    short_batch_ = n != 0 && n < 16;
    return n;
  }

  /// The second look before a sleep. While it spins, a cursor looks at its next slot alone: the claim word, which says
  /// where the end is, belongs to the publishers.
  [[nodiscard]] bool ready() const noexcept { return ring_->recheck_next(index_) || at_end(); }

  ring_cursor(ring_type& ring, std::uint32_t index) noexcept : ring_{&ring}, index_{index} {}

  ring_type* ring_ = nullptr;
  std::uint32_t index_ = 0;
  bool short_batch_ = false;
};

}  // namespace peal::inline v0
