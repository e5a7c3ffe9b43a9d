// SPDX-License-Identifier: MIT
// Order by key on virtual time: back-offs, dead letters and redrives, limits.
#include "bus/order_support.hpp"

namespace {

using namespace std::chrono_literals;
using peal_test::every;
using peal_test::gateway_down;
using peal_test::ints;
using peal_test::stepped;
using peal_test::trouble;
using order = peal_test::keyed_order;
using refund = peal_test::keyed_refund;
using shop = peal_test::keyed_topic;
using peal_test::numbers;

}  // namespace

TEST_CASE("ordered_by: a key's back-off holds its later events, not those of other keys", "[bus][P23][P22]") {
  stepped<order> fx;
  trouble t{{{1, 2}, {4, 1}}};
  auto s = fx.subscribe<order>(
      "s", [&](const order& o) { t(o.n); }, peal::ordered_by{&order::key}, peal::otherwise(every(1s, 5)));
  for (int n = 1; n <= 6; ++n) fx.bus.publish(order{n == 2 ? "b" : n == 6 ? "" : "a", n});
  fx.run();
  CHECK(t.done == ints{2, 6});
  CHECK(s.statistics().held == 3);
  CHECK(s.statistics().kept == 4);
  fx.check_accounts();
  fx.bus.publish(order{"b", 7});
  fx.advance(1100ms);
  CHECK(t.done == ints{2, 6, 7});
  fx.advance(1100ms);  // 1 is handled, 3 after it; 4 fails and waits, 5 behind it
  CHECK(t.done == ints{2, 6, 7, 1, 3});
  CHECK(s.statistics().held == 1);
  fx.advance(1100ms);
  CHECK(t.done == ints{2, 6, 7, 1, 3, 4, 5});
  REQUIRE(fx.bus.settle());
  CHECK(s.statistics().held == 0);
  CHECK(s.statistics().retries == 3);
  CHECK(t.ran == ints{1, 2, 6, 7, 1, 1, 3, 4, 4, 5});
}

TEST_CASE("ordered_by: an event retried at once keeps its place in its key", "[bus][P23]") {
  stepped<order> fx;
  trouble t;
  int asked = 0;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order& o) -> peal::outcome {
        t(o.n);
        return o.n == 1 && ++asked < 3 ? peal::outcome{peal::retry_after(0s)} : peal::outcome{peal::done};
      },
      peal::ordered_by{&order::key});
  for (int n = 1; n <= 3; ++n) fx.bus.publish(order{n == 2 ? "b" : "a", n});
  REQUIRE(fx.bus.settle());
  CHECK(t.ran == ints{1, 2, 1, 1, 3});
}

TEST_CASE("ordered_by: nothing is asked of an event while no key is in trouble", "[bus][P23]") {
  stepped<order> fx;
  int asked = 0;
  bool down = false;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order&) {
        if (std::exchange(down, false)) throw gateway_down();
      },
      peal::ordered_by{[&](const order& o) { return ++asked, o.key; }}, peal::otherwise(every(1s, 5)));
  for (int n = 0; n != 100; ++n) fx.bus.publish(order{"a", n});
  fx.run();
  CHECK(asked == 0);
  down = true;
  fx.bus.publish(order{"a", 100});
  fx.run();
  CHECK(asked == 1);
  fx.bus.publish(order{"b", 101});
  fx.run();
  CHECK(asked == 2);
  fx.advance(2s);
  fx.bus.publish(order{"b", 102});
  REQUIRE(fx.bus.settle());
  CHECK(asked == 2);
}

TEST_CASE("ordered_by: equal keys of different events are one key", "[bus][P23]") {
  stepped<shop> fx;
  trouble t{{{1, 1}}};
  auto s = fx.subscribe<order, refund>(
      "s", [&](const auto& e) { t(e.n); }, peal::ordered_by{&order::key, &refund::of}, peal::otherwise(every(1s, 2)));
  fx.bus.publish(order{"a", 1});
  fx.bus.publish(refund{"a", 2});
  fx.bus.publish(refund{"b", 3});
  fx.advance(2s);
  CHECK(t.done == ints{3, 1, 2});
}

TEST_CASE("ordered_by: a key without a value means no order, an empty one is a key", "[bus][P23]") {
  struct visit {
    std::optional<std::string> key;
    int n = 0;
  };
  stepped<visit> fx;
  trouble t{{{1, 1}, {3, 1}}};
  auto s = fx.subscribe<visit>(
      "s", [&](const visit& v) { t(v.n); }, peal::ordered_by{&visit::key}, peal::otherwise(every(1s, 2)));
  fx.bus.publish(visit{std::nullopt, 1});
  fx.bus.publish(visit{std::nullopt, 2});
  fx.bus.publish(visit{"", 3});
  fx.bus.publish(visit{"", 4});
  fx.bus.publish(visit{std::nullopt, 5});
  fx.run();
  CHECK(t.done == ints{2, 5});
  fx.advance(2s);
  CHECK(t.done == ints{2, 5, 1, 3, 4});
}

TEST_CASE("ordered_by: after a dead letter the key is held and its later events are letters blocked_by the first",
          "[bus][P23][P25]") {
  stepped<shop> fx;
  trouble t{{{1, 2}}};
  auto s = fx.subscribe<order, refund>(
      "s", [&](const auto& e) { t(e.n); }, peal::ordered_by{&order::key, &refund::of}, peal::otherwise(every(1s, 2)));
  fx.bus.publish(order{"a", 1});
  fx.bus.publish(order{"a", 2});  // waits while 1 backs off, and follows it
  fx.advance(2s);
  fx.bus.publish(order{"a", 3});
  fx.bus.publish(refund{"a", 4});
  fx.bus.publish(order{"b", 5});
  REQUIRE(fx.bus.settle());
  CHECK(t.done == ints{5});
  CHECK(s.statistics().dead == 4);
  const auto letters = fx.bus.dead_letters<order>();
  REQUIRE(numbers(letters) == ints{1, 2, 3});
  CHECK(letters[0].cause == peal::dead_cause::failed);
  CHECK(letters[0].blocked_by == 0);
  for (std::size_t i = 1; i != 3; ++i) {
    CHECK(letters[i].cause == peal::dead_cause::blocked_by);
    CHECK(letters[i].blocked_by == letters[0].number);
    CHECK(letters[i].attempts == 0);
  }
  CHECK(fx.bus.dead_letters<refund>()[0].blocked_by == letters[0].number);
  fx.check_accounts();

  SECTION("until the first is redriven: the others come back behind it, before any new event of the key") {
    CHECK(fx.bus.redrive<order>({.cause = peal::dead_cause::failed}) == 1);
    fx.bus.publish(order{"a", 6});
    REQUIRE(fx.bus.settle());
    CHECK(t.done == ints{5, 1, 2, 3, 4, 6});
    CHECK(s.statistics().dead == 0);
    CHECK(s.statistics().redriven == 4);
  }
  SECTION("a redrive of all of them is one of the first, and counts those it was asked for") {
    CHECK(fx.bus.redrive<order>() == 3);
    REQUIRE(fx.bus.settle());
    CHECK(t.done == ints{5, 1, 2, 3, 4});
  }
  SECTION("until the first is discarded") {
    CHECK(fx.bus.discard_letters<order>({.limit = 1}) == 1);
    fx.bus.publish(order{"a", 6});
    REQUIRE(fx.bus.settle());
    CHECK(t.done == ints{5, 2, 3, 4, 6});
    CHECK(s.statistics().dead == 1);
  }
  SECTION("a blocked one that is discarded is gone, and holds nothing") {
    CHECK(fx.bus.discard_letters<order>({.number = letters[1].number}) == 1);
    CHECK(fx.bus.redrive<order>({.limit = 1}) == 1);
    REQUIRE(fx.bus.settle());
    CHECK(t.done == ints{5, 1, 3, 4});
    CHECK(s.statistics().dead == 1);
  }
  SECTION("a blocked one cannot be redriven alone, and the answer says why") {
    const auto report = fx.bus.redrive<order>({.number = letters[2].number});
    CHECK(report == 0);
    REQUIRE(report.refused.size() == 1);
    CHECK(report.refused[0].text ==
          "letter " + std::to_string(letters[2].number) + " of subscription \"s\" waits behind letter " +
              std::to_string(letters[0].number) +
              ", which holds its key; redrive or discard that one, and this one follows by itself");
    REQUIRE(fx.bus.settle());
    CHECK(t.done == ints{5});
    CHECK(fx.bus.dead_letters<order>().size() == 3);
  }
  SECTION("and when the first dies again they follow it again, in order") {
    t.left[1] = 2;
    CHECK(fx.bus.redrive<order>() == 3);
    fx.advance(2s);
    REQUIRE(fx.bus.settle());
    CHECK(t.done == ints{5});
    CHECK(numbers(fx.bus.dead_letters<order>()) == ints{1, 2, 3});
    CHECK(fx.bus.dead_letters<order>()[1].blocked_by == fx.bus.dead_letters<order>()[0].number);
    CHECK(fx.bus.redrive<order>() == 3);
    REQUIRE(fx.bus.settle());
    CHECK(t.done == ints{5, 1, 2, 3, 4});
  }
}

TEST_CASE("ordered_by: with skip_key the key goes on without the dead event", "[bus][P23]") {
  stepped<order> fx;
  trouble t{{{1, 2}}};
  auto s = fx.subscribe<order>(
      "s", [&](const order& e) { t(e.n); }, peal::ordered_by{&order::key, peal::skip_key},
      peal::otherwise(every(1s, 2)));
  for (int n = 1; n <= 3; ++n) fx.bus.publish(order{"a", n});
  fx.run();
  CHECK(t.done.empty());
  fx.advance(2s);
  fx.bus.publish(order{"a", 4});
  REQUIRE(fx.bus.settle());
  CHECK(t.done == ints{2, 3, 4});
  CHECK(fx.bus.redrive<order>() == 1);
  REQUIRE(fx.bus.settle());
  CHECK(t.done == ints{2, 3, 4, 1});
}

TEST_CASE("ordered_by: a discard ends the event and the key goes on", "[bus][P23]") {
  stepped<order> fx;
  trouble t{{{1, 1}}};
  auto s = fx.subscribe<order>(
      "s",
      [&](const order& o, const peal::delivery& d) -> peal::outcome {
        if (o.n == 1 && d.attempt() == 2) return peal::discard;
        t(o.n);
        return peal::done;
      },
      peal::ordered_by{&order::key}, peal::otherwise(every(1s, 3)));
  fx.bus.publish(order{"a", 1});
  fx.bus.publish(order{"a", 2});
  fx.advance(2s);
  CHECK(t.done == ints{2});
  CHECK(s.statistics().discarded == 1);
  CHECK(fx.bus.dead_letters<order>().empty());
}

TEST_CASE("ordered_by: beyond its limits the subscription stalls in place, is counted, and loses nothing",
          "[bus][P23][P4]") {
  stepped<order> fx;
  trouble t{{{1, 1}}};
  const bool by_key = GENERATE(true, false);
  const peal::ordering_limits limits = by_key ? peal::ordering_limits{.per_key = 2} : peal::ordering_limits{.total = 2};
  auto s = fx.subscribe<order>(
      "s", [&](const order& e) { t(e.n); }, peal::ordered_by{&order::key, limits}, peal::otherwise(every(1s, 2)));
  for (int n = 1; n <= 5; ++n) fx.bus.publish(order{"a", n});
  fx.bus.publish(order{"b", 6});
  fx.run();
  CHECK(s.statistics().held == 2);
  CHECK(s.statistics().key_stalls == 1);
  CHECK(s.statistics().stalled);
  CHECK(t.done.empty());
  fx.check_accounts();
  fx.advance(2s);
  REQUIRE(fx.bus.settle());
  CHECK(t.done == ints{1, 2, 3, 4, 5, 6});
  CHECK(s.statistics().key_stalls == 1);
  CHECK_FALSE(s.statistics().stalled);
}
