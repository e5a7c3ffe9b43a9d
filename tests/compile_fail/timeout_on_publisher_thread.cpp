// SPDX-License-Identifier: MIT
// expect: peal: timeout does not go with on_publisher_thread, where the publisher waits for the handler however
#include <peal/bus/bus.hpp>

using namespace std::chrono_literals;

struct order {
  long id;
};

peal::subscription wire(peal::bus<order>& bus) {
#ifdef PEAL_EXPECT_FAIL
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::timeout{2s}, peal::on_publisher_thread);
#else
  return bus.subscribe<order>(
      "stock", [](const order&) {}, peal::timeout{2s});
#endif
}
