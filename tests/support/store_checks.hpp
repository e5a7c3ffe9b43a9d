// SPDX-License-Identifier: MIT
// What every adapter for a store is asked in the same words: the contract, and kill -9.
#pragma once

#include <peal/store/open_options.hpp>
#include <peal/testing/contract/store_contract.hpp>
#include <peal/testing/contract/store_kill_test.hpp>

#include <cstdio>

#include "support/catch.hpp"
#include "support/stress_options.hpp"

namespace peal_test {

/// Without waiting for the disk: it is the same code.
template <class Place>
void keeps_contract() {
  for (const peal::testing::store_case& c : peal::testing::store_contract) {
    Place place{peal::sync::os};
    INFO(c.name);
    std::printf("%s %s\n", peal::testing::run(c, place) ? "  ok  " : "  --  ", c.name.data());
  }
}

template <class Place>
void survives_kills() {
  const auto kills = static_cast<unsigned>(scaled(100));
  for (const auto durability : {peal::sync::full, peal::sync::os}) {
    Place place{durability};
    const auto r = peal::testing::kill_test(place, {.seed = seed(), .kills = kills});
    std::printf("  %s\n", to_string(r).c_str());
    CHECK(r.kills == kills);
    CHECK(r.lost == 0);
    CHECK(r.torn == 0);
  }
}

}  // namespace peal_test
