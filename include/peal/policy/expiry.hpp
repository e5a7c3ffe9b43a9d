// SPDX-License-Identifier: MIT
// Events that are worth nothing any more: how old they may be, and what becomes of those that are older.
#pragma once

#include <peal/core/clock.hpp>
#include <peal/policy/actions.hpp>

namespace peal::inline v0 {

/// Policy: an event published longer ago than that is not handled any more but counted `expired`; an event's own deadline
/// (publish_options) counts as well. Asked before its first attempt and again before each further one.
///
/// The topic must record when events are published: `peal::topic<order_placed, peal::timed>`. A letter that was brought
/// back is handled, however old it is.
/// Errors: bad_option unless `after` is positive, and on a subscriber whose topic is not `timed` (on the bus itself that
/// does not compile).
/// Complexity: one read of the clock an attempt.
/// Example: `peal::expires{.after = 5min}`
struct expires {
  nanoseconds after;  ///< since publish was called; no default
};

/// Policy: an expired event becomes a dead letter, cause `expired`, instead of being counted only.
struct expired_letters {};

/// Example: `peal::expires{.after = 5min}, peal::on_expiry(peal::dead_letter)`
[[nodiscard]] constexpr expired_letters on_expiry(dead_letter_t) noexcept { return {}; }

}  // namespace peal::inline v0
