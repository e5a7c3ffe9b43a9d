// SPDX-License-Identifier: MIT
// How long the store of a durable topic keeps events that nobody needs any more.
#pragma once

#include <peal/core/clock.hpp>

#include <cstdint>

namespace peal::inline v0 {

/// What `bus.retain<E>(…)` keeps of a durable topic's events, beside all that somebody has still to read.
///
/// An event may go once every subscription and projection that the store knows has passed it, orphans too, and it is
/// neither younger than `age` nor among the newest `count`. While the store knows none, nothing goes; whoever is not to
/// hold it back any more is forgotten with store::forget_subscription. Dead letters have their event with them, wherever it
/// was. Without a word about a topic, all of it is kept.
/// Order: from the oldest on. The journal looks now and then, a second apart or so, and removes a few thousand at once.
/// Example: `bus.retain<order_placed>({.age = std::chrono::hours{24 * 30}});`
struct retention {
  nanoseconds age{0};       ///< younger ones are kept, by the wall clock; from 0
  std::uint64_t count = 0;  ///< so many of the newest are kept
};

}  // namespace peal::inline v0
