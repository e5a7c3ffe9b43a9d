// SPDX-License-Identifier: MIT
// expect: peal: a subscription has two ordered_by policies; keep one, with all its keys
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
      "stock", [](const auto&) {}, peal::ordered_by{&order::id}, peal::ordered_by{&refund::id});
#else
  return bus.subscribe<order, refund>(
      "stock", [](const auto&) {}, peal::ordered_by{&order::id, &refund::id});
#endif
}
