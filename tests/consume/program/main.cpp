// SPDX-License-Identifier: MIT
// What a user's first program would be; each way to get peal builds and runs it.
#include <peal/peal.hpp>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

struct order_placed {
  std::string order_id;
  int cents = 0;
};
struct payment_taken {
  std::string order_id;
};

int main() {
  int charged = 0;
  int mails = 0;
  peal::bus<order_placed, payment_taken> bus;
  const auto billing = bus.subscribe<order_placed>(
      "billing",
      [&charged](const order_placed& o, peal::delivery& d) -> payment_taken {
        if (d.attempt() == 1) throw std::runtime_error("the gateway is busy");
        charged += o.cents;
        return {o.order_id};
      },
      peal::idempotent{&order_placed::order_id},
      peal::on<std::runtime_error>(peal::backoff{.attempts = 3, .first = std::chrono::milliseconds{1}}),
      peal::otherwise(peal::dead_letter));
  const auto mail = bus.subscribe<payment_taken>("mail", [&mails](const payment_taken&) { ++mails; });

  bus.publish(order_placed{"o-1", 4200});
  bus.publish(order_placed{"o-2", 58});
  bus.publish(order_placed{"o-1", 4200});
  const bool settled{bus.settle()};
  const bool complete = bus.drain(std::chrono::seconds{20}).complete;

  std::printf("peal %d.%d.%d: %d cents charged, %d mails\n", peal::version_major, peal::version_minor,
              peal::version_patch, charged, mails);
  return settled && complete && charged == 4258 && mails == 2 ? 0 : 1;
}
