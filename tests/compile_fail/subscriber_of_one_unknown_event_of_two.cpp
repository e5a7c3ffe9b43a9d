// SPDX-License-Identifier: MIT
// expect: peal: this bus does not carry an event of a subscriber made from it
#include <peal/bus/bus.hpp>

struct order {};
struct refund {};

struct payment {};
void use(peal::bus<peal::topic<order, payment>>& bus) {
#ifdef PEAL_EXPECT_FAIL
  const peal::subscriber<order, refund> in = bus;
#else
  const peal::subscriber<order, payment> in = bus;
#endif
}
