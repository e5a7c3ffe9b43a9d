// SPDX-License-Identifier: MIT
// expect: peal: a subscription has two breaker policies; keep one
#include <peal/bus/bus.hpp>

struct order {
  long id;
};

peal::subscription wire(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::breaker{}, peal::breaker{.probes = 2});
#else
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::breaker{.probes = 2});
#endif
}
