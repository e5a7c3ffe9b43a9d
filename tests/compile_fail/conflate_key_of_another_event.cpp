// SPDX-License-Identifier: MIT
// expect: peal: a key of conflate{…} takes none of this subscription's events
#include <peal/bus/bus.hpp>

struct price {
  long symbol;
  long exchange;
};
struct other {
  long number;
};

peal::subscription wire(peal::bus<price>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<price>(
      "screen", [](const price&) {}, peal::behind{peal::conflate{&price::symbol, &other::number}});
#else
  return bus.subscribe<price>(
      "screen", [](const price&) {}, peal::behind{peal::conflate{&price::symbol}});
#endif
}
