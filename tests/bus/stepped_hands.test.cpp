// SPDX-License-Identifier: MIT
// Several hands on virtual time, where each run of a hand is a step of its own: pauses, stops, full stores, outputs.
#include "bus/stepped_support.hpp"

#include <algorithm>
#include <set>

namespace {

using namespace std::chrono_literals;
using peal_test::every;
using peal_test::gateway_down;
using peal_test::stepped;
using ints = std::vector<int>;

struct order {
  std::string key;
  int n = 0;
};
struct shipped {
  int n = 0;
};

void publish(peal::testing::stepped_bus<order>& bus, int from, int to, const std::string& key = "a") {
  for (int n = from; n <= to; ++n) bus.publish(order{key, n});
}

}  // namespace

TEST_CASE("concurrency: hands run in any order, the events of a key in theirs", "[bus][P2][P23]") {
  std::set<ints> free_orders;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    stepped<order> fx{{.seed = seed}};
    ints all;
    ints a;
    ints b;
    auto s = fx.subscribe<order>(
        "free", [&](const order& o) { all.push_back(o.n); }, peal::concurrency{3});
    auto t = fx.subscribe<order>(
        "keyed", [&](const order& o) { (o.key == "a" ? a : b).push_back(o.n); }, peal::concurrency{3},
        peal::ordered_by{&order::key});
    for (int n = 1; n <= 6; ++n) fx.bus.publish(order{n % 3 == 0 ? "b" : "a", n});
    REQUIRE(fx.bus.settle());
    CHECK(a == ints{1, 2, 4, 5});
    CHECK(b == ints{3, 6});
    free_orders.insert(all);
    std::sort(all.begin(), all.end());
    CHECK(all == ints{1, 2, 3, 4, 5, 6});
    CHECK(s.statistics().handled == 6);
  }
  CHECK(free_orders.size() > 5);
}

TEST_CASE("concurrency: the books are right at every step, also of what has ended ahead of others", "[bus][P3]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    stepped<order> fx{{.seed = seed}};
    std::uint64_t handled = 0;
    auto s = fx.subscribe<order>(
        "s", [&](const order&) { ++handled; }, peal::concurrency{4});
    for (int n = 1; n <= 12; ++n) fx.bus.publish(order{"a", n});
    while (fx.bus.runtime().step()) {
      const auto now = s.statistics();
      CHECK(now.accepted == 12);
      CHECK(now.accounted() == 12);
      CHECK(now.handled <= handled);
    }
    CHECK(s.statistics().handled == 12);
  }
}

TEST_CASE("concurrency: a back-off holds no hand and no slot", "[bus][P22]") {
  stepped<peal::topic<order, peal::capacity<4>>> fx;
  ints handled;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order& o, const peal::delivery& d) {
        if (o.n <= 2 && d.attempt() == 1) throw gateway_down();
        handled.push_back(o.n);
      },
      peal::concurrency{2}, peal::otherwise(every(1h, 2)));
  for (int n = 1; n <= 20; ++n) fx.bus.publish(order{"a", n});
  fx.run();
  CHECK(handled.size() == 18);
  CHECK(s.statistics().kept == 2);
  fx.advance(2h);
  REQUIRE(fx.bus.settle());
  CHECK(handled.size() == 20);
}

TEST_CASE("concurrency: a pause starts no further hand, and nothing is lost by it", "[bus][P8]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    stepped<order> fx{{.seed = seed}};
    ints handled;
    peal::subscription s;
    s = fx.subscribe<order>(
        "s",
        [&](const order& o) {
          handled.push_back(o.n);
          if (o.n == 3) s.pause();
        },
        peal::concurrency{4}, peal::ordered_by{&order::key});
    for (int n = 1; n <= 12; ++n) fx.bus.publish(order{std::to_string(n % 5), n});
    fx.run();
    const std::size_t then = handled.size();
    CHECK(handled.back() == 3);
    CHECK(s.statistics().paused);
    fx.check_accounts();
    fx.run();
    CHECK(handled.size() == then);
    s.resume();
    REQUIRE(fx.bus.settle());
    CHECK(handled.size() == 12);
  }
}

TEST_CASE("concurrency: a stop takes back what no hand has begun, and counts it stopped", "[bus][P8][P3]") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    stepped<order> fx{{.seed = seed}};
    ints handled;
    auto s = fx.subscribe<order>(
        "s",
        [&](const order& o) {
          if (o.n % 4 == 0) throw gateway_down();
          handled.push_back(o.n);
        },
        peal::concurrency{3}, peal::ordered_by{&order::key}, peal::otherwise(every(1s, 2)));
    for (int n = 1; n <= 9; ++n) fx.bus.publish(order{std::to_string(n % 2), n});
    for (std::uint64_t i = 0; i != seed % 12; ++i) fx.bus.runtime().step();
    const auto meter = s.counters();
    CHECK(s.stop() == peal::stop_result::stopped);
    const std::size_t then = handled.size();
    fx.run();
    CHECK(handled.size() == then);
    CHECK(meter.statistics().handled == then);
    CHECK(meter.statistics().handled + meter.statistics().stopped + meter.statistics().dead == 9);
    // Its hands are others' now.
    auto next = fx.subscribe<order>(
        "s", [&](const order& o) { handled.push_back(o.n); }, peal::concurrency{3});
    fx.bus.publish(order{"a", 10});
    REQUIRE(fx.bus.settle());
    CHECK(handled.back() == 10);
  }
}

TEST_CASE("concurrency: a handler that stops its own subscription ends it after this run", "[bus][P8]") {
  stepped<order> fx;
  ints handled;
  peal::subscription s;
  s = fx.subscribe<order>(
      "s",
      [&](const order& o) {
        handled.push_back(o.n);
        CHECK(s.stop() == peal::stop_result::pending);
      },
      peal::concurrency{3});
  const auto meter = s.counters();
  for (int n = 1; n <= 5; ++n) fx.bus.publish(order{"a", n});
  fx.run();
  CHECK(handled.size() == 1);
  CHECK(meter.statistics().handled == 1);
  CHECK(meter.statistics().stopped == 4);
}

TEST_CASE("concurrency: without room for a letter or aside, what failed stays in its slot, the rest goes on",
          "[bus][P25][P4]") {
  stepped<order> fx{{.max_dead_letters = 1, .seed = 3}};
  ints handled;
  bool down = true;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order& o) {
        if (down && o.n <= 3) throw gateway_down();
        handled.push_back(o.n);
      },
      peal::concurrency{4}, peal::ordered_by{&order::key});
  for (int n = 1; n <= 10; ++n) fx.bus.publish(order{std::to_string(n), n});
  fx.run();
  CHECK(fx.bus.dead_letters<order>().size() == 1);
  CHECK(handled.size() == 7);
  CHECK(s.statistics().stalled);
  CHECK(fx.bus.health() == peal::health::degraded);
  CHECK_FALSE(fx.bus.settle());
  fx.check_accounts();
  SECTION("until there is room") {
    down = false;
    for (int round = 0; round != 3; ++round) {
      CHECK(fx.bus.redrive<order>() == 1);
      fx.run();
    }
    REQUIRE(fx.bus.settle());
    CHECK(handled.size() == 10);
    CHECK_FALSE(s.statistics().stalled);
  }
  SECTION("or until it is stopped") {
    const auto meter = s.counters();
    s.stop();
    CHECK(meter.statistics().stopped == 2);
    CHECK(meter.statistics().dead == 1);
  }
}

TEST_CASE("concurrency: outputs go out once each, also when there is no room for them at first", "[bus][P7][P33]") {
  stepped<order, peal::topic<shipped, peal::capacity<2>>> fx{{.lane_capacity = 2, .overload_after = 1h, .seed = 5}};
  ints got;
  int runs = 0;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order& o, const peal::delivery& d) -> shipped {
        ++runs;
        if (o.n % 3 == 0 && d.attempt() == 1) throw gateway_down();
        return {o.n};
      },
      peal::concurrency{3}, peal::ordered_by{&order::key}, peal::otherwise(every(1s, 3)));
  auto sink = fx.subscribe<shipped>("sink", [&](const shipped& e) { got.push_back(e.n); });
  sink.pause();
  for (int n = 1; n <= 12; ++n) fx.bus.publish(order{std::to_string(n % 4), n});
  fx.advance(5s);
  CHECK(got.empty());
  CHECK(s.statistics().stalled);
  fx.check_accounts();
  sink.resume();
  fx.advance(20s);
  REQUIRE(fx.bus.settle());
  std::sort(got.begin(), got.end());
  CHECK(got == ints{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  CHECK(runs == 16);
  CHECK(s.statistics().handled == 12);
}

TEST_CASE("concurrency: a duplicate waits behind the claim of an event in a hand", "[bus][P24]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    stepped<order> fx{{.seed = seed}};
    ints handled;
    auto s = fx.subscribe<order>(
        "s",
        [&](const order& o, const peal::delivery& d) {
          if (o.n == 1 && d.attempt() == 1) throw gateway_down();
          handled.push_back(o.n);
        },
        peal::concurrency{4}, peal::idempotent{&order::key}, peal::otherwise(every(1s, 2)));
    for (int n = 1; n <= 4; ++n) fx.bus.publish(order{n == 3 ? "b" : "a", n});
    fx.advance(3s);
    REQUIRE(fx.bus.settle());
    CHECK(handled == ints{3, 1});
    CHECK(s.statistics().deduplicated == 2);
  }
}

TEST_CASE("concurrency: an event that expires before it is read, or while it waits for its hand, is not run",
          "[bus][P20]") {
  const int steps = GENERATE(0, 1);
  stepped<order> fx;
  ints handled;
  auto s = fx.subscribe<order>(
      "s", [&](const order& o) { handled.push_back(o.n); }, peal::concurrency{2}, peal::ordered_by{&order::key});
  fx.bus.publish(order{"a", 1}, {.time_to_live = 1s});
  fx.bus.publish(order{"a", 2});
  for (int i = 0; i != steps; ++i) fx.bus.runtime().step();  // the first is given to a hand
  s.pause();
  fx.advance(2s);
  s.resume();
  REQUIRE(fx.bus.settle());
  CHECK(handled == ints{2});
  CHECK(s.statistics().expired == 1);
}

TEST_CASE("concurrency: a number of hands that cannot be is refused", "[bus][P40]") {
  stepped<order> fx;
  CHECK_THROWS_AS(fx.bus.subscribe<order>(
                      "s", [](const order&) {}, peal::concurrency{0}),
                  peal::bad_option);
  CHECK_THROWS_AS(fx.bus.subscribe<order>(
                      "s", [](const order&) {}, peal::concurrency{257}),
                  peal::bad_option);
  auto s = fx.subscribe<order>(
      "s", [](const order&) {}, peal::concurrency{256});
  publish(fx.bus, 1, 300);
  REQUIRE(fx.bus.settle());
  CHECK(s.statistics().handled == 300);
}
