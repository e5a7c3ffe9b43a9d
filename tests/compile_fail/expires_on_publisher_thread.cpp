// SPDX-License-Identifier: MIT
// expect: peal: expires does not go with on_publisher_thread, where an event is handled before publish returns
#include <peal/bus/bus.hpp>

using namespace std::chrono_literals;

struct order {
  long id;
};

peal::subscription wire(peal::bus<peal::topic<order, peal::timed>>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::expires{2s}, peal::on_publisher_thread);
#else
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::expires{2s});
#endif
}
