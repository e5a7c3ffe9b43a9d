// SPDX-License-Identifier: MIT
// expect: peal: expires needs to know when an event was published; give its topic the option peal::timed
#include <peal/bus/bus.hpp>

using namespace std::chrono_literals;

struct order {
  long id;
};

peal::subscription wire(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::expires{2s});
#else
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::timeout{2s});
#endif
}
