// SPDX-License-Identifier: MIT
// expect: peal: this bus does not carry the event that is published
#include <peal/bus/bus.hpp>

struct order {};
struct refund {};

void use(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  bus.publish(refund{});
#else
  bus.publish(order{});
#endif
}
