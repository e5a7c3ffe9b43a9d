// SPDX-License-Identifier: MIT
// expect: peal: a subscription has two timeout policies; keep one
#include <peal/bus/bus.hpp>

using namespace std::chrono_literals;

struct order {
  long id;
};

peal::subscription wire(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::timeout{2s}, peal::timeout{3s});
#else
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::timeout{2s});
#endif
}
