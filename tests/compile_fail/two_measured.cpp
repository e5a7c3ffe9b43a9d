// SPDX-License-Identifier: MIT
// expect: peal: a subscription has two measured policies; keep one
#include <peal/bus/bus.hpp>

struct order {
  long id;
};

peal::subscription wire(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>(
      "s", [](const order&) {}, peal::measured{}, peal::measured{.one_in = 1});
#else
  return bus.subscribe<order>(
      "s", [](const order&) {}, peal::measured{.one_in = 1});
#endif
}
