// SPDX-License-Identifier: MIT
// expect: peal: this bus does not carry the event of a handle made from it
#include <peal/bus/bus.hpp>

struct order {};
struct refund {};

struct payment {};
void use(peal::bus<order, payment>& bus) {
#ifdef PEAL_EXPECT_FAIL
  const peal::subscriber<order, peal::publishes<refund>> in = bus;
#else
  const peal::subscriber<order, peal::publishes<payment>> in = bus;
#endif
}
