// SPDX-License-Identifier: MIT
// An order that nobody pays: a reminder, then the end, both published later and taken back by a payment.
#include <chrono>
#include <cstdio>
#include <map>
#include <peal/peal.hpp>
#include <string>

using namespace std::chrono_literals;

struct order_placed {
  std::string order_id;
};
struct payment_taken {
  std::string order_id;
};
struct payment_due {
  std::string order_id;
};
struct order_cancelled {
  std::string order_id;
};

// One topic: these change the same state, so they come one after the other and need no lock.
using shop = peal::bus<peal::topic<order_placed, payment_taken, payment_due>, order_cancelled>;

int main() {
  shop bus;
  std::map<std::string, peal::timer_id> unpaid;

  auto patience = bus.subscribe<order_placed, payment_taken, payment_due>(
      "patience", peal::overloaded{
                      [&](const order_placed& o) {
                        const auto wait = o.order_id == "o-2" ? 5ms : 24h;  // o-2 has been reminded before
                        unpaid[o.order_id] = bus.publish_after(payment_due{o.order_id}, wait);
                      },
                      [&](const payment_taken& p) {
                        const auto timer = bus.cancel(unpaid[p.order_id]);
                        std::printf("%s is paid, its reminder is %s\n", p.order_id.c_str(), to_string(timer).data());
                      },
                      [&](const payment_due& d) { bus.publish(order_cancelled{d.order_id}); },
                  });

  peal::event_count<> ended;
  std::atomic<bool> cancelled{false};
  auto warehouse = bus.subscribe<order_cancelled>("warehouse", [&](const order_cancelled& o) {
    std::printf("%s goes back to the shelf\n", o.order_id.c_str());
    cancelled.store(true);
    ended.notify_all(peal::side::rare);
  });

  bus.publish(order_placed{"o-1"});
  bus.publish(order_placed{"o-2"});
  bus.publish(payment_taken{"o-1"});
  ended.wait([&] { return cancelled.load(); });

  bus.publish(order_placed{"o-3"});
  const auto report = bus.drain(1s);
  std::printf("closing time: %d reminder left\n", static_cast<int>(report.timers));
}

// prints: o-1 is paid, its reminder is cancelled
// prints: o-2 goes back to the shelf
// prints: closing time: 1 reminder left
