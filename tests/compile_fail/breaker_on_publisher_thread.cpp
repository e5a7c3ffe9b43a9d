// SPDX-License-Identifier: MIT
// expect: peal: breaker does not go with on_publisher_thread
#include <peal/bus/bus.hpp>

struct order {
  long id;
};

peal::subscription wire(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::breaker{}, peal::on_publisher_thread);
#else
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::breaker{});
#endif
}
