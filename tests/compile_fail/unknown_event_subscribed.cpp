// SPDX-License-Identifier: MIT
// expect: peal: this bus does not carry an event that is subscribed to
#include <peal/bus/bus.hpp>

struct order {};
struct refund {};

peal::subscription wire(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<refund>("books", [](const refund&) {});
#else
  return bus.subscribe<order>("books", [](const order&) {});
#endif
}
