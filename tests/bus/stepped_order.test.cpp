// SPDX-License-Identifier: MIT
// Order by key on virtual time: back-offs, dead letters, redrives, limits, and what a second subscription finds.
#include "bus/stepped_support.hpp"

#include <map>
#include <optional>

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
struct refund {
  std::string of;
  int n = 0;
};
using shop = peal::topic<order, refund>;

/// Numbers of the events that go wrong, each so many times.
struct trouble {
  std::map<int, int> left{};
  ints ran{};   // every run
  ints done{};  // every success
  void operator()(int n) {
    ran.push_back(n);
    if (left[n]-- > 0) throw gateway_down("no " + std::to_string(n));
    done.push_back(n);
  }
};

template <class E>
ints numbers(const std::vector<peal::dead_letter_record<E>>& letters) {
  ints all;
  for (const auto& l : letters) all.push_back(l.event.n);
  return all;
}

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
    CHECK(report.refused[0] ==
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
