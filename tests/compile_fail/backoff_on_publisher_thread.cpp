// SPDX-License-Identifier: MIT
// expect: peal: a handler on the publisher's thread cannot back off
#include <peal/bus/bus.hpp>

struct order {};
struct timeout {};

peal::subscription wire(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::on_publisher_thread, peal::on<timeout>(peal::backoff{}),
      peal::otherwise(peal::dead_letter));
#else
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::on<timeout>(peal::backoff{}), peal::otherwise(peal::dead_letter));
#endif
}
