// SPDX-License-Identifier: MIT
// P26: a breaker makes its subscription wait; nothing is tried, spent or lost meanwhile.
#include "bus/stepped_support.hpp"

#include <algorithm>
#include <system_error>

namespace {

using namespace std::chrono_literals;
using peal::breaker_state;
using peal_test::every;
using peal_test::gateway_down;
using peal_test::stepped;
using ints = std::vector<int>;

struct order {
  int id = 0;
  std::string key{};
};
struct declined : std::runtime_error {
  declined() : std::runtime_error("declined") {}
};

/// Opens at two failures of the last four runs, for a second, then one probe.
constexpr peal::breaker quick{.failure_ratio = 0.5, .window = {.runs = 4}, .minimum = 2, .open_for = 1s, .probes = 1};

/// Orders are handled unless the gateway is down; every run is written down with its time.
struct shop {
  explicit shop(std::uint64_t seed = 7) : fx{{.seed = seed}} {}

  auto handler() {
    return [this](const order& o) {
      runs.push_back(o.id);
      if (down) throw gateway_down();
    };
  }
  void publish(int from, int to) {
    for (int id = from; id <= to; ++id) fx.bus.publish(order{id, id % 2 == 0 ? "even" : "odd"});
  }

  stepped<order> fx;
  bool down = false;
  ints runs;
};

}  // namespace

TEST_CASE("breaker: it opens at its ratio, waits, lets one probe through, and closes when that succeeds",
          "[bus][breaker][P26]") {
  shop at;
  auto s = at.fx.subscribe<order>("payment", at.handler(), quick, peal::otherwise(every(10ms, 100)));
  CHECK(s.statistics().breaker == breaker_state::closed);
  at.publish(1, 2);
  CHECK(at.fx.bus.settle());
  at.down = true;
  at.publish(3, 9);
  at.fx.run();
  // 1 and 2 succeeded; 3 and 4 are half of the last four.
  CHECK(at.runs == ints{1, 2, 3, 4});
  CHECK(s.statistics().breaker == breaker_state::open);
  CHECK(s.statistics().waits_for == peal::wait_reason::breaker);
  CHECK(s.statistics().breaker_opened == 1);
  CHECK(at.fx.bus.health() == peal::health::degraded);
  const auto report = at.fx.bus.settle();
  REQUIRE_FALSE(report);
  CHECK_THAT(report.waiting_for.at(0), Catch::Contains("payment") && Catch::Contains("its breaker is open"));

  at.fx.advance(999ms);
  CHECK(at.runs.size() == 4);  // the back-offs of 3 and 4 are long over, and not a run was spent
  at.fx.advance(2ms);
  CHECK(at.runs == ints{1, 2, 3, 4, 3});  // one probe, which fails
  CHECK(s.statistics().breaker == breaker_state::open);
  CHECK(s.statistics().breaker_opened == 2);

  at.down = false;
  at.fx.advance(1001ms);
  CHECK(at.fx.bus.settle());
  CHECK(at.runs == ints{1, 2, 3, 4, 3, 4, 3, 5, 6, 7, 8, 9});  // what is due again goes first
  CHECK(s.statistics().breaker == breaker_state::closed);
  CHECK(s.statistics().waits_for == peal::wait_reason::nothing);
  CHECK(s.statistics().breaker_open_time >= 2s);
  CHECK(s.statistics().breaker_open_time < 2s + 1ms);
  CHECK(at.fx.bus.health() == peal::health::ok);
  CHECK(s.statistics().handled == 9);
}

TEST_CASE("breaker: several probes must all succeed", "[bus][breaker][P26]") {
  shop at;
  peal::breaker three = quick;
  three.probes = 3;
  auto s = at.fx.subscribe<order>("payment", at.handler(), three, peal::otherwise(peal::discard));
  at.down = true;
  at.publish(1, 2);  // what is discarded is an answer about the event
  at.fx.run();
  CHECK(s.statistics().breaker == breaker_state::closed);
  s.stop();
  s = at.fx.subscribe<order>("payment", at.handler(), three, peal::otherwise(peal::dead_letter));
  at.publish(3, 10);
  at.fx.run();
  CHECK(at.runs == ints{1, 2, 3, 4});
  CHECK(s.statistics().breaker == breaker_state::open);
  at.down = false;
  at.fx.advance(990ms);
  CHECK(at.runs.size() == 4);
  at.fx.advance(11ms);
  CHECK(at.fx.bus.settle());
  CHECK(at.runs == ints{1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  CHECK(s.statistics().dead == 2);
  CHECK(s.statistics().handled == 6);
}

TEST_CASE("breaker: a failed probe among several opens it at once", "[bus][breaker][P26]") {
  shop at;
  peal::breaker three = quick;
  three.probes = 3;
  int failing = 0;
  ints runs;
  auto s = at.fx.subscribe<order>(
      "payment",
      [&](const order& o) {
        runs.push_back(o.id);
        if (o.id <= 2 || o.id == failing) throw gateway_down();
      },
      three);
  failing = 4;
  at.publish(1, 9);
  at.fx.run();
  CHECK(runs == ints{1, 2});
  at.fx.advance(1001ms);
  CHECK(runs == ints{1, 2, 3, 4});
  CHECK(s.statistics().breaker == breaker_state::open);
  at.fx.advance(1001ms);
  CHECK(at.fx.bus.settle());
  CHECK(runs == ints{1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("breaker: it looks back as far as its window, in runs and in time", "[bus][breaker][P26]") {
  shop at;
  peal::breaker slow = quick;
  slow.window = {.runs = 100, .time = 10s};
  slow.minimum = 3;
  auto s = at.fx.subscribe<order>("payment", at.handler(), slow, peal::otherwise(peal::dead_letter));
  at.down = true;
  at.publish(1, 2);
  at.fx.run();
  at.fx.advance(11s);
  at.publish(3, 4);  // the first two are too old to count
  at.fx.run();
  CHECK(s.statistics().breaker == breaker_state::closed);
  at.publish(5, 5);
  at.fx.run();
  CHECK(s.statistics().breaker == breaker_state::open);
}

TEST_CASE("breaker: an event that is filtered or a duplicate is no probe", "[bus][breaker][P20][P26]") {
  shop at;
  auto s = at.fx.subscribe<order>("payment", at.handler(), quick, peal::otherwise(peal::dead_letter),
                                  peal::filter{[](const order& o) { return o.id != 5; }}, peal::idempotent{&order::id});
  at.publish(1, 1);
  at.fx.run();
  at.down = true;
  at.publish(2, 2);
  at.fx.run();
  REQUIRE(s.statistics().breaker == breaker_state::open);
  at.publish(1, 1);  // a duplicate
  at.publish(5, 5);  // filtered
  at.publish(6, 8);
  at.fx.run();
  CHECK(s.statistics().filtered == 0);  // nothing is looked at while it is open
  at.fx.advance(1001ms);
  CHECK(at.runs == ints{1, 2, 6});  // 6 is the probe
  CHECK(s.statistics().filtered == 1);
  CHECK(s.statistics().deduplicated == 1);
  CHECK(s.statistics().breaker == breaker_state::open);
  at.down = false;
  at.fx.advance(1001ms);
  CHECK(at.runs == ints{1, 2, 6, 7, 8});
}

TEST_CASE("breaker: with ordered_by the order of each key outlives it", "[bus][breaker][P23][P26]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    shop at{seed};
    ints odd;
    ints even;
    auto s = at.fx.subscribe<order>(
        "payment",
        [&](const order& o) {
          if (at.down && o.id % 3 != 0) throw gateway_down();
          (o.id % 2 == 0 ? even : odd).push_back(o.id);
        },
        quick, peal::otherwise(every(30ms, 1000)), peal::ordered_by{&order::key});
    at.publish(1, 3);
    at.down = true;
    at.publish(4, 30);
    at.fx.advance(4s);
    at.down = false;
    at.fx.advance(10s);
    CHECK(at.fx.bus.settle());
    CHECK(odd.size() == 15);
    CHECK(even.size() == 15);
    CHECK(std::is_sorted(odd.begin(), odd.end()));
    CHECK(std::is_sorted(even.begin(), even.end()));
    CHECK(s.statistics().breaker_opened >= 2);
    CHECK(s.statistics().handled == 30);
  }
}

TEST_CASE("breaker: hands that have not begun do not begin while it is open, and probe one at a time",
          "[bus][breaker][P26]") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    shop at{seed};
    auto s = at.fx.subscribe<order>("payment", at.handler(), quick, peal::otherwise(every(10ms, 1000)),
                                    peal::concurrency{4});
    at.down = true;
    at.publish(1, 12);
    at.fx.run();
    CHECK(s.statistics().breaker == breaker_state::open);
    CHECK(at.runs.size() >= 2);
    CHECK(at.runs.size() <= 5);  // those that had begun, and one more while one failure was not too many
    const std::size_t before = at.runs.size();
    at.fx.advance(900ms);
    CHECK(at.runs.size() == before);
    at.fx.advance(3s);  // a probe a second
    CHECK(at.runs.size() >= before + 2);
    CHECK(at.runs.size() <= before + 4);
    at.down = false;
    at.fx.advance(5s);
    CHECK(at.fx.bus.settle());
    CHECK(s.statistics().handled == 12);
    CHECK(s.statistics().breaker == breaker_state::closed);
  }
}

TEST_CASE("breaker: publishers feel an open one once the ring is full, unless the subscription says behind",
          "[bus][breaker][P26]") {
  stepped<peal::topic<order, peal::capacity<8>>> fx;
  auto fails = [](const order&) { throw gateway_down(); };
  SECTION("gating") {
    auto s = fx.subscribe<order>("payment", fails, quick);
    for (int id = 1; id <= 2; ++id) fx.bus.publish(order{id});
    fx.run();
    for (int id = 3; id <= 10; ++id) CHECK(fx.bus.try_publish(order{id}));
    CHECK_FALSE(fx.bus.try_publish(order{11}));
    CHECK(s.statistics().breaker == breaker_state::open);
    CHECK(s.statistics().waiting == 8);
    CHECK_FALSE(s.statistics().stalled);
  }
  SECTION("behind") {
    auto s = fx.subscribe<order>("payment", fails, quick, peal::behind{peal::drop_oldest}, peal::side_store{4});
    for (int id = 1; id <= 2; ++id) fx.bus.publish(order{id});
    fx.run();
    for (int id = 3; id <= 40; ++id) {
      CHECK(fx.bus.try_publish(order{id}));
      if (id % 5 == 0) fx.run();
    }
    const auto now = s.statistics();
    CHECK(now.breaker == breaker_state::open);
    CHECK(now.kept == 4);  // and the newest in the ring
    CHECK(now.dropped == 38 - 4 - 8);
  }
}

TEST_CASE("breaker: a drain past its deadline abandons what waits for it, and no handler is called stuck",
          "[bus][breaker][P10][P26]") {
  shop at;
  auto s = at.fx.subscribe<order>("payment", at.handler(), quick, peal::otherwise(every(10ms, 100)));
  at.down = true;
  at.publish(1, 6);
  at.fx.run();
  SECTION("within the deadline it goes on") {
    at.down = false;
    const auto report = at.fx.bus.drain(25s);
    CHECK(report.complete);
    CHECK(report.handled == 6);
  }
  SECTION("past the deadline") {
    const auto report = at.fx.bus.drain(500ms);
    CHECK_FALSE(report.complete);
    CHECK(report.abandoned == 6);
    CHECK(report.abandoned_ids.size() == 6);
    CHECK(report.stuck.empty());
    CHECK(at.runs.size() == 2);  // no attempt is burned
    CHECK(at.fx.bus.health() == peal::health::ok);
  }
  SECTION("stopped") {
    const auto meter = s.counters();
    CHECK(s.stop() == peal::stop_result::stopped);
    CHECK(meter.statistics().stopped == 6);
    CHECK(meter.statistics().breaker_opened == 1);
    CHECK(at.fx.bus.health() == peal::health::ok);
    at.fx.advance(10s);
    CHECK(at.runs.size() == 2);
  }
}

TEST_CASE("breaker: it counts what it is told to count", "[bus][breaker][P26]") {
  for (const bool with_hands : {false, true}) {
    stepped<order> fx;
    const auto wire = [&](auto... more) {
      return fx.subscribe<order>(
          "payment",
          [&](const order& o, const peal::delivery& d) -> peal::outcome {
            if (o.id < 10 && d.attempt() == 1) throw declined();
            if (o.id < 20 && d.attempt() == 1) return peal::retry;
            if (o.id >= 20) throw std::system_error(std::make_error_code(std::errc::timed_out));
            return peal::done;
          },
          quick.counting<gateway_down, std::system_error>(), peal::otherwise(every(1ms, 3)), more...);
    };
    auto s = with_hands ? wire(peal::concurrency{2}) : wire();
    for (int id = 1; id < 20; ++id) fx.bus.publish(order{id});
    fx.advance(10ms);
    CHECK(s.statistics().handled == 19);
    CHECK(s.statistics().breaker_opened == 0);
    for (int id = 20; id < 24; ++id) fx.bus.publish(order{id});
    fx.run();
    CHECK(s.statistics().breaker == breaker_state::open);
    CHECK(s.statistics().failures >= 19 + 2);
  }
}

TEST_CASE("breaker: paused by hand as well, it goes on when both are over", "[bus][breaker][P26]") {
  shop at;
  auto s = at.fx.subscribe<order>("payment", at.handler(), quick, peal::otherwise(every(10ms, 100)));
  at.down = true;
  at.publish(1, 6);
  at.fx.run();
  at.down = false;
  s.pause();
  at.fx.advance(5s);
  CHECK(at.runs.size() == 2);
  s.resume();
  at.fx.advance(1ms);
  CHECK(at.fx.bus.settle());
  CHECK(s.statistics().handled == 6);
}

TEST_CASE("breaker: an event that expires while it is open is counted as expired", "[bus][breaker][P26]") {
  shop at;
  auto s = at.fx.subscribe<order>("payment", at.handler(), quick);
  at.down = true;
  at.publish(1, 2);
  at.fx.run();
  at.down = false;
  at.fx.bus.publish(order{3}, {.time_to_live = 100ms});
  at.fx.bus.publish(order{4}, {.time_to_live = 1h});
  at.fx.advance(1001ms);
  CHECK(at.runs == ints{1, 2, 4});
  CHECK(s.statistics().expired == 1);
  CHECK(s.statistics().breaker == breaker_state::closed);
}

TEST_CASE("breaker: options that make no sense are named", "[bus][breaker]") {
  stepped<order> fx;
  const auto with = [&](const peal::breaker& b) {
    (void)fx.subscribe<order>(
        "s", [](const order&) {}, b);
  };
  CHECK_THROWS_WITH(with({.failure_ratio = 0}), Catch::Contains("breaker.failure_ratio"));
  CHECK_THROWS_WITH(with({.failure_ratio = 1.5}), Catch::Contains("breaker.failure_ratio"));
  CHECK_THROWS_WITH(with({.window = {.runs = 0}}), Catch::Contains("breaker.window.runs"));
  CHECK_THROWS_WITH(with({.window = {.time = 0s}}), Catch::Contains("breaker.window.time"));
  CHECK_THROWS_WITH(with({.window = {.runs = 5}, .minimum = 6}), Catch::Contains("breaker.minimum"));
  CHECK_THROWS_WITH(with({.open_for = 0s}), Catch::Contains("breaker.open_for"));
  CHECK_THROWS_WITH(with({.probes = 0}), Catch::Contains("breaker.probes"));
  CHECK_THROWS_AS(with({.probes = 0}), peal::bad_option);
}
