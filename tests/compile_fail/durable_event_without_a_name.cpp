// SPDX-License-Identifier: MIT
// expect: peal: an event that leaves the process needs a name that a person gave it
#include <peal/bus/durable.hpp>

struct order {
#ifndef PEAL_EXPECT_FAIL
  static constexpr peal::event_name name{"shop.order", 1};
#endif
  long id = 0;
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
};

void make(peal::store& kept) { peal::bus<peal::topic<order, peal::durable_as<"orders">>>{peal::bus_options{}, kept}; }
