// SPDX-License-Identifier: MIT
// expect: peal: this bus does not carry the event that is published
#include <peal/bus/bus.hpp>

struct order {};
struct refund {};

using till = peal::bus<peal::topic<order, peal::single_producer>>;
void use(till& bus) {
#ifdef PEAL_EXPECT_FAIL
  bus.sole_publisher<refund>().publish(refund{});
#else
  bus.sole_publisher<order>().publish(order{});
#endif
}
