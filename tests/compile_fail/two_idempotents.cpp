// SPDX-License-Identifier: MIT
// expect: peal: a subscription has two idempotent policies; keep one, with all its keys
#include <peal/bus/bus.hpp>

struct order {
  long id;
};
struct refund {
  long id;
};

peal::subscription wire(peal::bus<peal::topic<order, refund>>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order, refund>(
      "stock", [](const auto&) {}, peal::idempotent{&order::id}, peal::idempotent{&refund::id});
#else
  return bus.subscribe<order, refund>(
      "stock", [](const auto&) {}, peal::idempotent{&order::id, &refund::id});
#endif
}
