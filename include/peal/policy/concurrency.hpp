// SPDX-License-Identifier: MIT
// How many events of one subscription are handled at once.
#pragma once

namespace peal::inline v0 {

/// Policy: up to `hands` events of the subscription are handled at once, on as many of the bus's workers.
///
/// Order: with `ordered_by` that of each key, and a key is never in two hands; without it none.
/// Thread safety: handler and middleware are called through const by up to `hands` threads at once; filters and keys by
/// one at a time.
/// Errors: bad_option when `hands` is not 1 to 256. On a bus without workers everything runs in poll(), one at a time.
/// Example: `peal::concurrency{8}`
struct concurrency {
  constexpr explicit concurrency(unsigned most) noexcept : hands{most} {}
  unsigned hands;  ///< events at once; 1 to 256
};

}  // namespace peal::inline v0
