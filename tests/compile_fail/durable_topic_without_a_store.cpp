// SPDX-License-Identifier: MIT
// expect: peal: a topic of this bus is durable; give the bus the store that it is kept in: bus{options, store}
#include <peal/bus/durable.hpp>

struct order {
  static constexpr peal::event_name name{"shop.order", 1};
  long id = 0;
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
};
using shop = peal::bus<peal::topic<order, peal::durable>>;

#ifdef PEAL_EXPECT_FAIL
shop make(peal::store&) { return shop{peal::bus_options{}}; }
#else
void make(peal::store& kept) { shop{peal::bus_options{}, kept}; }
#endif
