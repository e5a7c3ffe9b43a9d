// SPDX-License-Identifier: MIT
// What one subscription says of itself before it stands.
#pragma once

#include <peal/bus/placement.hpp>
#include <peal/core/clock.hpp>
#include <peal/detail/maybe.hpp>
#include <peal/ring/sequence.hpp>

namespace peal::inline v0::detail {

/// What one subscription says about time.
struct time_limits {
  nanoseconds attempt{0};  ///< 0: no timeout
  nanoseconds age{0};      ///< 0: events of any age are handled
  bool letters = false;    ///< expired ones become letters
};

/// Where a subscription of a durable topic begins, and whether the store keeps how far it has come.
struct beginning {
  maybe<start_at> from{};    ///< if the store does not know its name; without: with the next event
  bool transient = false;    ///< the store does not keep it
  bool reads_store = false;  ///< what it has not read in time comes from the store
  bool known = false;        ///< it goes on at `at`
  position at = 0;
};

}  // namespace peal::inline v0::detail
