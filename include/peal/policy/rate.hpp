// SPDX-License-Identifier: MIT
// How often a subscription's handler may run.
#pragma once

#include <peal/core/error.hpp>

#include <cstdint>

namespace peal::inline v0 {

/// Policy: the handler runs at most `per_second` times a second, `burst` times at once after a quiet time.
///
/// Each run takes a permit, a retry as well; an event that is filtered, expired or deduplicated takes none. Without a
/// permit the subscription waits: no attempt is spent, nothing is lost.
/// Capacity: what waits stays in the ring, where publishers feel it once the ring is full, unless the subscription says
/// behind{…}. Order: unchanged. Errors: bad_option.
/// Units: the time between two permits is rounded up to a nanosecond; timers are late by up to 0.1 ms and more under
/// load, which `burst` makes up for.
/// Source: the Generic Cell Rate Algorithm, virtual scheduling (ITU-T I.371; ATM Forum, Traffic Management 4.0).
/// Example: `peal::rate{.per_second = 100, .burst = 20}`
struct rate {
  double per_second = 100;  ///< above 0
  std::uint32_t burst = 0;  ///< runs at once; 0: as many as are due in 20 ms, at least 1

  /// Errors: bad_option, naming the field.
  void check() const {
    if (!(per_second > 0)) throw bad_option("peal: rate.per_second must be above 0");
  }
};

}  // namespace peal::inline v0
