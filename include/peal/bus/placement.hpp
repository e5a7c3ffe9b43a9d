// SPDX-License-Identifier: MIT
// Where a subscription's handler runs, and how much it may keep aside.
#pragma once

#include <peal/core/clock.hpp>

#include <cstdint>

namespace peal::inline v0 {

/// Policy: the handler runs on the publisher's thread, before publish returns: signals and slots.
///
/// Order: of one publishing thread; publishers on several threads run the handler concurrently.
/// Errors: a handler that throws ends its attempt only; rules are peal::discard and peal::dead_letter, a back-off does not
/// compile. An event that went through the topic's lane is handled by the thread that empties the lane.
struct on_publisher_thread_t {
  explicit on_publisher_thread_t() = default;
};
inline constexpr on_publisher_thread_t on_publisher_thread{};

/// Policy: the handler runs in `bus.poll()`, on the thread that calls it: UI and game loops, tests.
struct on_poll_t {
  explicit on_poll_t() = default;
};
inline constexpr on_poll_t on_poll{};

/// Policy, on a durable topic: where a subscription begins whose name the store does not know; one that it knows goes
/// on where it was. Without it: with the next event.
///
/// Example: `peal::start_at::beginning()`, `peal::start_at::position(1042)`, `peal::start_at::time(yesterday)`
class start_at {
 public:
  /// With the oldest event that is there.
  [[nodiscard]] static constexpr start_at beginning() noexcept { return start_at{1, 0}; }
  /// With this position, or the first after it that is there.
  [[nodiscard]] static constexpr start_at position(std::uint64_t p) noexcept { return start_at{1, p}; }
  /// With the first event that was published then or later. Units: nanoseconds since 1970, of the wall clock.
  [[nodiscard]] static constexpr start_at time(std::int64_t wall) noexcept {
    return start_at{2, static_cast<std::uint64_t>(wall)};
  }
  [[nodiscard]] static start_at time(std::chrono::system_clock::time_point t) noexcept {
    return time(std::chrono::duration_cast<std::chrono::nanoseconds>(t.time_since_epoch()).count());
  }

  template <class Kind>
  constexpr void set(Kind& kind, std::uint64_t& value) const noexcept {
    kind = static_cast<Kind>(kind_);
    value = value_;
  }

 private:
  constexpr start_at(std::uint8_t kind, std::uint64_t value) noexcept : value_{value}, kind_{kind} {}
  std::uint64_t value_;
  std::uint8_t kind_;
};

/// Policy, on a durable topic: the store does not keep how far this subscription has come; it begins with the next event.
struct transient_t {
  explicit transient_t() = default;
};
inline constexpr transient_t transient{};

/// Policy: how many events may be kept aside at once (in a back-off, behind a duplicate).
///
/// A subscription that has no room left for one more stalls; publishers feel it once the ring is full. Nothing is lost.
struct side_store {
  std::uint32_t capacity = 1024;  ///< events; from 1
};

}  // namespace peal::inline v0
