// SPDX-License-Identifier: MIT
// P35: a durable bus whose store fails: who hears of it, what goes on, what is lost and what is not.
#include <peal/bus/durable.hpp>
#include <peal/store/memory_store.hpp>
#include <peal/testing/faulty_store.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "bus/failing_store.hpp"
#include "bus/stepped_support.hpp"

namespace {

using namespace std::chrono_literals;
using namespace peal_test;
using peal::store_errc;

struct made {
  std::int64_t n{};
  static constexpr peal::event_name name{"test.made", 1};
  static constexpr auto fields = peal::fields(peal::field{"n", &made::n});
};
struct note {  // in memory
  std::int64_t n{};
};
using ticks = peal::topic<tick, peal::durable, peal::capacity<16>>;
using bus_type = peal::testing::stepped_bus<ticks, peal::topic<made, peal::durable, peal::capacity<16>>, note>;

std::vector<peal::receipt> publish(bus_type& bus, std::int64_t from, std::int64_t to) {
  std::vector<peal::receipt> receipts;
  for (std::int64_t n = from; n != to; ++n) receipts.push_back(bus.publish(tick{n}));
  return receipts;
}
std::vector<std::int64_t> numbers(std::int64_t from, std::int64_t to) {
  std::vector<std::int64_t> all;
  for (; from != to; ++from) all.push_back(from);
  return all;
}
std::vector<std::int64_t> in_store(const peal::store& kept, std::string_view topic = "test.tick") {
  std::vector<std::int64_t> all;
  (void)kept.read(topic, 0, ~std::size_t{0},
                  [&](const peal::stored_event& e) { all.push_back(peal::decode<tick>(e.payload).n); });
  return all;
}
bool says(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

/// Remembers what its handler is given.
struct seen {
  std::vector<std::int64_t> all{};
  auto take() {
    return [this](const tick& t) { all.push_back(t.n); };
  }
};

}  // namespace

TEST_CASE("durable: a failed sync: its topics refuse, what is not in the store is named, the rest goes on",
          "[bus][durable][P35]") {
  peal::memory_store kept;
  peal::testing::faulty_store store{&kept};
  bus_type bus{{.seed = 7}, store};
  seen ledger;
  std::int64_t notes = 0;
  const auto a = bus.subscribe<tick>("ledger", ledger.take());
  const auto b = bus.subscribe<note>("notes", [&](const note& n) { notes += n.n; });
  const auto safe = publish(bus, 0, 3);
  REQUIRE(bus.settle());
  CHECK(bus.health() == peal::health::ok);

  store.fail(1, store_errc::io);
  const auto lost = publish(bus, 3, 6);
  CHECK_THROWS_WITH(bus.wait_durable(lost[1]), Catch::Contains("the store of its durable topic has failed"));
  bus.wait_durable(safe[2]);
  CHECK(ledger.all == numbers(0, 3));  // never before it is durable
  CHECK(bus.try_publish(tick{6}).error() == peal::publish_errc::store_failed);
  CHECK(bus.try_publish_for(tick{6}, 1h).error() == peal::publish_errc::store_failed);
  CHECK(bus.try_publish(made{6}).error() == peal::publish_errc::store_failed);  // the store is one
  CHECK_THROWS_AS(bus.publish_after(tick{7}, 1s), peal::publish_refused);
  CHECK(bus.health() == peal::health::degraded);

  const auto d = bus.durability();
  CHECK(d.failed);
  CHECK(says(d.failure, "a test wants it"));
  CHECK(d.topics.at(0).accepted == 6);
  CHECK(d.topics.at(0).durable == 3);
  CHECK(d.not_durable == std::vector<peal::event_id>{lost[0].id(), lost[1].id(), lost[2].id()});

  bus.publish(note{5});
  const auto rest = bus.settle();
  CHECK_FALSE(rest);
  REQUIRE(rest.waiting_for.size() == 1);
  CHECK(says(rest.waiting_for[0], "\"ledger\": its topic's store has failed, 3 unread"));
  CHECK(notes == 5);

  const auto report = bus.drain(1h);
  CHECK_FALSE(report.complete);
  CHECK(report.took == 0s);  // waiting longer brings nothing
  CHECK(report.abandoned == 3);
  CHECK(report.kept == 0);
  CHECK(report.not_durable == d.not_durable);
  CHECK(in_store(kept) == numbers(0, 3));
}

TEST_CASE("durable: behind a failed store what is in it is still handled", "[bus][durable][P35]") {
  peal::memory_store kept;
  peal::testing::faulty_store store{&kept};
  bus_type bus{{.seed = 7}, store};
  seen ring, past, retried;
  auto a = bus.subscribe<tick>("ring", ring.take());
  auto b = bus.subscribe<tick>("past", past.take(), peal::behind{peal::read_store});
  int left = 2;
  const auto c = bus.subscribe<tick>(
      "retried",
      [&](const tick& t) {
        if (t.n == 4 && left-- > 0) throw gateway_down();
        retried.all.push_back(t.n);
      },
      peal::otherwise(peal::backoff{.attempts = 5, .first = 1s}));
  a.pause();
  b.pause();
  for (int i = 0; i != 10; ++i) (void)publish(bus, i, i + 1), bus.runtime().run();
  store.fail(1, store_errc::io);
  (void)publish(bus, 10, 12);
  bus.runtime().run();
  REQUIRE(bus.durability().failed);
  CHECK(ring.all.empty());
  a.resume();
  b.resume();
  bus.runtime().advance(1min);
  CHECK(ring.all == numbers(0, 10));
  CHECK(past.all == numbers(0, 10));
  CHECK(retried.all.size() == 10);
  CHECK_FALSE(bus.settle());
}

TEST_CASE("durable: a settle that waits is answered when the store fails", "[bus][durable][P35][P15]") {
  peal::memory_store kept;
  peal::testing::faulty_store store{&kept};
  bus_type bus{{.seed = 7}, store};
  const auto a = bus.subscribe<tick>("makes", [](const tick& t) { return made{t.n}; });
  const auto b = bus.subscribe<made>("takes", [](const made&) {});
  (void)publish(bus, 0, 3);
  store.fail(2, store_errc::io);  // the ticks are in it, and what was made of them is not
  const auto rest = bus.settle();
  CHECK_FALSE(rest);
  CHECK(bus.durability().failed);
  CHECK(in_store(kept) == numbers(0, 3));
  CHECK(in_store(kept, "test.made").empty());
}

TEST_CASE("durable: without space for a while everything waits, and nothing is lost or doubled",
          "[bus][durable][P35]") {
  peal::memory_store kept;
  full_store store{&kept};
  seen ledger;
  {
    bus_type bus{{.seed = 7}, store};
    const auto a = bus.subscribe<tick>("ledger", ledger.take());
    (void)publish(bus, 0, 2);
    REQUIRE(bus.settle());
    store.full = true;
    const auto receipts = publish(bus, 2, 10);
    bus.runtime().run();
    CHECK(says(bus.durability().failure, "no space"));
    CHECK_FALSE(bus.durability().failed);
    CHECK(bus.durability().not_durable.empty());  // they wait
    CHECK(bus.health() == peal::health::degraded);
    CHECK_FALSE(bus.wait_durable_for(receipts.back(), 10ms));
    const auto asked = store.asked;
    (void)publish(bus, 10, 18);  // the ring is full then
    CHECK(bus.try_publish(tick{18}).error() == peal::publish_errc::full);
    bus.runtime().advance(500ms);
    CHECK(store.asked == asked);  // it rests
    bus.runtime().advance(1min);
    CHECK(store.asked > asked + 10);
    CHECK(store.asked < asked + 100);
    CHECK(ledger.all == numbers(0, 2));
    store.full = false;
    bus.wait_durable(receipts.back());
    bus.publish(tick{18});
    bus.runtime().advance(10s);
    CHECK(bus.settle());
    CHECK(ledger.all == numbers(0, 19));
    CHECK(bus.durability().failure.empty());
    CHECK(bus.health() == peal::health::ok);
  }
  CHECK(in_store(kept) == numbers(0, 19));
  bus_type next{{.seed = 9}, store};
  const auto a = next.subscribe<tick>("ledger", ledger.take());
  CHECK(next.settle());
  CHECK(ledger.all == numbers(0, 19));
}

TEST_CASE("durable: a bus that ends without space says what is not in the store", "[bus][durable][P35][P10]") {
  peal::memory_store kept;
  full_store store{&kept};
  bus_type bus{{.seed = 7}, store};
  seen ledger;
  auto a = bus.subscribe<tick>("ledger", ledger.take());
  a.pause();
  (void)publish(bus, 0, 2);
  bus.runtime().run();
  store.full = true;
  const auto lost = publish(bus, 2, 4);
  const auto report = bus.drain(500ms);
  CHECK_FALSE(report.complete);
  CHECK(report.took == 500ms);  // there may be room any time
  CHECK(report.not_durable == std::vector<peal::event_id>{lost[0].id(), lost[1].id()});
  CHECK(report.kept == 2);
  CHECK(report.abandoned == 2);
  CHECK(report.abandoned_ids == report.not_durable);
}

TEST_CASE("durable: a drain past its deadline counts what the next life goes on with", "[bus][durable][P10]") {
  peal::memory_store kept;
  seen ledger;
  {
    bus_type bus{{.seed = 7}, kept};
    auto a = bus.subscribe<tick>("ledger", ledger.take());
    auto b = bus.subscribe<tick>("passing", ledger.take(), peal::transient);
    a.pause();
    b.pause();
    (void)publish(bus, 0, 4);
    const auto report = bus.drain(1s);
    CHECK(report.kept == 4);
    CHECK(report.abandoned == 4);  // of the transient one
    CHECK(report.not_durable.empty());
  }
  bus_type next{{.seed = 7}, kept};
  const auto a = next.subscribe<tick>("ledger", ledger.take());
  CHECK(next.settle());
  CHECK(ledger.all == numbers(0, 4));
}

TEST_CASE("durable: two buses on one store: one of them is told, and every event has one place",
          "[bus][durable][P35]") {
  peal::memory_store kept;
  bus_type one{{.seed = 7}, kept};
  bus_type two{{.seed = 9}, kept};
  seen by_one, by_two;
  const auto a = one.subscribe<tick>("one", by_one.take());
  const auto b = two.subscribe<tick>("two", by_two.take());
  const auto mine = publish(one, 0, 3);
  REQUIRE(one.settle());
  const auto lost = publish(two, 100, 103);
  CHECK_FALSE(two.settle());
  const auto d = two.durability();
  CHECK(d.failed);
  CHECK(says(d.failure, "append to test.tick at 0"));
  CHECK(d.not_durable.size() == 3);
  CHECK_THROWS_AS(two.wait_durable(lost[0]), peal::publish_refused);
  CHECK(by_two.all.empty());
  (void)publish(one, 3, 5);
  CHECK(one.settle());
  CHECK(by_one.all == numbers(0, 5));
  CHECK(in_store(kept) == numbers(0, 5));
}

TEST_CASE("durable: a past that cannot be read is asked for again, later each time, and nothing of it is passed over",
          "[bus][durable][P35][P31]") {
  peal::memory_store kept;
  peal::testing::faulty_store store{&kept};
  seen ledger;
  {
    bus_type bus{{.seed = 7}, store};
    auto a = bus.subscribe<tick>("ledger", ledger.take());
    a.pause();
    (void)publish(bus, 0, 8);
    bus.runtime().run();
  }
  bus_type bus{{.seed = 8}, store};
  const auto a = bus.subscribe<tick>("ledger", ledger.take());
  (void)publish(bus, 8, 10);
  SECTION("once") {
    store.fail_reads(1);
    bus.runtime().run();
    CHECK(ledger.all.empty());
    CHECK(says(bus.durability().failure, "subscription \"ledger\": peal: store memory: read"));
    CHECK(bus.health() == peal::health::degraded);
    bus.runtime().advance(100ms);
  }
  SECTION("for long") {
    store.fail_reads(~std::uint64_t{0});
    bus.runtime().advance(1min);
    CHECK(ledger.all.empty());
    const auto before = store.reads();
    bus.runtime().advance(1min);
    CHECK(store.reads() - before > 30);
    CHECK(store.reads() - before < 200);
    const auto d = bus.durability();  // it says so although it cannot ask
    CHECK_FALSE(d.failed);
    CHECK(says(d.failure, "\"ledger\""));
    CHECK(d.topics.at(0).accepted == 10);
    store.recover();
    bus.runtime().advance(2s);
  }
  CHECK(bus.settle());
  CHECK(ledger.all == numbers(0, 10));
  CHECK(bus.durability().failure.empty());
  CHECK(bus.health() == peal::health::ok);
}

TEST_CASE("durable: one that reads the store and cannot holds nobody back", "[bus][durable][P35][P37]") {
  peal::memory_store kept;
  peal::testing::faulty_store store{&kept};
  bus_type bus{{.seed = 7}, store};
  seen ledger, behind;
  const auto a = bus.subscribe<tick>("ledger", ledger.take());
  auto b = bus.subscribe<tick>("behind", behind.take(), peal::behind{peal::read_store});
  b.pause();
  for (int i = 0; i != 100; i += 10) {
    (void)publish(bus, i, i + 10);
    bus.runtime().run();
  }
  store.fail_reads(~std::uint64_t{0});
  b.resume();
  for (int i = 100; i != 200; i += 10) {
    (void)publish(bus, i, i + 10);
    bus.runtime().run();
  }
  CHECK(ledger.all == numbers(0, 200));
  CHECK(behind.all.empty());
  CHECK(says(bus.durability().failure, "\"behind\""));
  b.stop();
  CHECK(bus.durability().failure != "");  // the question itself
  store.recover();
  CHECK(bus.durability().failure.empty());  // and who met it is gone
  const auto c = bus.subscribe<tick>("behind", behind.take(), peal::behind{peal::read_store});
  CHECK(bus.settle());
  CHECK(behind.all == numbers(0, 200));
}

TEST_CASE("durable: a store that cannot be read is told to who subscribes, and what it says is taken back",
          "[bus][durable][P35]") {
  peal::memory_store kept;
  peal::testing::faulty_store store{&kept};
  bus_type bus{{.seed = 7}, store};
  seen ledger;
  store.fail_reads(1);
  CHECK_THROWS_AS(bus.subscribe<tick>("ledger", ledger.take()), peal::store_error);
  CHECK(bus.durability().subscriptions.empty());
  const auto a = bus.subscribe<tick>("ledger", ledger.take());
  (void)publish(bus, 0, 2);
  CHECK(bus.settle());
  CHECK(ledger.all == numbers(0, 2));
}

TEST_CASE("durable: events that cannot leave the store are a nuisance, and no failure",
          "[bus][durable][P35][retention]") {
  peal::memory_store kept;
  full_store store{&kept};
  bus_type bus{{.seed = 7}, store};
  seen ledger;
  const auto a = bus.subscribe<tick>("ledger", ledger.take());
  bus.retain<tick>({});
  store.stuck = true;
  (void)publish(bus, 0, 2);
  bus.runtime().advance(10s);
  CHECK_FALSE(bus.durability().failed);
  CHECK(says(bus.durability().failure, "trim"));
  (void)publish(bus, 2, 4);
  CHECK(bus.settle());
  CHECK(ledger.all == numbers(0, 4));
  store.stuck = false;
  bus.runtime().advance(1min);
  CHECK(bus.durability().failure.empty());
  CHECK(bus.durability().topics.at(0).oldest == 4);
}

TEST_CASE("durable: keys that cannot leave the store are a nuisance, and no failure", "[bus][durable][P35]") {
  peal::memory_store kept;
  full_store store{&kept};
  bus_type bus{{.seed = 7}, store};
  seen ledger;
  const auto a =
      bus.subscribe<tick>("ledger", ledger.take(), peal::idempotent{&tick::n, {.window = 1h, .capacity = 10'000}});
  store.stuck = true;
  for (std::int64_t n = 0; n != 5'000; n += 10) {  // as many as make it clean up once
    (void)publish(bus, n, n + 10);
    bus.runtime().advance(30ms);
  }
  CHECK(bus.settle());
  CHECK(ledger.all == numbers(0, 5'000));
  CHECK_FALSE(bus.durability().failed);
  CHECK(says(bus.durability().failure, "forget claims"));
}
