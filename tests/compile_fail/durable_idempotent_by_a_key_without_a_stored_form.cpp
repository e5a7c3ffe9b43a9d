// SPDX-License-Identifier: MIT
// expect: peal: this topic is durable, and the key of idempotent{…} has a type that cannot be stored; use an integer of <cstdint>, std::string or a type with declared fields, or make the subscription peal::transient
#include <peal/bus/durable.hpp>

struct order {
  static constexpr peal::event_name name{"shop.order", 1};
  std::int64_t id = 0;
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
};

inline auto subscribe(peal::bus<peal::topic<order, peal::durable>>& bus) {
  const auto key = [](const order& o) {
#ifdef PEAL_EXPECT_FAIL
    return &o;
#else
    return o.id;
#endif
  };
  return bus.subscribe<order>(
      "charge", [](const order&) {}, peal::idempotent{key});
}
