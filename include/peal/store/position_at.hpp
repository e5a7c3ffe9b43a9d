// SPDX-License-Identifier: MIT
// Where in a topic a moment is.
#pragma once

#include <peal/store/store.hpp>

#include <cstdint>
#include <string_view>

namespace peal::inline v0 {

namespace detail {

/// The place in [low, high) from which on there is what is `late`, when what is late comes behind what is not; `high`
/// when nothing is. `look(from, where, is_late)` tells of the first that there is at `from` or behind; false: none.
template <class Look>
std::uint64_t first_late(std::uint64_t low, std::uint64_t high, Look look) {
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    std::uint64_t found = 0;
    bool is_late = true;
    if (look(middle, found, is_late) && found < high && !is_late) {
      low = found + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace detail

/// The position from which on a topic has what was published at a moment or later; its end when there is nothing.
///
/// The wall clock may have been set back while events were published: then it is one of the positions whose event is not
/// older than the moment, while the event before is.
/// Complexity: reads as many events as the topic's length has binary digits. Errors: store_error.
inline std::uint64_t position_at(const store& kept, std::string_view topic, wall_time moment) {
  const topic_range range = kept.range(topic);
  return detail::first_late(range.first, range.next, [&](std::uint64_t from, std::uint64_t& where, bool& is_late) {
    bool found = false;
    (void)kept.read(topic, from, 1, [&](const stored_event& e) {
      found = true;
      where = e.position;
      is_late = e.published >= moment;
    });
    return found;
  });
}

}  // namespace peal::inline v0
