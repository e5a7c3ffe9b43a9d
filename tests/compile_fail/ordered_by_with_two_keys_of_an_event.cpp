// SPDX-License-Identifier: MIT
// expect: peal: ordered_by{…} has more than one key for the same event; keep the one that names it exactly
#include <peal/bus/bus.hpp>

struct order {
  long id;
};

peal::subscription wire(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::ordered_by{&order::id, [](const order& o) { return o.id; }});
#else
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::ordered_by{[](const order& o) { return o.id; }});
#endif
}
