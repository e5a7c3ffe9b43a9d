// SPDX-License-Identifier: MIT
// expect: peal: this bus does not carry the event whose letters are asked for
#include <peal/bus/bus.hpp>

struct order {};
struct refund {};

std::size_t use(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.dead_letters<refund>().size();
#else
  return bus.dead_letters<order>().size();
#endif
}
