// SPDX-License-Identifier: MIT
// expect: peal: the events of one subscription must share a topic
#include <peal/bus/bus.hpp>

struct order {};
struct refund {};

#ifdef PEAL_EXPECT_FAIL
using shop = peal::bus<order, refund>;
#else
using shop = peal::bus<peal::topic<order, refund>>;
#endif

peal::subscription wire(shop& bus) {
  return bus.subscribe<order, refund>("books", [](const auto&) {});
}
