// SPDX-License-Identifier: MIT
// When there is too much: a breaker spares a gateway that is down, a rate keeps to what was agreed, and a screen that
// cannot keep up shows the newest price of each article.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <peal/peal.hpp>
#include <stdexcept>
#include <string>
#include <thread>

using namespace std::chrono_literals;

struct order_placed {
  int number = 0;
};
struct payment_taken {
  int number = 0;
};
struct price_changed {
  std::string article;
  int cents = 0;
};
struct gateway_down : std::runtime_error {
  using std::runtime_error::runtime_error;
};

int main() {
  std::atomic<bool> down{true};
  std::atomic<int> mails{0};
  peal::bus<order_placed, payment_taken, price_changed> bus;

  auto payment = bus.subscribe<order_placed>(
      "payment",
      [&](const order_placed& o) -> payment_taken {
        if (down) throw gateway_down("no route to the bank");
        return {o.number};
      },
      peal::breaker{.failure_ratio = 0.5, .window = {.runs = 20}, .minimum = 4, .open_for = 1s},
      peal::on<gateway_down>(peal::backoff{.attempts = 5, .first = 200ms, .spread = peal::jitter::none}));
  auto mail = bus.subscribe<payment_taken>(
      "mail", [&](const payment_taken&) { ++mails; }, peal::rate{.per_second = 1000, .burst = 1});
  auto screen = bus.subscribe<price_changed>(
      "screen", [](const price_changed& p) { std::printf("screen: %s costs %d\n", p.article.c_str(), p.cents); },
      peal::behind{peal::conflate{&price_changed::article}}, peal::on_poll);

  for (int n = 1; n <= 20; ++n) bus.publish(order_placed{n});
  while (payment.statistics().breaker != peal::breaker_state::open) std::this_thread::yield();
  for (const auto& why : bus.settle_for(100ms).waiting_for) std::printf("%s\n", why.c_str());
  std::printf("%s, %d calls have failed\n", bus.health() == peal::health::degraded ? "degraded" : "ok",
              static_cast<int>(payment.statistics().failures));

  down = false;  // the breaker finds out by itself
  const auto began = std::chrono::steady_clock::now();
  bus.settle();
  const auto counts = payment.statistics();
  std::printf("paid %d, letters %d, opened %d\n", static_cast<int>(counts.handled), static_cast<int>(counts.dead),
              static_cast<int>(counts.breaker_opened));
  const bool kept_to_it = std::chrono::steady_clock::now() - began >= 19ms;
  std::printf("mailed %d, %s\n", mails.load(), kept_to_it ? "not faster than agreed" : "too fast");

  for (int cents = 100; cents <= 199; ++cents) {
    for (const char* article : {"cup", "jug", "pot"}) bus.publish(price_changed{article, cents});
  }
  while (bus.poll() != 0) {
  }
  std::printf("%d price changes were out of date\n", static_cast<int>(screen.statistics().dropped));
}

// prints: subscription "payment": its breaker is open, 16 unread, 4 kept aside
// prints: degraded, 4 calls have failed
// prints: paid 20, letters 0, opened 1
// prints: mailed 20, not faster than agreed
// prints: screen: cup costs 199
// prints: screen: jug costs 199
// prints: screen: pot costs 199
// prints: 297 price changes were out of date
