// SPDX-License-Identifier: MIT
// expect: peal: ordered_by does not go with conflate
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
      "screen", [](const price&) {}, peal::behind{peal::conflate{&price::symbol}}, peal::ordered_by{&price::symbol});
#else
  return bus.subscribe<price>(
      "screen", [](const price&) {}, peal::behind{peal::conflate{&price::symbol}});
#endif
}
