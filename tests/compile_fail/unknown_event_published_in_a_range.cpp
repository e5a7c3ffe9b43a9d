// SPDX-License-Identifier: MIT
// expect: peal: this bus does not carry the event that is published
#include <peal/bus/bus.hpp>

struct order {};
struct refund {};

std::size_t use(peal::bus<order>& bus, order* orders, [[maybe_unused]] refund* refunds) {
#ifdef PEAL_EXPECT_FAIL
  return bus.publish_range(refunds, 3);
#else
  return bus.publish_range(orders, 3);
#endif
}
