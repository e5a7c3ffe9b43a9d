// SPDX-License-Identifier: MIT
// expect: peal: a declared field has a type that cannot be encoded
#include <peal/codec/codec.hpp>

#include <string>

struct order {
#ifdef PEAL_EXPECT_FAIL
  const char* id;
#else
  std::string id;
#endif
  static constexpr peal::event_name name{"shop.order", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
};

void write(const order& o, peal::byte_buffer& out) { peal::encode(o, out); }
