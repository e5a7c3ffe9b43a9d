// SPDX-License-Identifier: MIT
// Where a subscription's handler runs, and how much it may keep aside.
#pragma once

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

/// Policy: how many events may be kept aside at once (in a back-off, behind a duplicate).
///
/// A subscription that has no room left for one more stalls; publishers feel it once the ring is full. Nothing is lost.
struct side_store {
  std::uint32_t capacity = 1024;  ///< events; from 1
};

}  // namespace peal::inline v0
