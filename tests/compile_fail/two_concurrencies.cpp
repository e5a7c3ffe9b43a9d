// SPDX-License-Identifier: MIT
// expect: peal: a subscription has two concurrency policies; keep one
#include <peal/bus/bus.hpp>

struct order {
  long id;
};

peal::subscription wire(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::concurrency{4}, peal::concurrency{2});
#else
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::concurrency{4});
#endif
}
