// SPDX-License-Identifier: MIT
// expect: peal: a key of ordered_by{…} takes none of this subscription's events; each key names one of them
#include <peal/bus/bus.hpp>

struct order {
  long id;
};
struct refund {
  long id;
};

peal::subscription wire(peal::bus<peal::topic<order, refund>>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::ordered_by{&order::id, &refund::id});
#else
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::ordered_by{&order::id});
#endif
}
