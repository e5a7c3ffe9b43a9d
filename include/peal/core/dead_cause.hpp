// SPDX-License-Identifier: MIT
// Why a delivery ended as a dead letter.
#pragma once

#include <cstdint>
#include <string_view>

namespace peal::inline v0 {

/// Why a delivery ended as a letter. Stored. Never renumber.
enum class dead_cause : std::uint8_t {
  failed = 1,       ///< its attempts are used up, or its rule says so
  timed_out = 2,    ///< ran longer than its timeout
  blocked_by = 3,   ///< an earlier event of its key is a letter
  expired = 4,      ///< its time to live ended
  rejected = 5,     ///< the handler said peal::reject
  overloaded = 6,   ///< published inside a handler into a topic that had no room for too long
  undecodable = 7,  ///< its stored form could not be read
  crashed = 8,      ///< the process ended in its handler too often
};

constexpr std::string_view to_string(dead_cause cause) noexcept {
  switch (cause) {
    case dead_cause::failed: return "failed";
    case dead_cause::timed_out: return "timed_out";
    case dead_cause::blocked_by: return "blocked_by";
    case dead_cause::expired: return "expired";
    case dead_cause::rejected: return "rejected";
    case dead_cause::overloaded: return "overloaded";
    case dead_cause::undecodable: return "undecodable";
    case dead_cause::crashed: return "crashed";
  }
  return "unknown";
}

}  // namespace peal::inline v0
