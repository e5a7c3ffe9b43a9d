// SPDX-License-Identifier: MIT
// Names for events that are published later.
#pragma once

#include <cstdint>
#include <string_view>

namespace peal::inline v0 {

/// One event that is to be published later, or again and again; false when default-made. Lifetime: of its bus; of a
/// durable topic the event outlives that, and its name does not.
struct timer_id {
  std::uint64_t value = 0;

  explicit operator bool() const noexcept { return value != 0; }
  friend bool operator==(timer_id, timer_id) = default;
};

/// What `bus.cancel(timer)` found.
enum class cancel_result : std::uint8_t {
  cancelled,  ///< it will not be published, or not again
  fired,      ///< it is published, or is about to be
  unknown,    ///< cancelled before, not of this bus, or so long ago that it is forgotten
};

constexpr std::string_view to_string(cancel_result r) noexcept {
  switch (r) {
    case cancel_result::cancelled: return "cancelled";
    case cancel_result::fired: return "fired";
    case cancel_result::unknown: return "unknown";
  }
  return "unknown";
}

}  // namespace peal::inline v0
