// SPDX-License-Identifier: MIT
// A bounded queue for many producers and many consumers: each element goes to exactly one consumer.
#pragma once

#include <peal/detail/own_ptr.hpp>
#include <peal/ring/detail/line.hpp>
#include <peal/ring/event_count.hpp>
#include <peal/ring/sequence.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <peal/detail/time.hpp>
#include <type_traits>
#include <utility>

namespace peal::inline v0 {

struct mpmc_options {
  std::optional<barrier_mode> mode{};  ///< how sleepers and wakers are ordered; none: the best the machine has
  position first = 0;                  ///< position of the first element; below 2^56; for tests of the wrap
  spin_limit spin{};                   ///< how long the waiting forms look before they sleep
};

/// A queue of fixed size in which each element is popped by exactly one consumer.
/// Capacity: fixed at construction, rounded up to a power of two, at least 2.
/// Order: first in, first out, by the order in which pushes claimed their places.
/// Errors: none thrown by the non-waiting forms; a refused value is left as it was.
/// Thread safety: every member but construction and destruction may be called from any thread.
/// Complexity: constant; a push suspended between claim and publication delays the elements behind it.
/// Memory order: what happened before a push happens before the pop that returns its element.
/// Source: D. Vyukov's bounded MPMC queue, with 56-bit sequences and a closed bit in the tail word.
/// Example: `mpmc_ring<int> q{64}; q.push(1); int x; q.pop(x);`
template <class T, atomics_policy Atomics = native_atomics>
class mpmc_ring {
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
                "peal: an element of mpmc_ring must be movable and destructible without throwing");

  using word = typename Atomics::template atomic<std::uint64_t>;
  struct cell {
    word sequence{0};
    alignas(T) std::byte element[sizeof(T)];
  };

 public:
  explicit mpmc_ring(std::size_t capacity, mpmc_options options = {})
      : order_{options.mode ? barrier<Atomics>{*options.mode} : barrier<Atomics>{}},
        mask_{checked(capacity) - 1},
        cells_(mask_ + 1),
        tail_{(options.first & position_mask) << 1},
        head_{options.first & position_mask},
        items_{order_, options.spin},
        room_{order_, options.spin} {
    for (std::size_t i = 0; i <= mask_; ++i) {
      const position p = advance(options.first & position_mask, i);
      at(p).sequence.store(p, std::memory_order_relaxed);
    }
  }

  ~mpmc_ring() {
    while (take([](T&&) {})) {
    }
  }

  mpmc_ring(const mpmc_ring&) = delete;
  mpmc_ring& operator=(const mpmc_ring&) = delete;

  /// False when full or closed; the value is then left as it was.
  [[nodiscard]] bool try_push(T&& value) noexcept { return claim_and_put(std::move(value)) == put_result::stored; }

  /// A copy is made first, and may throw.
  [[nodiscard]] bool try_push(const T& value) noexcept(
      std::is_nothrow_copy_constructible_v<T>) requires std::is_copy_constructible_v<T> {
    T copy(value);
    return try_push(std::move(copy));
  }

  /// Waits for room; false when closed, and the value is then left as it was.
  bool push(T&& value) noexcept {
    for (;;) {
      const put_result r = claim_and_put(std::move(value));
      if (r != put_result::full) return r == put_result::stored;
      room_.wait([this] { return may_push(); });
    }
  }

  bool push(const T& value) requires std::is_copy_constructible_v<T> {
    T copy(value);
    return push(std::move(copy));
  }

  /// Waits for room so long; false when closed or still full, and the value is then left as it was.
  template <class Rep, class Period>
  [[nodiscard]] bool push_for(T&& value, std::chrono::duration<Rep, Period> length) noexcept {
    const auto deadline = detail::deadline_after(length);
    for (;;) {
      const put_result r = claim_and_put(std::move(value));
      if (r != put_result::full) return r == put_result::stored;
      if (!room_.wait_until(deadline, [this] { return may_push(); })) return false;
    }
  }

  /// False when empty.
  [[nodiscard]] bool try_pop(T& out) noexcept requires std::is_nothrow_move_assignable_v<T> {
    return take([&out](T&& element) { out = std::move(element); });
  }

  [[nodiscard]] std::optional<T> try_pop() noexcept {
    std::optional<T> out;
    take([&out](T&& element) { out.emplace(std::move(element)); });
    return out;
  }

  /// Waits for an element; false when the queue is closed and everything has been popped.
  [[nodiscard]] bool pop(T& out) noexcept requires std::is_nothrow_move_assignable_v<T> {
    while (!try_pop(out)) {
      if (drained()) return false;
      items_.wait([this] { return !empty() || drained(); });
    }
    return true;
  }

  [[nodiscard]] std::optional<T> pop() noexcept {
    for (;;) {
      if (auto out = try_pop()) return out;
      if (drained()) return std::nullopt;
      items_.wait([this] { return !empty() || drained(); });
    }
  }

  /// Waits for an element so long; none when the time is over, or at the end of the queue.
  template <class Rep, class Period>
  [[nodiscard]] std::optional<T> pop_for(std::chrono::duration<Rep, Period> length) noexcept {
    const auto deadline = detail::deadline_after(length);
    for (;;) {
      if (auto out = try_pop()) return out;
      if (drained()) return std::nullopt;
      if (!items_.wait_until(deadline, [this] { return !empty() || drained(); })) return std::nullopt;
    }
  }

  /// Refuses every later push, for good, and wakes everybody; what was accepted can still be popped.
  void close() noexcept {
    tail_.fetch_or(closed_bit, std::memory_order_seq_cst);  // [M5] pairs with [M6]
    items_.notify_all(side::rare);
    room_.notify_all(side::rare);
  }

  [[nodiscard]] bool closed() const noexcept { return (tail_.load(std::memory_order_acquire) & closed_bit) != 0; }

  /// Closed, and everything that was accepted has been popped.
  [[nodiscard]] bool drained() const noexcept {
    const std::uint64_t tail = tail_.load(std::memory_order_seq_cst);  // [M6] pairs with [M5], and with [B1] in between
    return (tail & closed_bit) != 0 && head_.load(std::memory_order_seq_cst) == tail >> 1;  // [M7] pairs with [M4]
  }

  /// Whether nothing can be popped now; the second look of a thread about to sleep.
  [[nodiscard]] bool empty() const noexcept {
    for (;;) {
      const position p = head_.load(std::memory_order_relaxed);
      // [Q2] pairs with [Q1]: after the announcement, as a store before a load
      const std::int64_t ahead = distance(order_.recheck(at(p).sequence), advance(p, 1));
      if (ahead <= 0) return ahead < 0;
    }
  }

  [[nodiscard]] std::size_t capacity() const noexcept { return mask_ + 1; }

  /// How many elements there are, between the true numbers at the call and at the return.
  [[nodiscard]] std::size_t size_approx() const noexcept {
    const position head = head_.load(std::memory_order_relaxed);
    const std::int64_t n = distance(tail_.load(std::memory_order_relaxed) >> 1, head);
    return n < 0 ? 0 : static_cast<std::size_t>(n) > capacity() ? capacity() : static_cast<std::size_t>(n);
  }

  /// Units: bytes, this object included, what elements own excluded.
  [[nodiscard]] std::size_t footprint() const noexcept { return sizeof(*this) + capacity() * sizeof(cell); }

 private:
  enum class put_result : std::uint8_t { stored, full, closed };
  static constexpr std::uint64_t closed_bit = 1;

  static std::size_t checked(std::size_t capacity) {
    if (capacity > detail::max_capacity) throw std::bad_array_new_length{};
    return detail::rounded_capacity(capacity);
  }

  [[nodiscard]] cell& at(position p) const noexcept { return cells_[static_cast<std::size_t>(p) & mask_]; }
  [[nodiscard]] static T* element(cell& c) noexcept { return std::launder(reinterpret_cast<T*>(c.element)); }

  put_result claim_and_put(T&& value) noexcept {
    std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    for (;;) {
      if ((tail & closed_bit) != 0) return put_result::closed;
      const position p = tail >> 1;
      const std::int64_t ahead = distance(at(p).sequence.load(std::memory_order_acquire), p);  // [M1] pairs with [M3]
      if (ahead < 0) return put_result::full;
      if (ahead > 0) {
        tail = tail_.load(std::memory_order_relaxed);
      } else if (tail_.compare_exchange_weak(tail, advance(p, 1) << 1, std::memory_order_relaxed)) {
        put(p, std::move(value));
        return put_result::stored;
      }
    }
  }

  void put(position p, T&& value) noexcept {
    cell& c = at(p);
    ::new (static_cast<void*>(c.element)) T(std::move(value));
    order_.publish(c.sequence, advance(p, 1));  // [Q1] pairs with [Q2] and [Q3]
    items_.notify_one();
    // Places may come free out of order, and the one woken for this place may have found the one before it taken: the
    // wake-up is passed on.
    if (room_.has_waiters() && may_push()) room_.notify_one();
  }

  template <class Sink>
  bool take(Sink sink) noexcept {
    position p = head_.load(std::memory_order_relaxed);
    for (;;) {
      const std::int64_t ahead = distance(at(p).sequence.load(std::memory_order_acquire), advance(p, 1));  // [Q3]
      if (ahead < 0) return false;  // [Q3] pairs with [Q1]
      if (ahead > 0) {
        p = head_.load(std::memory_order_relaxed);
      } else if (head_.compare_exchange_weak(p, advance(p, 1), std::memory_order_seq_cst,  // [M4] pairs with [M7]
                                             std::memory_order_relaxed)) {
        break;
      }
    }
    cell& c = at(p);
    T* const held = element(c);
    sink(std::move(*held));
    held->~T();
    order_.publish(c.sequence, advance(p, capacity()));  // [M3] pairs with [M1] and [M8]
    room_.notify_one();
    pass_on();
    return true;
  }

  /// Elements may appear out of order, as places do; and the last element of a closed queue ends the wait of everybody.
  void pass_on() noexcept {
    if (!items_.has_waiters()) return;
    if (!empty()) {
      items_.notify_one();
    } else if (drained()) {
      items_.notify_all();
    }
  }

  [[nodiscard]] bool may_push() const noexcept {
    for (;;) {
      const std::uint64_t tail = tail_.load(std::memory_order_seq_cst);  // [M6] pairs with [M5]
      if ((tail & closed_bit) != 0) return true;
      const position p = tail >> 1;
      const std::int64_t ahead = distance(order_.recheck(at(p).sequence), p);  // [M8] pairs with [M3]
      if (ahead <= 0) return ahead == 0;
    }
  }

  const barrier<Atomics> order_;
  const std::size_t mask_;
  const detail::own_array<cell> cells_;
  alignas(detail::line_size) word tail_;  // position << 1 | closed
  alignas(detail::line_size) word head_;
  alignas(detail::line_size) event_count<Atomics> items_;
  event_count<Atomics> room_;
};

}  // namespace peal::inline v0
