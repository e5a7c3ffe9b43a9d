// SPDX-License-Identifier: MIT
// expect: peal: this bus does not carry an event of a subscriber made from it
#include <peal/bus/bus.hpp>

struct order {};
struct refund {};

void use(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  const peal::subscriber<refund> in = bus;
#else
  const peal::subscriber<order> in = bus;
#endif
}
