// SPDX-License-Identifier: MIT
// expect: peal: only a topic with the option peal::single_producer has a sole publisher
#include <peal/bus/bus.hpp>

struct tick {};

#ifdef PEAL_EXPECT_FAIL
using clock_bus = peal::bus<tick>;
#else
using clock_bus = peal::bus<peal::topic<tick, peal::single_producer>>;
#endif

void use(clock_bus& bus) { bus.sole_publisher<tick>().publish(tick{}); }
