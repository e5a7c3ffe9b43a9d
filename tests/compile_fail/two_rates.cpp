// SPDX-License-Identifier: MIT
// expect: peal: a subscription has two rate policies; keep one
#include <peal/bus/bus.hpp>

struct order {
  long id;
};

peal::subscription wire(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::rate{}, peal::rate{.per_second = 2});
#else
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::rate{.per_second = 2});
#endif
}
