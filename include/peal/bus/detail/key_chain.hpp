// SPDX-License-Identifier: MIT
// The busy keys of a subscription, without their types: what waits behind each, and which letters hold them.
#pragma once

#include <peal/bus/detail/kept.hpp>
#include <peal/detail/list.hpp>
#include <peal/policy/ordering.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace peal::inline v0::detail {

/// One busy key. Exactly one of its events is on its way (aside, due or running), or its first letter holds it.
struct key_chain {
  kept* first = nullptr;  ///< what waits, in the order published
  kept* last = nullptr;
  std::size_t waiting = 0;
  std::uint64_t held_by = 0;      ///< the number of the letter that holds the key; 0: none
  list<std::uint64_t> blocked{};  ///< the numbers of the letters behind it, in order; some may be gone
};

/// The busy keys of one subscription as a whole. Only the owner of its seat's `running` touches it, but for `told`.
struct key_order {
  struct held_key {
    std::uint64_t letter;
    key_chain* chain;
  };

  key_order(const ordering_limits& l, bool hold) noexcept : limits{l}, holds{hold} {}

  [[nodiscard]] bool room(const key_chain& c) const noexcept {
    return c.waiting < limits.per_key && waiting < limits.total;
  }
  [[nodiscard]] key_chain* held_by(std::uint64_t letter) const noexcept {
    const std::size_t at = place_of(letter);
    return at != held.size() && held[at].letter == letter ? held[at].chain : nullptr;
  }
  void forget(std::uint64_t letter) noexcept { held.erase(held.begin() + place_of(letter)); }

  /// A letter was discarded, or is found to be gone. Errors: bad_alloc, nothing changed.
  void tell(std::uint64_t letter) {
    const std::lock_guard lock{told_mutex};
    told.push_back({letter, nullptr});
    untold.fetch_add(1, std::memory_order_release);  // [told]
  }

  const ordering_limits limits;
  const bool holds;
  std::size_t waiting = 0;                       ///< behind all keys
  list<held_key> held{};                         ///< by number
  key_chain* spilling = nullptr;                 ///< what waits there becomes letters as soon as there is room for them
  std::uint64_t stalled_at = ~std::uint64_t{0};  ///< the position that last found no room
  std::mutex told_mutex{};                       ///< no user code runs under it, nor is another lock taken
  list<held_key> told{};                         ///< letters that were discarded
  list<held_key> gone{};                         ///< those that the owner has heard of; letter 0: all of it is back
  std::atomic<std::size_t> untold{0};            ///< how many of both

 private:
  [[nodiscard]] std::size_t place_of(std::uint64_t letter) const noexcept {
    std::size_t low = 0;
    std::size_t high = held.size();
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      (held[middle].letter < letter ? low : high) = held[middle].letter < letter ? middle + 1 : middle;
    }
    return low;
  }
};

}  // namespace peal::inline v0::detail
