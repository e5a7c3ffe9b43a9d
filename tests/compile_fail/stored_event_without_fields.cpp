// SPDX-License-Identifier: MIT
// expect: peal: an event that leaves the process needs declared fields
#include <peal/codec/codec.hpp>

#include <string>

struct order {
  std::string id;
  static constexpr peal::event_name name{"shop.order", 1};
#ifndef PEAL_EXPECT_FAIL
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
#endif
};

void write(const order& o, peal::byte_buffer& out) { peal::encode(o, out); }
