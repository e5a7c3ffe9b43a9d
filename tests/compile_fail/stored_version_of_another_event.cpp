// SPDX-License-Identifier: MIT
// expect: peal: the previous version of an event has another name
#include <peal/codec/upcast.hpp>

#include <string>

struct order_v1 {
  std::string id;
  static constexpr peal::event_name name{"shop.order", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &order_v1::id});
};
struct order {
  std::string id;
  using previous = order_v1;
  static order upcast(order_v1&& old) { return {std::move(old.id)}; }
#ifdef PEAL_EXPECT_FAIL
  static constexpr peal::event_name name{"shop.orders", 2};
#else
  static constexpr peal::event_name name{"shop.order", 2};
#endif
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
};

order read(std::span<const std::byte> in) { return peal::decode_version<order>(1, in); }
