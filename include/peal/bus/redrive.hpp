// SPDX-License-Identifier: MIT
// How dead letters are brought back: what is asked for, and what came of it.
#pragma once

#include <peal/core/clock.hpp>
#include <peal/core/error.hpp>

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
  threw,            ///< in a redrive at a rate: its test, its edit, its key or its copy threw
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
    case redrive_errc::threw: return "threw";
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

  /// Errors: bad_option, naming the field, for what start_redrive cannot do.
  void check_rate() const {
    if (!(per_second > 0)) throw bad_option("peal: redrive_options.per_second: start_redrive needs a rate above 0");
    if (burst == 0) throw bad_option("peal: redrive_options.burst is 0, must be from 1");
    if (dry_run) throw bad_option("peal: redrive_options.dry_run: a dry run takes no time; use redrive");
  }
};

/// What a redrive did, or with `dry_run` would do.
struct redrive_report {
  std::size_t count = 0;                ///< letters that go back, with those that follow one of them by themselves
  std::vector<std::uint64_t> numbers;   ///< of a dry run: theirs
  std::vector<refused_letter> refused;  ///< those that match and stay

  operator std::size_t() const noexcept { return count; }  // NOLINT: a redrive is first of all a number
};

enum class redrive_state : std::uint8_t {
  running,
  paused,
  finished,  ///< it has come to the last letter there was when it started
  stopped,   ///< by its handle, or because the bus drains or has ended; what it had not reached is a letter still
};

/// How far a redrive at a rate has come.
struct redrive_progress {
  static constexpr std::size_t most_refused = 1000;

  redrive_state state = redrive_state::finished;
  std::size_t redriven = 0;             ///< letters that went back, with those that followed one by themselves
  std::size_t refused_count = 0;        ///< letters that match and stay
  std::vector<refused_letter> refused;  ///< the first 1,000 of them
  std::uint64_t reached = 0;            ///< it is done with all letters up to this number: `.after` of one that goes on
};

}  // namespace peal::inline v0
