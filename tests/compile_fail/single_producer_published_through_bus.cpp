// SPDX-License-Identifier: MIT
// expect: peal: this event's topic is single_producer; publish it through bus.sole_publisher<E>()
#include <peal/bus/bus.hpp>

struct tick {};

void use(peal::bus<peal::topic<tick, peal::single_producer>>& bus) {
#ifdef PEAL_EXPECT_FAIL
  bus.publish(tick{});
#else
  bus.sole_publisher<tick>().publish(tick{});
#endif
}
