// SPDX-License-Identifier: MIT
// expect: peal: the key of an event is text, an integer or an enum
#include <peal/bus/durable.hpp>

struct order {
  static constexpr peal::event_name name{"shop.order", 1};
  double cents = 0;
  long number = 0;
  static constexpr auto fields =
      peal::fields(peal::field{"cents", &order::cents}, peal::field{"number", &order::number});
#ifdef PEAL_EXPECT_FAIL
  static constexpr auto key = &order::cents;
#else
  static constexpr auto key = &order::number;
#endif
};

void make(peal::store& kept) { peal::bus<peal::topic<order, peal::durable>>{peal::bus_options{}, kept}; }
