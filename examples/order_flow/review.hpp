// SPDX-License-Identifier: MIT
// The dead letters as a person sees them who has to decide what becomes of each.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "rules.hpp"
#include "shop.hpp"

namespace order_flow {

struct review {
  std::set<std::string> rejected;                ///< orders that are not good; one published twice has two letters
  std::map<std::string, std::uint64_t> letters;  ///< how many, by what the last run said
  std::uint64_t lost = 0;                        ///< letters of anything else: its attempts were not enough
};

template <class E, class Bus>
void read_letters(const Bus& bus, review& result) {
  for (const auto& letter : bus.template dead_letters<E>({})) {
    ++result.letters[letter.errors.empty() ? "unknown" : letter.errors.back().what];
    if constexpr (requires { objection(letter.event); }) {
      if (!objection(letter.event).empty()) {
        result.rejected.insert(letter.event.order_id);
        continue;
      }
    }
    ++result.lost;
  }
}

template <class Bus>
review read_letters(const Bus& bus) {
  review result;
  read_letters<order_placed>(bus, result);
  read_letters<order_cancelled>(bus, result);
  read_letters<stock_reserved>(bus, result);
  read_letters<payment_taken>(bus, result);
  read_letters<payment_returned>(bus, result);
  read_letters<order_shipped>(bus, result);
  return result;
}

}  // namespace order_flow
