// SPDX-License-Identifier: MIT
// expect: peal:
#include <peal/bus/durable.hpp>

struct order {
  static constexpr peal::event_name name{"shop.order", 1};
  long id = 0;
#ifndef PEAL_EXPECT_FAIL
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
#endif
};

void make(peal::store& kept) { peal::bus<peal::topic<order, peal::durable>>{peal::bus_options{}, kept}; }
