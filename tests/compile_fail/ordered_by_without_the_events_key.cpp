// SPDX-License-Identifier: MIT
// expect: peal: ordered_by{…} has no key for an event of this subscription; add a member pointer or a function that takes it
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
      "stock", [](const auto&) {}, peal::ordered_by{&order::id});
#else
  return bus.subscribe<order, refund>(
      "stock", [](const auto&) {}, peal::ordered_by{&order::id, &refund::id});
#endif
}
