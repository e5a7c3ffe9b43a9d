// SPDX-License-Identifier: MIT
// What travels beside an event: its identity, what it belongs to, what caused it, when it expires.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

#include <peal/core/clock.hpp>

namespace peal::inline v0 {

/// A 128-bit identity. An event's is computed from an epoch, its topic's number and its position.
///
/// Topics in memory have the epoch of their bus, which is another one in each life, and the number of their place in it. A
/// durable topic has those that its store gave it when it first heard of it, under its name: they stay what they are when
/// topics of the bus are reordered, added or taken away between its lives, and no other topic ever has them.
/// A correlation may be any other 128 bits, for instance a UUID of the request that came in.
struct event_id {
  std::uint64_t high = 0;  ///< epoch: random
  std::uint64_t low = 0;   ///< topic's number in the top 8 bits, position in the others

  friend constexpr bool operator==(const event_id&, const event_id&) = default;
  friend constexpr auto operator<=>(const event_id&, const event_id&) = default;

  /// False for the identity of nothing.
  explicit constexpr operator bool() const noexcept { return high != 0 || low != 0; }

  [[nodiscard]] constexpr unsigned topic() const noexcept { return static_cast<unsigned>(low >> 56); }
  [[nodiscard]] constexpr std::uint64_t position() const noexcept { return low & ((std::uint64_t{1} << 56) - 1); }
};

/// 32 hexadecimal digits, a dash in the middle.
inline std::string to_string(const event_id& id) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text(33, '-');
  for (int i = 0; i < 16; ++i) {
    text[static_cast<std::size_t>(i)] = digits[(id.high >> (60 - 4 * i)) & 15U];
    text[static_cast<std::size_t>(17 + i)] = digits[(id.low >> (60 - 4 * i)) & 15U];
  }
  return text;
}

/// What a publisher may say about one publication.
///
/// Example: `bus.publish(order, {.correlation = request_id, .time_to_live = 5s});`
struct publish_options {
  event_id correlation{};       ///< what this event belongs to; default: inherited inside a handler, else its own id
  event_id causation{};         ///< what caused it; default: the event being handled, else nothing
  nanoseconds time_to_live{0};  ///< past it the event is not handled any more but counted `expired`; 0: no such limit
  time_point deadline = time_point::max();  ///< the same as a moment; the earlier of both counts. With neither: that of
                                            ///< the event being handled, else none. A time_to_live of
                                            ///< nanoseconds::max() is none as well, and is not inherited.
};

namespace detail {

/// The default argument of every publish: known by its address, so that saying nothing costs nothing.
inline constexpr publish_options no_options{};

/// The part of an envelope that takes room, and is written, only when there is something to say.
struct envelope {
  event_id correlation{};
  event_id causation{};
  time_point published{};                   ///< the epoch of the clock: not recorded
  time_point deadline = time_point::max();  ///< max: never
};

}  // namespace detail
}  // namespace peal::inline v0
