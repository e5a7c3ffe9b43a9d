// SPDX-License-Identifier: MIT
// expect: peal: a subscription has two expires policies; keep one
#include <peal/bus/bus.hpp>

using namespace std::chrono_literals;

struct order {
  long id;
};

peal::subscription wire(peal::bus<peal::topic<order, peal::timed>>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::expires{2s}, peal::expires{3s});
#else
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::expires{2s});
#endif
}
