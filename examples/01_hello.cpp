// SPDX-License-Identifier: MIT
// A bus, a handler, an event: what the README begins with.
#include <cstdio>
#include <peal/peal.hpp>
#include <string>

struct order_placed {
  std::string order_id;
  int cents = 0;
};

int main() {
  peal::bus<order_placed> bus;

  auto billing = bus.subscribe<order_placed>(
      "billing", [](const order_placed& o) { std::printf("billing %s: %d cents\n", o.order_id.c_str(), o.cents); });

  bus.publish(order_placed{"o-1", 4200});
  bus.publish(order_placed{"o-2", 350});
  bus.settle();  // everything accepted so far has been handled
}

// prints: billing o-1: 4200 cents
// prints: billing o-2: 350 cents
