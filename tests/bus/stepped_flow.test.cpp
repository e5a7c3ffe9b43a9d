// SPDX-License-Identifier: MIT
// P26: a subscription that pauses after a failure, or has no permit now, waits as a whole and spends nothing.
#include "bus/stepped_support.hpp"

#include <algorithm>

namespace {

using namespace std::chrono_literals;
using peal::wait_reason;
using peal_test::every;
using peal_test::gateway_down;
using peal_test::stepped;
using ints = std::vector<int>;

struct order {
  int id = 0;
};
struct busy : std::runtime_error {
  busy() : std::runtime_error("busy") {}
};

void publish(peal::testing::stepped_bus<order>& bus, int from, int to) {
  for (int id = from; id <= to; ++id) bus.publish(order{id});
}

}  // namespace

TEST_CASE("pause: the failed event is kept, and nothing else spends an attempt before it", "[bus][retry][P26]") {
  stepped<order> fx;
  bool down = true;
  ints runs;
  std::vector<std::uint32_t> attempts;
  auto s = fx.subscribe<order>(
      "payment",
      [&](const order& o, const peal::delivery& d) {
        runs.push_back(o.id);
        attempts.push_back(d.attempt());
        if (down && o.id >= 3) throw gateway_down();
      },
      peal::on<gateway_down>(peal::pause{30s}));
  publish(fx.bus, 1, 8);
  const auto report = fx.bus.settle();
  REQUIRE_FALSE(report);
  CHECK_THAT(report.waiting_for.at(0), Catch::Contains("pauses after a failed run"));
  CHECK(runs == ints{1, 2, 3});
  CHECK(s.statistics().pauses == 1);
  CHECK(s.statistics().waits_for == wait_reason::pause);
  fx.advance(29s + 999ms);
  CHECK(runs.size() == 3);
  fx.advance(2ms);
  CHECK(runs == ints{1, 2, 3, 3});
  down = false;
  fx.advance(31s);
  CHECK(fx.bus.settle());
  CHECK(runs == ints{1, 2, 3, 3, 3, 4, 5, 6, 7, 8});
  CHECK(attempts == std::vector<std::uint32_t>{1, 1, 1, 2, 3, 1, 1, 1, 1, 1});
  CHECK(s.statistics().waits_for == wait_reason::nothing);
  CHECK(s.statistics().pauses == 2);
}

TEST_CASE("pause: in a chain, with a limit of its own, and behind a retry_after", "[bus][retry][P26]") {
  stepped<order> fx;
  ints runs;
  SECTION("quick runs first, then the whole subscription") {
    auto s = fx.subscribe<order>(
        "s",
        [&](const order& o) {
          runs.push_back(o.id);
          if (o.id == 1) throw gateway_down();
        },
        peal::on<gateway_down>(every(10ms, 2).then(peal::pause{1s, 2}).then(peal::discard)));
    publish(fx.bus, 1, 2);
    fx.run();
    CHECK(runs == ints{1, 2});  // one back-off holds nobody up
    fx.advance(11ms);
    CHECK(runs == ints{1, 2, 1});
    publish(fx.bus, 3, 3);
    fx.advance(990ms);
    CHECK(runs == ints{1, 2, 1});
    fx.advance(20ms);
    CHECK(runs == ints{1, 2, 1, 1});  // and fails
    fx.advance(1010ms);
    CHECK(fx.bus.settle());
    CHECK(runs == ints{1, 2, 1, 1, 1, 3});
    CHECK(s.statistics().discarded == 1);
    CHECK(s.statistics().pauses == 2);
  }
  SECTION("a limit, then a letter") {
    auto s = fx.subscribe<order>(
        "s",
        [&](const order& o) {
          runs.push_back(o.id);
          if (o.id == 1) throw gateway_down();
        },
        peal::otherwise(peal::pause{.time = 1s, .attempts = 3}));
    publish(fx.bus, 1, 2);
    fx.advance(3s);
    CHECK(fx.bus.settle());
    CHECK(runs == ints{1, 1, 1, 2});
    CHECK(s.statistics().dead == 1);
    CHECK(fx.bus.dead_letters<order>().at(0).attempts == 3);
  }
  SECTION("the handler says how long") {
    auto s = fx.subscribe<order>(
        "s",
        [&](const order& o) -> peal::outcome {
          runs.push_back(o.id);
          if (runs.size() == 1) return peal::retry_after(5s);
          return peal::done;
        },
        peal::otherwise(peal::pause{1s}));
    publish(fx.bus, 1, 2);
    fx.advance(4900ms);
    CHECK(runs == ints{1});
    fx.advance(200ms);
    CHECK(runs == ints{1, 1, 2});
  }
}

TEST_CASE("pause: hands that have not begun give their event back, and nothing runs before the time", "[bus][P26]") {
  std::size_t fewest = 3;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    stepped<order> fx{{.seed = seed}};
    ints runs;
    bool down = true;
    auto s = fx.subscribe<order>(
        "s",
        [&](const order& o) {
          runs.push_back(o.id);
          if (down) throw busy();
        },
        peal::on<busy>(peal::pause{1s}), peal::concurrency{3});
    publish(fx.bus, 1, 9);
    fx.run();
    const std::size_t begun = runs.size();
    CHECK(begun >= 1);
    CHECK(begun <= 3);
    fewest = std::min(fewest, begun);
    fx.advance(999ms);
    CHECK(runs.size() == begun);
    down = false;
    fx.advance(1s);
    CHECK(fx.bus.settle());
    CHECK(runs.size() == begun + 9);
    CHECK(s.statistics().handled == 9);
  }
  CHECK(fewest == 1);  // the others had been given their event, and had not begun
}

TEST_CASE("pause: drained and stopped, what waits is abandoned or stopped, at once", "[bus][P10][P26]") {
  stepped<order> fx;
  std::size_t runs = 0;
  auto handler = [&](const order&) {
    ++runs;
    throw busy();
  };
  SECTION("drain") {
    auto s = fx.subscribe<order>("s", handler, peal::otherwise(peal::pause{1h}));
    publish(fx.bus, 1, 4);
    const auto report = fx.bus.drain(1s);
    CHECK(report.abandoned == 4);
    CHECK(report.stuck.empty());
    CHECK(runs == 1);
  }
  SECTION("stop, with hands") {
    auto s = fx.subscribe<order>("s", handler, peal::otherwise(peal::pause{1h}), peal::concurrency{2});
    publish(fx.bus, 1, 4);
    fx.run();
    const auto meter = s.counters();
    CHECK(s.stop() == peal::stop_result::stopped);
    CHECK(meter.statistics().stopped == 4);
  }
}

TEST_CASE("rate: so many runs a second, and none is spent waiting", "[bus][rate][P26]") {
  stepped<order> fx;
  std::vector<std::chrono::nanoseconds> at;
  const auto began = fx.now();
  auto s = fx.subscribe<order>(
      "mail", [&](const order&) { at.push_back(fx.now() - began); }, peal::rate{.per_second = 10, .burst = 3});
  publish(fx.bus, 1, 23);
  const auto report = fx.bus.settle();
  REQUIRE_FALSE(report);
  CHECK_THAT(report.waiting_for.at(0), Catch::Contains("waits for a permit of its rate"));
  CHECK(at.size() == 3);
  CHECK(s.statistics().waits_for == wait_reason::rate);
  CHECK(fx.bus.health() == peal::health::ok);
  fx.advance(1001ms);
  CHECK(at.size() == 13);
  fx.advance(1s);
  CHECK(fx.bus.settle());
  REQUIRE(at.size() == 23);
  for (std::size_t i = 3; i < at.size(); ++i) {
    CHECK(at[i] >= 100ms * static_cast<int>(i - 2));
    CHECK(at[i] < 100ms * static_cast<int>(i - 2) + 1ms);
  }
  CHECK(s.statistics().rate_waits == 20);
  CHECK(s.statistics().retries == 0);
}

TEST_CASE("rate: filtered, expired and deduplicated events take no permit, a retry takes one",
          "[bus][rate][P20][P26]") {
  stepped<order> fx;
  ints runs;
  auto s = fx.subscribe<order>(
      "mail",
      [&](const order& o, const peal::delivery& d) {
        runs.push_back(o.id);
        if (o.id == 1 && d.attempt() == 1) throw busy();
      },
      peal::rate{.per_second = 1, .burst = 3}, peal::filter{[](const order& o) { return o.id < 50; }},
      peal::idempotent{&order::id}, peal::otherwise(every(1ms, 5)));
  publish(fx.bus, 60, 70);
  publish(fx.bus, 1, 1);
  for (int i = 0; i < 5; ++i) publish(fx.bus, 60, 60);
  publish(fx.bus, 2, 2);
  fx.run();
  CHECK(runs == ints{1, 2});
  fx.advance(5ms);
  CHECK(runs == ints{1, 2, 1});  // the third permit
  publish(fx.bus, 1, 2);         // duplicates
  publish(fx.bus, 3, 3);
  fx.run();
  CHECK(runs.size() == 3);
  fx.advance(1s);
  CHECK(runs == ints{1, 2, 1, 3});
  CHECK(s.statistics().filtered == 16);
  CHECK(s.statistics().deduplicated == 2);
}

TEST_CASE("rate: with hands and with a breaker", "[bus][rate][breaker][P26]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    stepped<order> fx{{.seed = seed}};
    std::size_t runs = 0;
    bool down = false;
    auto s = fx.subscribe<order>(
        "mail",
        [&](const order&) {
          ++runs;
          if (down) throw busy();
        },
        peal::rate{.per_second = 10, .burst = 2}, peal::concurrency{4},
        peal::breaker{.window = {.runs = 4}, .minimum = 4, .open_for = 1s}, peal::otherwise(every(1ms, 1000)));
    publish(fx.bus, 1, 40);
    fx.run();
    CHECK(runs == 2);
    fx.advance(1001ms);
    CHECK(runs == 12);
    down = true;
    fx.advance(10s);
    CHECK(s.statistics().breaker_opened >= 5);
    CHECK(runs <= 12 + 4 + 10);
    down = false;
    fx.advance(20s);
    CHECK(fx.bus.settle());
    CHECK(s.statistics().handled == 40);
  }
}

TEST_CASE("rate: an event that its hand did not run gives its permit back", "[bus][rate][P26]") {
  stepped<order> fx;
  std::size_t runs = 0;
  auto s = fx.subscribe<order>(
      "mail", [&](const order&) { ++runs; }, peal::rate{.per_second = 1, .burst = 3}, peal::concurrency{3});
  publish(fx.bus, 1, 3);
  REQUIRE(fx.bus.runtime().step());  // all three hands have an event
  s.pause();
  fx.run();
  CHECK(runs == 0);
  s.resume();
  fx.run();
  CHECK(runs == 3);
  publish(fx.bus, 4, 4);
  fx.run();
  CHECK(runs == 3);
  fx.advance(1001ms);
  CHECK(runs == 4);
}

TEST_CASE("rate: polled, it comes back to poll when there is a permit", "[bus][rate][poll][P26]") {
  stepped<order> fx;
  std::size_t runs = 0;
  auto s = fx.subscribe<order>(
      "mail", [&](const order&) { ++runs; }, peal::rate{.per_second = 10, .burst = 2}, peal::on_poll);
  publish(fx.bus, 1, 4);
  CHECK(fx.bus.poll() == 2);
  CHECK(fx.bus.poll() == 0);
  CHECK(fx.bus.poll_for(1s) == 1);
  CHECK(fx.bus.poll_for(1s) == 1);
  CHECK(fx.bus.settle());
}

TEST_CASE("breaker: outputs that find no room keep a probe's success", "[bus][breaker][P7][P26]") {
  struct shipped {
    int id = 0;
  };
  stepped<order, peal::topic<shipped, peal::capacity<2>>> fx{{.lane_capacity = 2, .seed = 7}};
  bool down = true;
  auto slow = fx.subscribe<shipped>("slow", [](const shipped&) {});
  slow.pause();
  auto s = fx.subscribe<order>(
      "s",
      [&](const order& o) -> shipped {
        if (down) throw busy();
        return {o.id};
      },
      peal::breaker{.minimum = 1, .open_for = 1s, .probes = 2}, peal::otherwise(every(1ms, 100)));
  for (int id = 1; id <= 9; ++id) fx.bus.publish(order{id});
  fx.run();
  down = false;
  fx.advance(1001ms);
  CHECK(s.statistics().breaker == peal::breaker_state::closed);
  CHECK(s.statistics().stalled);
  slow.resume();
  CHECK(fx.bus.settle());
  CHECK(s.statistics().handled == 9);
  CHECK(slow.statistics().handled == 9);
}

TEST_CASE("rate: the worker is not kept busy while it waits", "[bus][rate][P13][P26]") {
  stepped<order> fx;
  auto s = fx.subscribe<order>(
      "mail", [](const order&) {}, peal::rate{.per_second = 1, .burst = 1}, peal::behind{peal::drop_oldest},
      peal::side_store{2});
  publish(fx.bus, 1, 20);
  CHECK(fx.run() < 20);
  CHECK(fx.run() == 0);
  publish(fx.bus, 21, 22);
  CHECK(fx.run() < 10);
  fx.advance(1001ms);
  CHECK(fx.run() == 0);
  CHECK(s.statistics().handled == 2);
}

TEST_CASE("rate: an option that makes no sense is named", "[bus][rate]") {
  stepped<order> fx;
  CHECK_THROWS_WITH(fx.subscribe<order>(
                        "s", [](const order&) {}, peal::rate{.per_second = 0}),
                    Catch::Contains("rate.per_second"));
}
