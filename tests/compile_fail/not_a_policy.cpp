// SPDX-License-Identifier: MIT
// expect: peal: an argument behind the handler is not a policy
#include <peal/bus/bus.hpp>

struct order {
  int pieces;
};

peal::subscription wire(peal::bus<order>& bus) {
  const auto large = [](const order& o) { return o.pieces > 99; };
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>(
      "stock", [](const order&) {}, large);
#else
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::filter{large});
#endif
}
