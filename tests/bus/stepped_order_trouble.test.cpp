// SPDX-License-Identifier: MIT
// Order by key on virtual time, in worse trouble: full boxes, stops, second subscriptions, duplicates, keys that throw.
#include "bus/order_support.hpp"

namespace {

using namespace std::chrono_literals;
using peal_test::every;
using peal_test::gateway_down;
using peal_test::ints;
using peal_test::stepped;
using peal_test::trouble;
using order = peal_test::keyed_order;
using peal_test::numbers;

}  // namespace

TEST_CASE("ordered_by: a full box of letters stalls what is blocked, wherever it stands, and loses nothing",
          "[bus][P23][P25][P4]") {
  stepped<order> fx{{.max_dead_letters = 2, .seed = 7}};
  trouble t{{{1, 2}}};
  auto s = fx.subscribe<order>(
      "s", [&](const order& e) { t(e.n); }, peal::ordered_by{&order::key}, peal::otherwise(every(1s, 2)));
  for (int n = 1; n <= 4; ++n) fx.bus.publish(order{"a", n});
  fx.run();
  CHECK(s.statistics().held == 3);
  fx.advance(2s);  // 1 dies, 2 follows, 3 finds no room and 4 waits behind it
  fx.bus.publish(order{"a", 5});
  fx.run();
  CHECK(numbers(fx.bus.dead_letters<order>()) == ints{1, 2});
  CHECK(s.statistics().stalled);
  CHECK(s.statistics().kept == 2);
  fx.check_accounts();
  SECTION("redriven") {
    CHECK(fx.bus.redrive<order>() == 2);
    REQUIRE(fx.bus.settle());
    CHECK(t.done == ints{1, 2, 3, 4, 5});
  }
  SECTION("discarded one by one") {
    CHECK(fx.bus.discard_letters<order>({.cause = peal::dead_cause::blocked_by}) == 1);
    fx.run();
    CHECK(numbers(fx.bus.dead_letters<order>()) == ints{1, 3});
    CHECK(fx.bus.discard_letters<order>({.cause = peal::dead_cause::failed}) == 1);
    REQUIRE(fx.bus.settle());
    CHECK(t.done == ints{3, 4, 5});
  }
  SECTION("stopped") {
    const auto meter = s.counters();
    s.stop();
    CHECK(meter.statistics().stopped == 3);
    CHECK(meter.statistics().waiting == 0);
  }
}

TEST_CASE("ordered_by: stop counts what waits behind keys", "[bus][P23][P8]") {
  stepped<order> fx;
  trouble t{{{1, 9}}};
  auto s = fx.subscribe<order>(
      "s", [&](const order& e) { t(e.n); }, peal::ordered_by{&order::key}, peal::otherwise(every(1s, 5)));
  for (int n = 1; n <= 4; ++n) fx.bus.publish(order{"a", n});
  fx.run();
  SECTION("stopped") {
    const auto meter = s.counters();
    s.stop();
    CHECK(meter.statistics().stopped == 4);
    CHECK(meter.statistics().held == 0);
  }
  SECTION("abandoned by a drain past its deadline") {
    const auto report = fx.bus.drain(1ms);
    CHECK_FALSE(report.complete);
    CHECK(report.abandoned == 4);
    CHECK(report.abandoned_ids.size() == 4);
  }
}

TEST_CASE("ordered_by: a second subscription of the name finds its keys held by the letters of the first",
          "[bus][P23][P25]") {
  stepped<order> fx;
  trouble t{{{1, 1}, {11, 1}}};
  auto handler = [&](const order& e) { t(e.n); };
  auto first = fx.subscribe<order>("s", handler, peal::ordered_by{&order::key});
  for (int n = 1; n <= 3; ++n) fx.bus.publish(order{"a", n});
  fx.bus.publish(order{"b", 11});
  REQUIRE(fx.bus.settle());
  first.stop();
  auto second = fx.subscribe<order>("s", handler, peal::ordered_by{&order::key});
  fx.bus.publish(order{"a", 4});
  fx.bus.publish(order{"c", 21});
  REQUIRE(fx.bus.settle());
  CHECK(t.done == ints{21});
  CHECK(fx.bus.dead_letters<order>().back().blocked_by == fx.bus.dead_letters<order>().front().number);
  SECTION("redriven") {
    CHECK(fx.bus.redrive<order>() == 5);
    REQUIRE(fx.bus.settle());
    CHECK(t.done == ints{21, 1, 11, 2, 3, 4});
    CHECK(second.statistics().accepted == 6);
    CHECK(second.statistics().handled == 6);
    CHECK(second.statistics().dead == 0);
  }
  SECTION("discarded") {
    CHECK(fx.bus.discard_letters<order>({.limit = 1}) == 1);
    fx.bus.publish(order{"a", 5});
    REQUIRE(fx.bus.settle());
    CHECK(t.done == ints{21, 2, 3, 4, 5});
  }
  SECTION("or by neither when the second one skips") {
    second.stop();
    auto third = fx.subscribe<order>("s", handler, peal::ordered_by{&order::key, peal::skip_key});
    fx.bus.publish(order{"a", 5});
    REQUIRE(fx.bus.settle());
    CHECK(t.done == ints{21, 5});
    CHECK(fx.bus.redrive<order>() == 5);
    REQUIRE(fx.bus.settle());
    CHECK(t.done == ints{21, 5, 1, 2, 3, 11, 4});
  }
}

TEST_CASE("ordered_by: a duplicate waits behind its claim with its key held", "[bus][P23][P24]") {
  struct payment {
    std::string customer;
    int id = 0;
    int n = 0;
  };
  stepped<payment> fx;
  trouble t{{{1, 1}}};
  auto s = fx.subscribe<payment>(
      "s", [&](const payment& p) { t(p.n); }, peal::ordered_by{&payment::customer}, peal::idempotent{&payment::id},
      peal::otherwise(every(1s, 2)));
  fx.bus.publish(payment{"ann", 100, 1});
  fx.bus.publish(payment{"bob", 100, 2});  // a duplicate: waits behind 1's claim, and bob's others behind it
  fx.bus.publish(payment{"bob", 101, 3});
  fx.bus.publish(payment{"ann", 102, 4});
  fx.bus.publish(payment{"eve", 103, 5});
  fx.run();
  CHECK(t.done == ints{5});
  CHECK(s.statistics().held == 2);
  SECTION("that commits") {
    fx.advance(2s);
    REQUIRE(fx.bus.settle());
    CHECK(t.done == ints{5, 1, 3, 4});
    CHECK(s.statistics().deduplicated == 1);
  }
  SECTION("that is abandoned by a dead letter, which holds its own key only") {
    t.left[1] = 1;
    fx.advance(2s);
    REQUIRE(fx.bus.settle());
    CHECK(t.done == ints{5, 2, 3});
    CHECK(numbers(fx.bus.dead_letters<payment>()) == ints{1, 4});
    CHECK(fx.bus.redrive<payment>() == 2);
    REQUIRE(fx.bus.settle());
    CHECK(t.done == ints{5, 2, 3, 4});  // 1 is a duplicate by now
    CHECK(s.statistics().deduplicated == 1);
  }
}

TEST_CASE("ordered_by: one key for order and for duplicates", "[bus][P23][P24]") {
  stepped<order> fx;
  trouble t{{{1, 2}}};
  auto s = fx.subscribe<order>(
      "s", [&](const order& o) { t(o.n); }, peal::ordered_by{&order::key}, peal::idempotent{&order::key},
      peal::otherwise(every(1s, 3)));
  for (int n = 1; n <= 3; ++n) fx.bus.publish(order{"a", n});
  fx.advance(3s);
  REQUIRE(fx.bus.settle());
  CHECK(t.done == ints{1});
  CHECK(s.statistics().deduplicated == 2);
}

TEST_CASE("ordered_by: a key that throws fails the attempt; a key that can be told when the event goes aside orders it",
          "[bus][P23][P5]") {
  stepped<order> fx;
  trouble t{{{1, 1}}};
  int refuse = 0;
  auto s = fx.subscribe<order>(
      "s", [&](const order& o) { t(o.n); }, peal::ordered_by{[&](const order& o) {
        if (o.n == 2 && refuse-- > 0) throw gateway_down("no key");
        return o.key;
      }},
      peal::otherwise(every(1s, 3)));
  SECTION("told the second time: behind what is busy, though its attempt failed") {
    refuse = 1;
    for (int n = 1; n <= 3; ++n) fx.bus.publish(order{"a", n});
    fx.advance(5s);
    REQUIRE(fx.bus.settle());
    CHECK(t.done == ints{1, 2, 3});
  }
  SECTION("never told while it matters: without order") {
    refuse = 2;
    for (int n = 1; n <= 3; ++n) fx.bus.publish(order{"a", n});
    fx.advance(5s);
    REQUIRE(fx.bus.settle());
    CHECK(t.done.size() == 3);
    CHECK(s.statistics().handled == 3);
  }
}

TEST_CASE("ordered_by: behind a subscription that drops, what it kept is ordered too", "[bus][P23]") {
  stepped<order> fx;
  trouble t{{{1, 1}}};
  auto s = fx.subscribe<order>(
      "s", [&](const order& o) { t(o.n); }, peal::ordered_by{&order::key}, peal::behind{peal::drop_oldest},
      peal::otherwise(every(1s, 3)));
  for (int n = 1; n <= 4; ++n) fx.bus.publish(order{n == 3 ? "b" : "a", n});
  fx.advance(3s);
  REQUIRE(fx.bus.settle());
  CHECK(t.done == ints{3, 1, 2, 4});
}

namespace {

/// A copy of which can be made to fail.
struct fragile {
  static inline int copies_left = -1;  // negative: all of them
  int key = 0;
  int n = 0;

  fragile(int k, int number) : key{k}, n{number} {}
  fragile(fragile&&) noexcept = default;
  fragile& operator=(fragile&&) noexcept = default;
  fragile(const fragile& other) : key{other.key}, n{other.n} {
    if (copies_left == 0) throw std::bad_alloc();
    if (copies_left > 0) --copies_left;
  }
  ~fragile() = default;
};

}  // namespace

TEST_CASE("ordered_by: a copy that throws on the way aside or back stalls in place and changes no order",
          "[bus][P23][P5]") {
  stepped<fragile> fx;
  trouble t{{{1, 1}}};
  auto s = fx.subscribe<fragile>(
      "s", [&](const fragile& o) { t(o.n); }, peal::ordered_by{&fragile::key});
  for (int n = 1; n <= 4; ++n) fx.bus.publish(fragile{1, n});
  SECTION("aside") {
    for (const int copies : {0, 1, 2}) {
      fragile::copies_left = copies;
      fx.advance(15ms);
    }
    fragile::copies_left = -1;
    fx.advance(15ms);
    REQUIRE(fx.bus.settle());
    CHECK(numbers(fx.bus.dead_letters<fragile>()) == ints{1, 2, 3, 4});
  }
  SECTION("back") {
    fx.run();
    REQUIRE(fx.bus.dead_letters<fragile>().size() == 4);
    fragile::copies_left = 2;  // the first and the second
    CHECK(fx.bus.redrive<fragile>({.limit = 1}) == 1);
    fx.run();
    fragile::copies_left = -1;
    CHECK_FALSE(fx.bus.settle());
    fx.bus.publish(fragile{1, 5});
    fx.advance(15ms);
    REQUIRE(fx.bus.settle());
    CHECK(t.done == ints{1, 2, 3, 4, 5});
  }
  fragile::copies_left = -1;
}

TEST_CASE("ordered_by: an event that was kept without order gives its claim up before it waits behind its key",
          "[bus][P23][P24][P5]") {
  struct payment {
    int customer = 0;
    int id = 0;
    int n = 0;
  };
  stepped<payment> fx;
  trouble t{{{1, 1}, {2, 1}}};
  int refuse = 1;
  auto s = fx.subscribe<payment>(
      "s", [&](const payment& p) { t(p.n); }, peal::ordered_by{[&](const payment& p) {
        if (p.n == 1 && refuse-- > 0) throw gateway_down("no key");
        return p.customer;
      }},
      peal::idempotent{&payment::id}, peal::otherwise(every(1s, 3)));
  fx.bus.publish(payment{7, 100, 1});  // fails; its key cannot be told then: it is kept with its claim and no order
  fx.advance(500ms);
  fx.bus.publish(payment{7, 101, 2});  // fails, and its key is busy with it when 1 comes back
  fx.bus.publish(payment{8, 100, 3});  // a duplicate of 1 waits behind the claim
  fx.advance(5s);
  REQUIRE(fx.bus.settle());
  CHECK(t.done == ints{3, 2});  // the duplicate inherits the claim, so 1 has been handled when its turn comes
  CHECK(s.statistics().deduplicated == 1);
}

namespace {

/// A key of which a table's copy can be made to fail.
struct heavy_key {
  static inline bool no_memory = false;
  int value = 0;

  explicit heavy_key(int v) : value{v} {}
  heavy_key(heavy_key&&) noexcept = default;
  heavy_key& operator=(heavy_key&&) = delete;
  heavy_key(const heavy_key& other) : value{other.value} {
    if (no_memory) throw std::bad_alloc();
  }
  ~heavy_key() = default;
  friend bool operator==(const heavy_key&, const heavy_key&) = default;
};

}  // namespace

template <>
struct std::hash<heavy_key> {
  std::size_t operator()(const heavy_key& k) const noexcept { return static_cast<std::size_t>(k.value); }
};

TEST_CASE("ordered_by: without memory for a busy key the subscription waits, and loses nothing", "[bus][P23][P4]") {
  stepped<order> fx;
  trouble t{{{1, 1}, {2, 1}, {3, 1}}};
  auto s = fx.subscribe<order>(
      "s", [&](const order& o) { t(o.n); }, peal::ordered_by{[](const order& o) { return heavy_key{o.n % 3}; }},
      peal::otherwise(every(1s, 3)));
  heavy_key::no_memory = true;
  for (int n = 1; n <= 6; ++n) fx.bus.publish(order{"", n});
  fx.advance(100ms);
  CHECK(t.done.empty());
  CHECK(s.statistics().stalled);
  fx.check_accounts();
  heavy_key::no_memory = false;
  fx.advance(10s);
  REQUIRE(fx.bus.settle());
  REQUIRE(t.done.size() == 6);
  for (int n = 1; n <= 3; ++n) {
    CHECK(std::find(t.done.begin(), t.done.end(), n) < std::find(t.done.begin(), t.done.end(), n + 3));
  }
}
