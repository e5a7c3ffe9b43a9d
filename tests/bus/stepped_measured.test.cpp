// SPDX-License-Identifier: MIT
// Measured subscriptions, on virtual time: what is timed, what is not, and what statistics say of it.
#include <peal/observe/prometheus.hpp>

#include "bus/stepped_support.hpp"

namespace {

using namespace std::chrono_literals;
using peal_test::every;
using peal_test::gateway_down;
using peal_test::stepped;

struct order {
  int id = 0;
  std::chrono::nanoseconds takes{};
};

}  // namespace

TEST_CASE("measured: with one_in 1 each run is timed, and in a timed topic the way from publish to handled",
          "[bus][observe]") {
  stepped<peal::topic<order, peal::timed>> fx;
  int failures = 1;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order& o) {
        fx.bus.runtime().advance(o.takes);
        if (o.id == 3 && failures-- > 0) throw gateway_down();
      },
      peal::measured{.one_in = 1}, peal::otherwise(every(1s, 2)));
  fx.bus.publish(order{1, 10ms});
  fx.bus.publish(order{2, 20ms});
  fx.bus.publish(order{3, 40ms});
  fx.advance(2s);
  const auto t = s.statistics();
  CHECK(t.handler_time.count == 4);  // the failed run as well
  CHECK(t.handler_time.sum == 110ms);
  CHECK(t.handler_time.max == 40ms);
  CHECK(t.latency.count == 3);  // 10, 30, and 70 with a back-off of a second and another 40
  CHECK(t.latency.max >= 1110ms);
  CHECK(t.latency.max <= 1112ms);
  CHECK(t.latency.p50() >= 30ms);
  CHECK(t.latency.p50() <= 31ms);
  CHECK(fx.bus.statistics().subscriptions[0].handler_time.count == 4);
}

TEST_CASE("measured: one run in sixteen is timed, of handlers of every kind; without the policy none",
          "[bus][observe]") {
  stepped<order> fx;
  constexpr std::uint64_t events = 16'000;
  const auto outcomes = [](const order&) -> peal::outcome { return peal::done; };
  auto plain = fx.subscribe<order>(
      "plain", [](const order&) {}, peal::measured{.one_in = 16});
  auto answers = fx.subscribe<order>("answers", outcomes, peal::measured{.one_in = 16});
  auto hands = fx.subscribe<order>(
      "hands", [](const order&) {}, peal::measured{.one_in = 16}, peal::concurrency{3});
  auto here = fx.subscribe<order>(
      "here", [](const order&) {}, peal::measured{.one_in = 16}, peal::on_publisher_thread);
  auto off = fx.subscribe<order>("off", [](const order&) {});
  for (std::uint64_t i = 0; i != events; ++i) {
    fx.bus.publish(order{1});
    if (i % 1000 == 0) fx.run();
  }
  REQUIRE(fx.bus.settle());
  for (const auto* s : {&plain, &answers, &hands, &here}) {
    const auto t = s->statistics();
    CAPTURE(t.name);
    CHECK(t.handled == events);
    CHECK(t.handler_time.count > 900);
    CHECK(t.handler_time.count < 1100);
    CHECK(t.latency.count == 0);  // the topic is not timed
  }
  CHECK(off.statistics().handler_time.count == 0);
  CHECK_THROWS_AS(fx.subscribe<order>(
                      "none", [](const order&) {}, peal::measured{.one_in = 0}),
                  peal::bad_option);
}

TEST_CASE("measured: a run that is rejected is timed and not counted as handled", "[bus][observe]") {
  stepped<peal::topic<order, peal::timed>> fx;
  auto s = fx.subscribe<order>(
      "s",
      [](const order& o) -> peal::outcome {
        if (o.id == 2) return peal::reject("two");
        return peal::done;
      },
      peal::measured{.one_in = 1});
  for (int i = 1; i <= 3; ++i) fx.bus.publish(order{i});
  REQUIRE(fx.bus.settle());
  CHECK(s.statistics().handler_time.count == 3);
  CHECK(s.statistics().latency.count == 2);
}
