// SPDX-License-Identifier: MIT
// A stepped bus under test: whatever a test does to it, at its end every subscription's account must come out exactly.
#pragma once

#include <peal/peal.hpp>
#include <peal/testing/stepped_runtime.hpp>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace peal_test {

/// The right and the left side of P3's identity, with enough around them to read a failure.
inline std::string account(const peal::subscription_statistics& s) {
  const auto text = [](const char* name, std::uint64_t n) {
    return n == 0 ? "" : std::string(" ") + name + " " + std::to_string(n);
  };
  return s.name + ": accepted " + std::to_string(s.accepted) + " =" + text("handled", s.handled) +
         text("discarded", s.discarded) + text("dead", s.dead) + text("expired", s.expired) +
         text("filtered", s.filtered) + text("deduplicated", s.deduplicated) + text("dropped", s.dropped) +
         text("stopped", s.stopped) + text("abandoned", s.abandoned) + text("waiting", s.waiting) +
         text("(kept", s.kept);
}

/// One kind of event that carries a number; `Tag` makes as many kinds as a test needs.
template <int Tag>
struct numbered {
  int n = 0;
};

/// Lets time pass as one piece, and says what it was for.
struct gateway_down : std::runtime_error {
  explicit gateway_down(const std::string& why = "gateway down") : std::runtime_error(why) {}
};

/// A bus on virtual time. Subscriptions made through it are looked at when the test ends, stopped ones too.
template <class... Topics>
class stepped {
 public:
  explicit stepped(const peal::bus_options& o = {.seed = 7}) : bus{o} {}
  stepped(const stepped&) = delete;
  stepped& operator=(const stepped&) = delete;
  ~stepped() { check_accounts(); }

  template <class... Es, class Handler, class... Ps>
  [[nodiscard]] peal::subscription subscribe(const std::string& name, Handler handler, Ps... policies) {
    return watch(bus.template subscribe<Es...>(name, std::move(handler), std::move(policies)...));
  }
  [[nodiscard]] peal::subscription watch(peal::subscription s) {
    meters_.push_back(s.counters());
    return s;
  }

  /// P3, of every subscription there ever was.
  void check_accounts() const {
    for (const auto& m : meters_) {
      const auto s = m.statistics();
      INFO(account(s));
      CHECK(s.accounted() == s.accepted);
      CHECK(s.kept <= s.waiting);
      CHECK(s.dead < (std::uint64_t{1} << 32U));  // and no counter has gone below nothing
    }
  }

  void advance(std::chrono::nanoseconds d) { bus.runtime().advance(d); }
  std::size_t run() { return bus.runtime().run(); }
  [[nodiscard]] peal::time_point now() { return bus.runtime().now(); }

  peal::testing::stepped_bus<Topics...> bus;

 private:
  std::vector<peal::subscription::meter> meters_;
};

/// A back-off without spread, so that times can be said exactly.
constexpr peal::backoff every(std::chrono::nanoseconds wait, std::uint32_t attempts) {
  return {.attempts = attempts, .first = wait, .cap = wait, .multiplier = 1.0, .spread = peal::jitter::none};
}

}  // namespace peal_test
