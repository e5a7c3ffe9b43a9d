// SPDX-License-Identifier: MIT
// expect: peal: a subscription says twice where it begins; keep one of start_at and transient
#include <peal/bus/durable.hpp>

struct order {
  static constexpr peal::event_name name{"shop.order", 1};
  long id = 0;
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
};

peal::subscription wire(peal::bus<peal::topic<order, peal::durable>>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::transient, peal::start_at::beginning());
#else
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::start_at::beginning());
#endif
}
