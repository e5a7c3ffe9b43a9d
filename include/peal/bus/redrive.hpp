// SPDX-License-Identifier: MIT
// How dead letters are brought back: what is asked for, and what came of it.
#pragma once

#include <peal/core/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace peal::inline v0 {

/// Why a letter was not redriven, or not edited; it stays as it was.
enum class redrive_errc : std::uint8_t {
  none,
  gone,             ///< there is no such letter, or somebody was faster
  blocked,          ///< another letter holds its key: it follows that one by itself
  cycles,           ///< it was redriven `max_cycles` times before
  no_subscription,  ///< no subscription of its name stands that takes its event
  key_changed,      ///< the edit changes what the event is ordered or deduplicated by
  no_room,          ///< it never got into its topic, and the topic has no room for it now
};

constexpr std::string_view to_string(redrive_errc e) noexcept {
  switch (e) {
    case redrive_errc::none: return "none";
    case redrive_errc::gone: return "gone";
    case redrive_errc::blocked: return "blocked";
    case redrive_errc::cycles: return "cycles";
    case redrive_errc::no_subscription: return "no_subscription";
    case redrive_errc::key_changed: return "key_changed";
    case redrive_errc::no_room: return "no_room";
  }
  return "unknown";
}

/// A letter that stays, and why.
struct refused_letter {
  std::uint64_t number = 0;
  redrive_errc why = redrive_errc::none;
  std::string text;  ///< a sentence with the way out

  friend bool operator==(const refused_letter&, const refused_letter&) = default;
};

/// How letters come back.
///
/// Example: `bus.redrive<order_placed>({.subscription = "billing"}, peal::redrive_options{.dry_run = true})`
struct redrive_options {
  static constexpr std::uint32_t no_limit = std::numeric_limits<std::uint32_t>::max();

  double per_second = 0;                ///< of start_redrive: letters a second; above 0
  std::uint32_t burst = 1;              ///< of start_redrive: how many may go at once after a pause; from 1
  std::uint32_t max_cycles = no_limit;  ///< a letter that was redriven so often before stays; from 1
  bool dry_run = false;                 ///< says what would be redriven, and what not and why, and changes nothing
};

/// What a redrive did, or with `dry_run` would do.
struct redrive_report {
  std::size_t count = 0;                ///< letters that go back, with those that follow one of them by themselves
  std::vector<std::uint64_t> numbers;   ///< of a dry run: theirs
  std::vector<refused_letter> refused;  ///< those that match and stay

  operator std::size_t() const noexcept { return count; }  // NOLINT: a redrive is first of all a number
};

}  // namespace peal::inline v0
