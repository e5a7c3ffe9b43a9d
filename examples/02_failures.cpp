// SPDX-License-Identifier: MIT
// A gateway that fails now and then: retries with back-off, each order charged once, dead letters for the hopeless.
#include <chrono>
#include <cstdio>
#include <peal/peal.hpp>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

struct order_placed {
  std::string order_id;
  int cents = 0;
};
struct payment_taken {
  std::string order_id;
};
struct gateway_timeout : std::runtime_error {
  using std::runtime_error::runtime_error;
};

int main() {
  peal::bus<order_placed, payment_taken> bus;

  auto billing = bus.subscribe<order_placed>(
      "billing",
      [](const order_placed& o, const peal::delivery& d) -> payment_taken {
        if (o.cents <= 0) throw std::invalid_argument("nothing to pay");
        if (d.attempt() < 3) throw gateway_timeout("the gateway did not answer");
        return {o.order_id};  // published once this handler has succeeded
      },
      peal::idempotent{&order_placed::order_id},
      peal::on<gateway_timeout>(peal::backoff{.attempts = 5, .first = 1ms, .cap = 10ms}),
      peal::otherwise(peal::dead_letter));

  auto mail = bus.subscribe<payment_taken>(
      "mail", [](const payment_taken& p) { std::printf("mail: %s is paid\n", p.order_id.c_str()); });

  bus.publish(order_placed{"o-1", 4200});
  bus.publish(order_placed{"o-1", 4200});  // a duplicate, as a network makes them
  bus.publish(order_placed{"o-2", 0});
  bus.settle();

  for (const auto& letter : bus.dead_letters<order_placed>({.subscription = "billing"})) {
    std::printf("letter: %s, %s\n", letter.event.order_id.c_str(), letter.errors.front().what.c_str());
  }
  const auto counts = billing.statistics();
  std::printf("handled %d, deduplicated %d, dead %d\n", static_cast<int>(counts.handled),
              static_cast<int>(counts.deduplicated), static_cast<int>(counts.dead));
}

// prints: mail: o-1 is paid
// prints: letter: o-2, nothing to pay
// prints: handled 1, deduplicated 1, dead 1
