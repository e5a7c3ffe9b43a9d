// SPDX-License-Identifier: MIT
// expect: peal: the handler cannot be called with an event it is subscribed to
#include <peal/bus/bus.hpp>

struct order {};
struct refund {};

peal::subscription wire(peal::bus<order, refund>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>("books", [](const refund&) {});
#else
  return bus.subscribe<order>("books", [](const order&) {});
#endif
}
