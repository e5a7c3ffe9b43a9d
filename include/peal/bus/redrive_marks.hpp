// SPDX-License-Identifier: MIT
// Dead letters that go back when the next bus of a store begins: said while no bus has it open.
#pragma once

#include <peal/bus/detail/stored_places.hpp>
#include <peal/bus/redrive.hpp>
#include <peal/store/store.hpp>
#include <peal/store/wall_clock.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace peal::inline v0 {

namespace detail {

/// Of the marks: keys "<topic> <number>".
inline constexpr std::string_view redrive_scope = "peal.redrive";

}  // namespace detail

/// Marks dead letters of a durable topic: the next bus over the store redrives them as soon as their subscription stands, in
/// the order of their numbers, as bus.redrive would with its default options.
///
/// Returns for each number what it was refused for: `gone`; `blocked` while the letter that holds its key is there (it follows
/// that one by itself); `no_room` for an event that never got into its topic. A mark is used once, whatever becomes of the
/// letter then: one whose delivery fails again, or is cut off, is a letter without a mark.
/// For a store that no bus has open; the marks are one commit. Errors: store_error.
/// Example: `peal::mark_for_redrive(kept, "shop.order", {5, 7});`
inline std::vector<redrive_errc> mark_for_redrive(store& kept, std::string_view topic,
                                                  const std::vector<std::uint64_t>& numbers) {
  struct letter {
    std::uint64_t number;
    std::uint64_t blocked_by;
    bool never_in;
  };
  std::vector<letter> there;  // by number
  kept.letters(topic, [&](const stored_letter& l) {
    there.push_back({l.number, l.blocked_by, l.cause == dead_cause::overloaded});
  });
  const auto find = [&](std::uint64_t number) -> const letter* {
    const auto at = std::lower_bound(there.begin(), there.end(), number,
                                     [](const letter& l, std::uint64_t n) { return l.number < n; });
    return at != there.end() && at->number == number ? &*at : nullptr;
  };
  std::vector<redrive_errc> why;
  std::vector<std::string> keys;
  for (const std::uint64_t number : numbers) {
    const letter* const l = find(number);
    const bool blocked = l != nullptr && l->blocked_by != 0 && find(l->blocked_by) != nullptr;
    why.push_back(l == nullptr  ? redrive_errc::gone
                  : l->never_in ? redrive_errc::no_room
                  : blocked     ? redrive_errc::blocked
                                : redrive_errc::none);
    if (why.back() == redrive_errc::none) keys.push_back(detail::place_key(topic, number));
  }
  store_batch b;
  const wall_time now = detail::wall_now();
  for (const std::string& k : keys) b.claims.push_back({detail::redrive_scope, k, claim_state::committed, now});
  if (!b.empty()) kept.commit(b);
  return why;
}

}  // namespace peal::inline v0
