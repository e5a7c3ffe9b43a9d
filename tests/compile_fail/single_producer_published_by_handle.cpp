// SPDX-License-Identifier: MIT
// expect: peal: this event's topic is single_producer; publish it through bus.sole_publisher<E>()
#include <peal/bus/bus.hpp>

struct tick {};

#ifdef PEAL_EXPECT_FAIL
using clock_bus = peal::bus<peal::topic<tick, peal::single_producer>>;
#else
using clock_bus = peal::bus<tick>;
#endif

peal::publisher<tick> wire(clock_bus& bus) { return bus; }
