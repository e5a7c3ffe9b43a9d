// SPDX-License-Identifier: MIT
// expect: peal: a handler on the publisher's thread cannot back off or pause
#include <peal/bus/bus.hpp>

struct order {
  long id;
};

peal::subscription wire(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::otherwise(peal::pause{}), peal::on_publisher_thread);
#else
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::otherwise(peal::pause{}));
#endif
}
