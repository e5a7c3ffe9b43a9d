// SPDX-License-Identifier: MIT
// How long the store of a durable topic keeps events that nobody needs any more.
#pragma once

#include <peal/core/clock.hpp>

#include <cstdint>

namespace peal::inline v0 {

/// What `bus.retain<E>(…)` keeps of a durable topic's events, beside all that somebody has still to read.
///
/// An event goes once every subscription and projection that the store knows has passed it, orphans too, with every delivery
/// that waits, and it is none of these: younger than `age`, among the newest `count`, among the newest that have `bytes`
/// together. So what is to be bounded by size is given `bytes` alone; with nothing given all goes that was passed. While the
/// store knows no subscription, nothing goes; whoever is not to hold it back any more is forgotten with
/// store::forget_subscription. Dead letters have their event with them, wherever it was. Without a word about a topic, all of
/// it is kept.
/// Order: from the oldest on. The journal looks now and then, a second apart or so, and removes a few thousand at once.
/// Example: `bus.retain<order_placed>({.age = std::chrono::hours{24 * 30}});`
struct retention {
  nanoseconds age{0};       ///< younger ones are kept, by the wall clock; from 0
  std::uint64_t count = 0;  ///< so many of the newest are kept; positions, of which some are empty after a compaction
  std::uint64_t bytes = 0;  ///< the newest that have so many together are kept; payloads and keys, see peal::topic_size
};

/// What `bus.compact<E>(…)` leaves as it is, beside all that somebody has still to read.
///
/// Of the events of one key, whatever their types, the newest stays; those that declare no key (peal::event_key_of) stay. A
/// subscription that starts at the beginning is given what is there, in order; that positions are missing is no error. The
/// events of an event_streams are none of a bus: they are not compacted by it. `retain` goes on beside it: an event goes when
/// either says so. Order: what was passed by everybody (as in peal::retention) and is neither younger than `age` nor among
/// the newest `count` is compacted as soon as it is as much as the last compaction left, so that the topic has about twice
/// that at most; first when the bus has begun. Complexity: a compaction looks at all that it leaves; the journal waits.
/// Example: `bus.compact<price>({.age = std::chrono::hours{1}});`
struct compaction {
  nanoseconds age{0};       ///< younger ones stay, by the wall clock; from 0
  std::uint64_t count = 0;  ///< so many of the newest stay
};

}  // namespace peal::inline v0
