// SPDX-License-Identifier: MIT
// expect: peal: a subscription says on_expiry twice; keep one
#include <peal/bus/bus.hpp>

struct order {
  long id;
};

peal::subscription wire(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::on_expiry(peal::dead_letter), peal::on_expiry(peal::dead_letter));
#else
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::on_expiry(peal::dead_letter));
#endif
}
