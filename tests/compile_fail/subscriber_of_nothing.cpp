// SPDX-License-Identifier: MIT
// expect: peal: a subscriber names the events it subscribes to
#include <peal/bus/bus.hpp>

struct order {};
struct refund {};

void use(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  const peal::subscriber<peal::publishes<order>> in = bus;
#else
  const peal::subscriber<order, peal::publishes<order>> in = bus;
#endif
}
