// SPDX-License-Identifier: MIT
// Idempotency on virtual time: claim, run, commit; what a concurrent duplicate waits for, and what the window forgets.
#include "bus/stepped_support.hpp"

#include <map>
#include <set>

namespace {

using namespace std::chrono_literals;
using peal_test::every;
using peal_test::stepped;

struct order {
  int id = 0;
  int copy = 0;
};

}  // namespace

TEST_CASE("idempotent: of the events with one key the first is handled and the others are deduplicated", "[bus][P24]") {
  stepped<order> fx;
  std::vector<int> ran;
  auto s = fx.subscribe<order>(
      "s", [&](const order& o) { ran.push_back(o.copy); }, peal::idempotent{&order::id});
  fx.bus.publish(order{1, 10});
  fx.bus.publish(order{1, 11});
  fx.bus.publish(order{2, 20});
  REQUIRE(fx.bus.settle());
  fx.bus.publish(order{1, 12});
  REQUIRE(fx.bus.settle());
  CHECK(ran == std::vector{10, 20});
  CHECK(s.statistics().deduplicated == 2);
  CHECK(s.statistics().handled == 2);
}

TEST_CASE("idempotent: a key stays claimed through its back-offs, and a duplicate waits behind it until it commits",
          "[bus][P24]") {
  stepped<order> fx;
  std::vector<int> ran;
  int failures = 2;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order& o) {
        ran.push_back(o.copy);
        if (o.id == 1 && failures-- > 0) throw peal_test::gateway_down();
      },
      peal::idempotent{&order::id}, peal::otherwise(every(1s, 5)));
  fx.bus.publish(order{1, 10});
  fx.run();
  fx.bus.publish(order{1, 11});
  fx.bus.publish(order{1, 12});
  fx.bus.publish(order{2, 20});
  fx.run();
  CHECK(ran == std::vector{10, 20});
  CHECK(s.statistics().kept == 3);
  const auto waits = fx.bus.settle();
  CHECK_FALSE(waits);
  REQUIRE(waits.waiting_for.size() == 1);
  CHECK_THAT(waits.waiting_for[0], peal_test::contains_text("3 kept aside"));
  fx.advance(1100ms);
  CHECK(ran == std::vector{10, 20, 10});
  CHECK(s.statistics().kept == 3);
  fx.advance(1100ms);
  CHECK(ran == std::vector{10, 20, 10, 10});
  REQUIRE(fx.bus.settle());
  CHECK(s.statistics().handled == 2);
  CHECK(s.statistics().deduplicated == 2);
  CHECK(s.statistics().kept == 0);
}

TEST_CASE("idempotent: a dead letter abandons the key, and the next duplicate runs while the others wait behind it",
          "[bus][P24]") {
  stepped<order> fx;
  std::vector<int> ran;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order& o) {
        ran.push_back(o.copy);
        if (o.copy < 12) throw peal_test::gateway_down();
      },
      peal::idempotent{&order::id}, peal::otherwise(every(1s, 2)));
  for (int copy = 10; copy != 15; ++copy) fx.bus.publish(order{1, copy});
  fx.run();
  CHECK(ran == std::vector{10});
  fx.advance(1100ms);  // 10 dies, 11 runs and fails
  CHECK(ran == std::vector{10, 10, 11});
  CHECK(s.statistics().dead == 1);
  CHECK(s.statistics().kept == 4);
  fx.advance(1100ms);  // 11 dies, 12 commits, 13 and 14 are duplicates
  CHECK(ran == std::vector{10, 10, 11, 11, 12});
  REQUIRE(fx.bus.settle());
  CHECK(s.statistics().dead == 2);
  CHECK(s.statistics().handled == 1);
  CHECK(s.statistics().deduplicated == 2);
  const auto letters = fx.bus.dead_letters<order>();
  REQUIRE(letters.size() == 2);
  CHECK(letters[0].attempts == 2);
  CHECK(letters[1].attempts == 2);  // waiting behind another is no run

  SECTION("and a letter redriven after the commit is a duplicate") {
    CHECK(fx.bus.redrive<order>() == 2);
    REQUIRE(fx.bus.settle());
    CHECK(ran.size() == 5);
    CHECK(s.statistics().dead == 0);
    CHECK(s.statistics().deduplicated == 4);
  }
}

TEST_CASE("idempotent: a discard abandons the key", "[bus][P24]") {
  stepped<order> fx;
  std::vector<int> ran;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order& o) -> peal::outcome {
        ran.push_back(o.copy);
        if (o.copy == 10) return peal::retry_after(1s);
        if (o.copy == 11) return peal::discard;
        if (o.copy == 12) return peal::reject("no");
        return peal::done;
      },
      peal::idempotent{&order::id});
  fx.bus.publish(order{1, 11});
  fx.bus.publish(order{1, 12});
  fx.bus.publish(order{1, 13});
  fx.bus.publish(order{1, 14});
  REQUIRE(fx.bus.settle());
  CHECK(ran == std::vector{11, 12, 13});
  CHECK(s.statistics().discarded == 1);
  CHECK(s.statistics().dead == 1);
  CHECK(s.statistics().deduplicated == 1);
}

TEST_CASE("idempotent: a key that its first owner gave up is inherited in the order published, whatever ends an heir",
          "[bus][P24]") {
  stepped<order> fx;
  std::vector<int> ran;
  bool closed = false;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order& o) -> peal::outcome {
        ran.push_back(o.copy);
        if (o.copy == 10) return peal::retry;
        if (o.copy == 13) return peal::discard;
        return peal::done;
      },
      peal::filter{[&](const order& o) { return !(closed && o.copy == 11); }}, peal::idempotent{&order::id},
      peal::otherwise(every(1s, 2)));
  fx.bus.publish(order{1, 10});
  fx.bus.publish(order{1, 11});
  fx.bus.publish(order{1, 12}, {.time_to_live = 500ms});
  fx.bus.publish(order{1, 13});
  fx.bus.publish(order{1, 14});
  fx.bus.publish(order{1, 15});
  fx.run();
  closed = true;
  fx.advance(1100ms);  // 10 dies; 11 is filtered, 12 expired, 13 discarded, 14 handled, 15 a duplicate
  REQUIRE(fx.bus.settle());
  CHECK(ran == std::vector{10, 10, 13, 14});
  const auto n = s.statistics();
  CHECK(n.dead == 1);
  CHECK(n.filtered == 1);
  CHECK(n.expired == 1);
  CHECK(n.discarded == 1);
  CHECK(n.handled == 1);
  CHECK(n.deduplicated == 1);
}

TEST_CASE("idempotent: the window forgets by time and by count, never a key in flight", "[bus][P24]") {
  stepped<order> fx;
  std::vector<int> ran;
  auto handler = [&](const order& o) {
    ran.push_back(o.id);
    if (o.copy == 1) throw peal_test::gateway_down();
  };
  SECTION("by time") {
    auto s = fx.subscribe<order>("s", handler, peal::idempotent{&order::id, {.window = 10s, .capacity = 100}});
    fx.bus.publish(order{1});
    fx.advance(9s);
    fx.bus.publish(order{1});
    fx.advance(1s);
    CHECK(ran == std::vector{1});
    fx.bus.publish(order{1});
    fx.run();
    CHECK(ran == std::vector{1, 1});
    CHECK(s.statistics().deduplicated == 1);
  }
  SECTION("by count") {
    auto s = fx.subscribe<order>("s", handler, peal::idempotent{&order::id, {.window = 24h, .capacity = 2}},
                                 peal::otherwise(every(1h, 2)));
    fx.bus.publish(order{9, 1});  // in flight for an hour: not one of the two
    for (int id = 1; id <= 3; ++id) fx.bus.publish(order{id});
    fx.bus.publish(order{3});
    fx.bus.publish(order{2});
    fx.bus.publish(order{1});  // forgotten
    fx.bus.publish(order{9});  // waits behind
    fx.run();
    CHECK(ran == std::vector{9, 1, 2, 3, 1});
    CHECK(s.statistics().deduplicated == 2);
    CHECK(s.statistics().kept == 2);
  }
}

TEST_CASE("idempotent: events of different types in one subscription share no key", "[bus][P24]") {
  struct refund {
    int order_id;
  };
  stepped<peal::topic<order, refund>> fx;
  int orders = 0;
  int refunds = 0;
  auto s = fx.subscribe<order, refund>(
      "s", peal::overloaded{[&](const order&) { ++orders; }, [&](const refund&) { ++refunds; }},
      peal::idempotent{&order::id, &refund::order_id});
  for (int i = 0; i < 2; ++i) {
    fx.bus.publish(order{1, 0});
    fx.bus.publish(refund{1});
  }
  REQUIRE(fx.bus.settle());
  CHECK(orders == 1);
  CHECK(refunds == 1);
  CHECK(s.statistics().deduplicated == 2);
}

TEST_CASE("idempotent: a key function that throws fails the attempt and claims nothing", "[bus][P24][P5]") {
  stepped<order> fx;
  int asked = 0;
  int ran = 0;
  auto s = fx.subscribe<order>(
      "s", [&](const order&) { ++ran; }, peal::idempotent{[&](const order& o) {
        if (++asked == 1) throw peal_test::gateway_down();
        return o.id;
      }},
      peal::otherwise(every(1s, 3)));
  fx.bus.publish(order{1, 1});
  fx.bus.publish(order{1, 2});
  fx.advance(2s);
  REQUIRE(fx.bus.settle());
  CHECK(ran == 1);
  CHECK(s.statistics().failures == 1);
  CHECK(s.statistics().handled == 1);
  CHECK(s.statistics().deduplicated == 1);  // the one that failed came back after the other had committed
}
