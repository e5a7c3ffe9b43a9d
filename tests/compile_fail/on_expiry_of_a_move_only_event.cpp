// SPDX-License-Identifier: MIT
// expect: peal: on_expiry(dead_letter) keeps events aside, which needs them copyable
#include <peal/bus/bus.hpp>

struct order {
  explicit order(long n) : id{n} {}
  order(order&&) = default;
  long id;
};

peal::subscription wire(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::on_expiry(peal::dead_letter), peal::otherwise(peal::discard));
#else
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::otherwise(peal::discard));
#endif
}
