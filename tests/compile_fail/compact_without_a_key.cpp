// SPDX-License-Identifier: MIT
// expect: peal: compact keeps the newest event of each key, and no event of this topic declares one
#include <peal/bus/durable.hpp>

#include <string>

struct order {
  static constexpr peal::event_name name{"shop.order", 1};
  std::string id;
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
#ifndef PEAL_EXPECT_FAIL
  static constexpr auto key = &order::id;
#endif
};

void keep(peal::bus<peal::topic<order, peal::durable>>& bus) { bus.compact<order>(); }
