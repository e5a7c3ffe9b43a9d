// SPDX-License-Identifier: MIT
// expect: peal: the handler cannot be called with an event it is subscribed to
#include <peal/bus/bus.hpp>

struct order {};

peal::subscription wire(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>("books", [](order&, peal::delivery&) {});
#else
  return bus.subscribe<order>("books", [](const order&, peal::delivery&) {});
#endif
}
