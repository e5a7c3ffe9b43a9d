// SPDX-License-Identifier: MIT
// expect: peal: an event of a durable topic is read back into a default constructed one; give it a default constructor
#include <peal/bus/durable.hpp>

struct order {
  static constexpr peal::event_name name{"shop.order", 1};
#ifndef PEAL_EXPECT_FAIL
  order() = default;
#endif
  explicit order(long n) : id{n} {}
  long id = 0;
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
};

void make(peal::store& kept) { peal::bus<peal::topic<order, peal::durable>>{peal::bus_options{}, kept}; }
