// SPDX-License-Identifier: MIT
// A ring in which every cursor reads every event, in place and in one order; publishers wait for the slowest.
#pragma once

#include <peal/ring/multicast_core.hpp>
#include <peal/ring/ring_cursor.hpp>

#include <cstddef>
#include <new>
#include <peal/detail/time.hpp>
#include <span>
#include <type_traits>
#include <utility>
#include <version>

#if defined(__GLIBCXX__)
#include <vector>  // brings iterators without streams
#else
#include <iterator>
#endif

namespace peal::inline v0 {

/// The multicast ring as it is used by itself: values go in, cursors read them, both may wait.
/// Capacity: `multicast_options::capacity`; a publisher waits, or is refused, while the slowest cursor is that far behind.
/// Order: all cursors read the same events in the same order; those of one thread in the order it published them.
/// Delivery: an event reaches every cursor that stood when it was accepted; without a cursor it is destroyed at once.
/// Errors: nothing is thrown by publishing (a copy made for it may throw, before anything is claimed); a refused value is
/// left as it was.
/// Thread safety: publishing, subscribing and closing from any thread; a cursor from one thread at a time.
/// Lifetime: the ring outlives its cursors.
/// Example: `peal::multicast_ring<int> r{{.capacity = 64}}; auto c = r.subscribe(); r.publish(7); c.consume(print);`
template <class T, atomics_policy Atomics = native_atomics>
class multicast_ring : public multicast_core<T, Atomics> {
  using core = multicast_core<T, Atomics>;

 public:
  using cursor_type = ring_cursor<T, Atomics>;

  explicit multicast_ring(multicast_options options = {}) : core{options}, items_{core::order(), options.spin} {}

  // The forms of multicast_core that take a position are hidden: an integer event must not be taken for one.

  /// Never waits.
  [[nodiscard]] claim_status try_publish(T&& value) noexcept {
    check();
    const claim_result at = core::try_claim(1);
    if (at.status == claim_status::claimed) {
      ::new (static_cast<void*>(core::storage(at.first))) T(std::move(value));
      core::publish(at.first);
      show();
    }
    return at.status;
  }
  [[nodiscard]] claim_status try_publish(const T& value) noexcept(std::is_nothrow_copy_constructible_v<T>) {
    T copy(value);
    return try_publish(std::move(copy));
  }

  /// Waits for room; false when the ring is closing or closed.
  bool publish(T&& value) noexcept {
    for (;;) {
      const claim_status s = try_publish(std::move(value));
      if (s != claim_status::full) return s == claim_status::claimed;
      core::room().wait([this] { return may_claim(1); });
    }
  }
  bool publish(const T& value) noexcept(std::is_nothrow_copy_constructible_v<T>) {
    T copy(value);
    return publish(std::move(copy));
  }

  /// Waits for room so long; `full` when the time is over.
  template <class Rep, class Period>
  [[nodiscard]] claim_status publish_for(T&& value, std::chrono::duration<Rep, Period> length) noexcept {
    const auto deadline = detail::deadline_after(length);
    for (;;) {
      const claim_status s = try_publish(std::move(value));
      if (s != claim_status::full) return s;
      if (!core::room().wait_until(deadline, [this] { return may_claim(1); })) return s;
    }
  }

  /// All of `n` values in a row or none; `n` at most the capacity, else `full`. Never waits.
  template <std::input_iterator Iterator>
  [[nodiscard]] claim_status try_publish_range(Iterator from, std::size_t n) noexcept {
    return put_range(from, n);
  }

  /// Waits for room; how many were published: fewer than `n` only when closing or closed. Up to the capacity they stand
  /// in a row; more are split.
  template <std::input_iterator Iterator>
  std::size_t publish_range(Iterator from, std::size_t n) noexcept {
    std::size_t count = 0;
    while (count < n) {
      const std::size_t left = n - count;
      const std::size_t part = n <= core::capacity() ? left : left < core::capacity() / 2 ? left : core::capacity() / 2;
      const claim_status s = put_range(from, part);
      if (s == claim_status::claimed) {
        count += part;
      } else if (s == claim_status::full) {
        core::room().wait([this, part] { return may_claim(part); });
      } else {
        break;
      }
    }
    return count;
  }

  /// The values are moved from as far as they were published.
  std::size_t publish_range(std::span<T> values) noexcept {
    return publish_range(std::make_move_iterator(values.begin()), values.size());
  }
  [[nodiscard]] claim_status try_publish_range(std::span<T> values) noexcept {
    return try_publish_range(std::make_move_iterator(values.begin()), values.size());
  }

  /// A cursor that reads everything accepted from now on; empty when `max_cursors` stand already.
  [[nodiscard]] cursor_type subscribe() noexcept {
    const auto index = core::join();
    return index ? cursor_type{*this, *index} : cursor_type{};
  }

  /// Refuses every later publish, for good; cursors read what was accepted, and then come to their end.
  bool close(claim_status to = claim_status::closed) noexcept {
    const bool raised = core::close(to);
    items_.notify_all(side::rare);
    return raised;
  }

  /// Where cursors sleep; notified by the publish forms of this class, not by those of multicast_core.
  [[nodiscard]] event_count<Atomics>& items() noexcept { return items_; }

 private:
  static constexpr void check() noexcept {
    static_assert(std::is_nothrow_move_constructible_v<T>,
                  "peal: an event of a multicast_ring must be movable without throwing");
  }

  /// Moves `from` on by what was published.
  template <class Iterator>
  [[nodiscard]] claim_status put_range(Iterator& from, std::size_t n) noexcept {
    static_assert(std::is_nothrow_constructible_v<T, std::iter_reference_t<Iterator>>,
                  "peal: a range is built between claim and publication, where nothing may throw: give nothrow movable "
                  "values by std::make_move_iterator, or a span of them");
    check();
    if (n == 0) return core::state();
    if (n > core::capacity()) return claim_status::full;
    const claim_result at = core::try_claim(n);
    if (at.status == claim_status::claimed) {
      for (std::size_t k = 0; k < n; ++k, ++from) {
        ::new (static_cast<void*>(core::storage(peal::advance(at.first, k)))) T(*from);
      }
      core::publish_range(at.first, n);
      show();
    }
    return at.status;
  }

  /// Behind a publication: destroys what nobody hears, wakes those who wait for events.
  void show() noexcept {
    if constexpr (core::reclaims) {
      if (core::present() == 0) core::publish_done();
    }
    items_.notify_all();
  }

  [[nodiscard]] bool may_claim(std::size_t n) const noexcept {
    return core::state() != claim_status::claimed || core::has_room(n);
  }

  event_count<Atomics> items_;
};

}  // namespace peal::inline v0
