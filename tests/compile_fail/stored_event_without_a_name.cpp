// SPDX-License-Identifier: MIT
// expect: peal: an event that leaves the process needs a name that a person gave it
#include <peal/codec/codec.hpp>

#include <string>

struct order {
  std::string id;
#ifndef PEAL_EXPECT_FAIL
  static constexpr peal::event_name name{"shop.order", 1};
#endif
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
};

void write(const order& o, peal::byte_buffer& out) { peal::encode(o, out); }
