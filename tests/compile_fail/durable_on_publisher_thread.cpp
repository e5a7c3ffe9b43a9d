// SPDX-License-Identifier: MIT
// expect: peal: on_publisher_thread does not go with a durable topic
#include <peal/bus/durable.hpp>

struct order {
  static constexpr peal::event_name name{"shop.order", 1};
  long id = 0;
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
};

peal::subscription wire(peal::bus<peal::topic<order, peal::durable>>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::on_publisher_thread);
#else
  return bus.subscribe<order>("stock", [](const order&) {});
#endif
}
