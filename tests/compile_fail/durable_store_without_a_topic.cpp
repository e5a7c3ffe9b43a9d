// SPDX-License-Identifier: MIT
// expect: peal: this bus has a store and nothing to keep there; make a topic durable
#include <peal/bus/durable.hpp>

struct order {
  static constexpr peal::event_name name{"shop.order", 1};
  long id = 0;
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
};

#ifdef PEAL_EXPECT_FAIL
void make(peal::store& kept) { peal::bus<order>{peal::bus_options{}, kept}; }
#else
void make(peal::store& kept) { peal::bus<peal::topic<order, peal::durable>>{peal::bus_options{}, kept}; }
#endif
