// SPDX-License-Identifier: MIT
// P27: the retry budget of a bus caps retries at a share of first runs; what it does not cover waits and is not lost.
#include "bus/stepped_support.hpp"

namespace {

using namespace std::chrono_literals;
using peal_test::every;
using peal_test::gateway_down;
using peal_test::stepped;

struct order {
  int id = 0;
};

struct outage_result {
  std::uint64_t retries;
  std::uint64_t throttled;
  std::uint64_t handled_after;
  std::uint64_t dead;
};

/// An outage of a minute under ten orders a second, each tried again every 100 ms; then the gateway is back.
template <class... Policies>
outage_result outage(const peal::retry_budget& budget, Policies... policies) {
  stepped<order> fx{{.retries = budget, .seed = 11}};
  bool down = true;
  auto s = fx.subscribe<order>(
      "payment",
      [&](const order&) {
        if (down) throw gateway_down();
      },
      peal::otherwise(every(100ms, 10'000)), policies...);
  for (int i = 0; i < 600; ++i) {
    fx.bus.publish(order{i});
    fx.advance(100ms);
  }
  const auto in_outage = s.statistics();
  down = false;
  fx.advance(10min);
  REQUIRE(fx.bus.settle());
  const auto after = s.statistics();
  return {in_outage.retries, in_outage.throttled, after.handled, after.dead};
}

}  // namespace

TEST_CASE("retry_budget: an outage makes no storm, and nothing is lost for want of budget", "[bus][retry][P27]") {
  const outage_result free = outage({});
  CHECK(free.retries > 100'000);  // each of up to 600 orders ten times a second
  CHECK(free.throttled == 0);
  const outage_result capped = outage({.ratio = 0.5, .per_second = 2, .burst = 20});
  // Half of 600 first runs, 2 a second for 60 s, and the 20 saved up.
  CHECK(capped.retries <= 600 / 2 + 60 * 2 + 20 + 1);
  CHECK(capped.retries >= 600 / 2 + 60 * 2 - 20);
  CHECK(capped.throttled > 0);
  const outage_result in_hands = outage({.ratio = 0.5, .per_second = 2, .burst = 20}, peal::concurrency{3});
  CHECK(in_hands.retries <= 600 / 2 + 60 * 2 + 20 + 1);
  CHECK(in_hands.retries >= 600 / 2 + 60 * 2 - 20);
  for (const outage_result& r : {free, capped, in_hands}) {
    CHECK(r.handled_after == 600);
    CHECK(r.dead == 0);
  }
}

TEST_CASE("retry_budget: without first runs the free retries go on", "[bus][retry][P27]") {
  const auto none = outage({.ratio = 0, .per_second = 10, .burst = 1});
  CHECK(none.retries <= 60 * 10 + 1);
  CHECK(none.retries >= 60 * 10 * 9 / 10);  // one that comes a little late finds the purse full, and something is lost
  CHECK(none.handled_after == 600);
}

TEST_CASE("retry_budget: options that make no sense are named", "[bus][retry]") {
  using bus = peal::testing::stepped_bus<order>;
  CHECK_THROWS_WITH(bus({.retries = {.ratio = -1}}), Catch::Contains("retries.ratio"));
  CHECK_THROWS_WITH(bus({.retries = {.ratio = 1, .per_second = -2}}), Catch::Contains("retries.per_second"));
  CHECK_THROWS_WITH(bus({.retries = {.ratio = 1, .burst = 0}}), Catch::Contains("retries.burst"));
}
