// SPDX-License-Identifier: MIT
// expect: peal: an event is named in two topics of one bus
#include <peal/bus/bus.hpp>

struct order {};
struct refund {};

#ifdef PEAL_EXPECT_FAIL
using shop = peal::bus<order, peal::topic<refund, order>>;
#else
using shop = peal::bus<peal::topic<refund, order>>;
#endif

void use(shop& bus) { bus.publish(order{}); }
