// SPDX-License-Identifier: MIT
// expect: peal: this bus does not carry the event that is published
#include <peal/bus/bus.hpp>

struct order {};
struct refund {};

using till = peal::bus<peal::topic<order, peal::single_producer>>;
void use(till& bus) {
#ifdef PEAL_EXPECT_FAIL
  peal::sole_publisher<refund>{bus}.publish(refund{});
#else
  peal::sole_publisher<order>{bus}.publish(order{});
#endif
}
