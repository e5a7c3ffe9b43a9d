// SPDX-License-Identifier: MIT
// expect: peal: the handler returns an event that this bus does not carry
#include <peal/bus/bus.hpp>

struct order {};
struct payment {};
struct refund {};

peal::subscription wire(peal::bus<order, payment>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>("till", [](const order&) { return refund{}; });
#else
  return bus.subscribe<order>("till", [](const order&) { return payment{}; });
#endif
}
