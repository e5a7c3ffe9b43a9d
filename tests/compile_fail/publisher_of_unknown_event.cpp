// SPDX-License-Identifier: MIT
// expect: peal: this bus does not carry the event of a handle made from it
#include <peal/bus/bus.hpp>

struct order {};
struct refund {};

void use(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  const peal::publisher<refund> out = bus;
#else
  const peal::publisher<order> out = bus;
#endif
}
