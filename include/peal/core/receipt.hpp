// SPDX-License-Identifier: MIT
// What publish answers: the identity under which the event was accepted.
#pragma once

#include <peal/core/envelope.hpp>

namespace peal::inline v0 {

/// The proof that an event was accepted; may be ignored.
class receipt {
 public:
  constexpr receipt() noexcept = default;
  explicit constexpr receipt(event_id id) noexcept : id_(id) {}

  /// The event's identity; false while the event stands in its topic's lane, where it has no position yet.
  [[nodiscard]] constexpr event_id id() const noexcept { return id_; }
  [[nodiscard]] constexpr bool in_lane() const noexcept { return !id_; }

 private:
  event_id id_{};
};

}  // namespace peal::inline v0
