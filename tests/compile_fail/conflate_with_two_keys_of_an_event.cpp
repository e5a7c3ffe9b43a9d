// SPDX-License-Identifier: MIT
// expect: peal: conflate{…} has more than one key for the same event
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
      "screen", [](const price&) {}, peal::behind{peal::conflate{&price::symbol, &price::exchange}});
#else
  return bus.subscribe<price>(
      "screen", [](const price&) {}, peal::behind{peal::conflate{&price::symbol}});
#endif
}
