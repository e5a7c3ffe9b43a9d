// SPDX-License-Identifier: MIT
// expect: peal: a declared field needs a name of letters, digits, _ and -, and no name may be there twice
#include <peal/codec/codec.hpp>

#include <string>

struct order {
  std::string id;
  int cents;
  static constexpr peal::event_name name{"shop.order", 1};
#ifdef PEAL_EXPECT_FAIL
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id}, peal::field{"id", &order::cents});
#else
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id}, peal::field{"cents", &order::cents});
#endif
};

void write(const order& o, peal::byte_buffer& out) { peal::encode(o, out); }
