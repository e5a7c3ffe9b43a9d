// SPDX-License-Identifier: MIT
// expect: peal: a gap in the versions of an event: its older versions cannot be read
#include <peal/codec/upcast.hpp>

#include <string>

struct order_v1 {
  std::string id;
  static constexpr peal::event_name name{"shop.order", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &order_v1::id});
};
struct order {
  std::string id;
  static constexpr peal::event_name name{"shop.order", 2};
#ifndef PEAL_EXPECT_FAIL
  static constexpr std::uint32_t oldest_version = 2;
#endif
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
};

order read(std::span<const std::byte> in) { return peal::decode_version<order>(1, in); }
