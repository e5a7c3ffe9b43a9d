// SPDX-License-Identifier: MIT
// expect: peal: compact is about what a store keeps; make the topic durable
#include <peal/bus/durable.hpp>

#include <string>

struct order {
  static constexpr peal::event_name name{"shop.order", 1};
  std::string id;
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
  static constexpr auto key = &order::id;
};

#ifdef PEAL_EXPECT_FAIL
void keep(peal::bus<order>& bus) { bus.compact<order>(); }
#else
void keep(peal::bus<peal::topic<order, peal::durable>>& bus) { bus.compact<order>(); }
#endif
