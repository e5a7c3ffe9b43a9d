// SPDX-License-Identifier: MIT
// Places in stored topics: as keys of claims, and found by what a person says.
#pragma once

#include <peal/bus/placement.hpp>
#include <peal/ring/sequence.hpp>
#include <peal/store/store.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace peal::inline v0::detail {

/// A claim with the memory that its record names.
struct own_claim {
  std::string scope;
  std::string key;
};

/// "shop.orders 1042"
inline std::string place_key(std::string_view topic, position at) {
  return std::string(topic).append(" ").append(std::to_string(at));
}
/// False: the key is of another topic.
inline bool place_in_key(std::string_view key, std::string_view topic, position& at) noexcept {
  if (key.size() <= topic.size() || key[topic.size()] != ' ' || key.substr(0, topic.size()) != topic) return false;
  at = 0;
  for (const char digit : key.substr(topic.size() + 1)) at = at * 10 + static_cast<position>(digit - '0');
  return true;
}

/// Where a subscription begins that says so. Errors: store_error.
inline position place_of(const store& kept, std::string_view topic, const start_at& where) {
  enum class kind : std::uint8_t { next, position, time } from{};
  std::uint64_t value = 0;
  where.set(from, value);
  const topic_range there = kept.range(topic);
  position at = from == kind::position ? value : there.next;
  if (from == kind::time) {
    const auto then = static_cast<wall_time>(value);
    (void)kept.read(topic, there.first, ~std::size_t{0}, [&](const stored_event& e) {
      if (e.published >= then) at = e.position;
      return e.published < then;
    });
  }
  return at < there.first ? there.first : at;
}

/// Deliveries before it are repeated; 0: none are. A claim: scope "replay of <subscription>". Errors: store_error.
inline position replay_end(const store& kept, std::string_view subscription, std::string_view topic) {
  position end = 0;
  kept.claims(replay_scope(subscription), [&](const stored_claim& c) {
    position at = 0;
    if (place_in_key(c.key, topic, at) && at > end) end = at;
  });
  return end;
}

}  // namespace peal::inline v0::detail
