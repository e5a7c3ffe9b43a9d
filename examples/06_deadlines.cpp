// SPDX-License-Identifier: MIT
// A gateway that hangs, an offer that is over, a parcel that must leave in time: what time does to events.
#include <chrono>
#include <cstdio>
#include <peal/peal.hpp>
#include <string>
#include <thread>

using namespace std::chrono_literals;

struct order_placed {
  std::string order_id;
};
struct parcel_packed {
  std::string order_id;
};
struct offer {
  std::string text;
};

int main() {
  peal::bus<order_placed, parcel_packed, peal::topic<offer, peal::timed>> bus;
  std::atomic<bool> named{false};

  // Nothing interrupts a handler: it asks. One that fails when its time is over is `timed_out`, and has a rule for that.
  auto payment = bus.subscribe<order_placed>(
      "payment",
      [&](const order_placed& o, peal::delivery& d) -> parcel_packed {
        while (d.attempt() == 1 && !(named && d.expired())) std::this_thread::yield();  // the gateway hangs
        if (d.attempt() == 1) throw std::runtime_error("the gateway does not answer");
        std::printf("%s is paid at attempt %u\n", o.order_id.c_str(), d.attempt());
        return {o.order_id};
      },
      peal::timeout{5ms}, peal::on<peal::timed_out>(peal::backoff{.attempts = 3, .first = 1ms}));

  // What it returns must be handled as soon as what it has handled.
  auto dispatch = bus.subscribe<parcel_packed>("dispatch", [](const parcel_packed& p, peal::delivery& d) {
    std::printf("%s leaves %s\n", p.order_id.c_str(), d.time_left() <= 1h ? "within the hour" : "some day");
  });

  bus.publish(order_placed{"o-1"}, {.time_to_live = 1h});

  while (bus.health() == peal::health::ok) std::this_thread::yield();
  for (const peal::overdue_handler& h : bus.statistics().overdue) {
    std::printf("%s hangs with %s\n", h.subscription.c_str(), h.event.c_str());
  }
  named = true;
  bus.settle_for(10s);

  // An offer is worth nothing after 10 ms: who comes too late keeps it as a letter, or would only count it.
  auto banner = bus.subscribe<offer>(
      "banner", [](const offer& o) { std::printf("shown: %s\n", o.text.c_str()); }, peal::expires{.after = 10ms},
      peal::on_expiry(peal::dead_letter));
  banner.pause();
  bus.publish(offer{"tea, half price"});
  std::this_thread::sleep_for(20ms);
  banner.resume();
  bus.settle();
  for (const auto& l : bus.dead_letters<offer>({.cause = peal::dead_cause::expired})) {
    std::printf("too late: %s\n", l.event.text.c_str());
  }
}

// prints: payment hangs with order_placed
// prints: o-1 is paid at attempt 2
// prints: o-1 leaves within the hour
// prints: too late: tea, half price
