// SPDX-License-Identifier: MIT
// P31: what goes to the store together, or behind one another: names, positions, outputs, and what a refused batch had.
#include <peal/bus/durable.hpp>
#include <peal/bus/redrive_marks.hpp>
#include <peal/store/memory_store.hpp>
#include <peal/testing/stepped_runtime.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "bus/failing_store.hpp"
#include "support/catch.hpp"

namespace {

struct tick {
  std::int64_t n{};
  static constexpr peal::event_name name{"test.tick", 1};
  static constexpr auto fields = peal::fields(peal::field{"n", &tick::n});
};
struct made {
  std::int64_t n{};
  static constexpr peal::event_name name{"test.made", 1};
  static constexpr auto fields = peal::fields(peal::field{"n", &made::n});
};
using ticks = peal::topic<tick, peal::durable, peal::capacity<16384>>;

bool knows(const peal::memory_store& kept, std::string_view name) {
  bool found = false;
  kept.cursors([&](const peal::stored_cursor& c) { found = found || c.subscription == name; });
  return found;
}

/// Of each commit: who has come past tick 0 has its output, number -1, in the store by then.
struct judging_store final : peal::testing::store_wrapper {
  using store_wrapper::store_wrapper;
  void commit(const peal::store_batch& b) override {
    wrapped().commit(b);
    for (const peal::stored_event& e : b.events) there = there || (e.name == "test.made" && e.causation);
    for (const peal::stored_cursor& c : b.cursors) {
      if (c.subscription != "makes" || c.position == 0) continue;
      passed = true;
      wrong = wrong || !there;
    }
  }
  bool there = false, passed = false, wrong = false;
};

}  // namespace

TEST_CASE("durable: how far one has come goes with its outputs, however many events stand before those",
          "[bus][durable][P31][P33]") {
  for (std::uint64_t seed = 1; seed != 9; ++seed) {  // the handler runs before the journal in some, behind it in others
    peal::memory_store kept;
    judging_store store{&kept};
    peal::testing::stepped_bus<peal::topic<tick, peal::durable>,
                               peal::topic<made, peal::durable, peal::capacity<16384>>>
        bus{{.seed = seed}, store};
    const auto makes = bus.subscribe<tick>("makes", [](const tick&) { return made{-1}; });
    bus.publish(tick{0});
    while (kept.range("test.tick").next == 0) REQUIRE(bus.runtime().step());
    for (std::int64_t n = 0; n != 9'000; ++n) bus.publish(made{n});  // more than two commits take
    bus.runtime().advance(std::chrono::seconds{10});
    CHECK(store.passed);
    CHECK_FALSE(store.wrong);
  }
}

TEST_CASE("durable: what a refused batch had in it goes with the next", "[bus][durable][P35]") {
  peal::memory_store kept;
  peal_test::full_store store{&kept};
  peal::testing::stepped_bus<ticks> bus{{.seed = 7}, store};
  const auto s = bus.subscribe<tick>(
      "ledger", [](const tick&) {}, peal::idempotent{&tick::n, {.window = std::chrono::hours{1}, .capacity = 100}});
  bus.publish(tick{1});
  while (kept.range("test.tick").next == 0) REQUIRE(bus.runtime().step());
  store.full = true;
  (void)bus.publish_after(tick{2}, std::chrono::hours{1});
  bus.publish(tick{3});
  bus.runtime().advance(std::chrono::seconds{10});  // 1 has been handled, and its key told
  store.full = false;
  bus.runtime().advance(std::chrono::seconds{10});
  std::size_t keys = 0, timers = 0;
  kept.claims("ledger", [&](const peal::stored_claim&) { ++keys; });
  kept.timers([&](const peal::stored_timer&) { ++timers; });
  CHECK(keys == 2);
  CHECK(timers == 1);
}

TEST_CASE("durable: with an event the store has the names of those who wait for it", "[bus][durable][P31]") {
  peal::memory_store kept;
  peal::testing::stepped_bus<ticks> bus{{.seed = 7}, kept};
  const auto take = [](const tick&) {};
  const auto early = bus.subscribe<tick>("early", take);
  for (std::int64_t n = 0; n != 5'000; ++n) bus.publish(tick{n});
  while (kept.range("test.tick").next == 0) REQUIRE(bus.runtime().step());
  REQUIRE(kept.range("test.tick").next < 5'000);  // more than one commit takes: a snapshot waits for the rest
  const auto late = bus.subscribe<tick>("late", take);
  bus.publish(tick{5'000});
  while (kept.range("test.tick").next <= 5'000) REQUIRE(bus.runtime().step());
  CHECK(knows(kept, "early"));
  CHECK(knows(kept, "late"));
}

namespace {

template <int Which>
struct kind {
  std::int64_t n{};
  static constexpr char letters[] = {'t', 'e', 's', 't', '.', 'a' + Which, '\0'};
  static constexpr peal::event_name name{letters, 1};
  static constexpr auto fields = peal::fields(peal::field{"n", &kind::n});
};
using first = kind<0>;
using second = kind<1>;
using third = kind<2>;
using in_memory = kind<3>;
template <class E>
using kept_topic = peal::topic<E, peal::durable>;

/// Ids that a test has seen, each of which must be there once.
struct ids {
  std::set<peal::event_id> seen;
  void add(const peal::receipt& r) { CHECK(seen.insert(r.id()).second); }
};

}  // namespace

TEST_CASE("durable: ids stay unique when topics are reordered and added between lives", "[bus][durable][P31]") {
  peal::memory_store kept;
  ids all;
  peal::event_id unread{};
  {
    peal::testing::stepped_bus<kept_topic<first>, kept_topic<second>, in_memory> bus{{.seed = 7}, kept};
    auto s = bus.subscribe<first>("reader", [](const first&) {});
    bus.runtime().run();
    s.stop();
    const peal::receipt r = bus.publish(first{1});
    unread = r.id();
    all.add(r);
    all.add(bus.publish(in_memory{1}));
    bus.wait_durable(r);
  }
  {
    peal::testing::stepped_bus<kept_topic<third>, in_memory, kept_topic<second>, kept_topic<first>> bus{{.seed = 8},
                                                                                                        kept};
    peal::event_id read{};
    const auto s = bus.subscribe<first>("reader", [&](const first&, peal::delivery& d) { read = d.id(); });
    (void)bus.settle();
    CHECK(read == unread);
    for (int i = 0; i != 3; ++i) {
      all.add(bus.publish(third{i}));
      all.add(bus.publish(second{i}));
      all.add(bus.publish(in_memory{i}));
      const peal::receipt r = bus.publish(first{i});
      all.add(r);
      bus.wait_durable(r);  // by its id: finds its topic
    }
  }
  {
    peal::testing::stepped_bus<kept_topic<second>> bus{{.seed = 9}, kept};
    all.add(bus.publish(second{9}));
  }
  kept.topics([&](const peal::stored_topic& t) {
    (void)kept.read(t.name, 0, 100, [&](const peal::stored_event& e) { CHECK(all.seen.count(e.id) == 1); });
  });
}

TEST_CASE("durable: a store of before topics had numbers in it keeps the ids that it has", "[bus][durable][P38]") {
  peal::memory_store kept;
  const auto id = [](std::uint64_t topic) { return peal::event_id{0xabcdef, topic << 56}; };
  peal::store_batch b;
  b.claims.push_back({"peal.bus", "epoch 0000000000abcdef", peal::claim_state::committed, 1});
  std::vector<std::byte> payload;
  peal::encode(first{5}, payload);
  const std::string_view topics[] = {"test.a", "test.b"};
  for (std::uint64_t i = 0; i != 2; ++i) {
    peal::stored_event& e = b.events.emplace_back();
    e.topic = e.name = topics[i];
    e.id = e.correlation = id(i);
    e.payload = payload;
    b.cursors.push_back({"reader", topics[i], 0});
  }
  kept.commit(b);
  peal::testing::stepped_bus<kept_topic<third>, kept_topic<second>> bus{{.seed = 8}, kept};
  peal::event_id read{};
  const auto s = bus.subscribe<second>("reader", [&](const second&, peal::delivery& d) { read = d.id(); });
  (void)bus.settle();
  CHECK(read == id(1));
  CHECK(bus.publish(third{1}).id() == id(2));  // 0 is that of a topic which this bus does not have
}

TEST_CASE("durable: more topics than an id has numbers for get epochs of their own", "[bus][durable]") {
  peal::memory_store kept;
  const std::string digits = "0123456789abcdef";
  for (std::size_t i = 0; i != 256; ++i) {
    peal::store_batch b;
    const std::string key =
        std::string("ids 0000000000abcdef") + digits[i / 16] + digits[i % 16] + " t" + digits[i / 16];
    b.claims.push_back({"peal.bus", key, peal::claim_state::committed, 1});
    b.claims.push_back({"peal.bus", "epoch 0000000000abcdef", peal::claim_state::committed, 1});
    kept.commit(b);
  }
  peal::testing::stepped_bus<kept_topic<first>, kept_topic<second>> bus{{.seed = 8}, kept};
  const peal::event_id a = bus.publish(first{1}).id();
  const peal::event_id c = bus.publish(second{1}).id();
  CHECK(a.high != 0xabcdef);
  CHECK(c.high != 0xabcdef);
  CHECK(a != c);
}

namespace {

/// Those of odd number die in "reader", which keeps the order of all.
void leave_letters(peal::store& kept) {
  peal::testing::stepped_bus<kept_topic<first>> bus{{.seed = 7}, kept};
  const auto fail = [](const first& e) { return e.n % 2 != 0 ? peal::reject("odd") : peal::outcome{}; };
  const auto a = bus.subscribe<first>("reader", fail, peal::ordered_by{[](const first& e) { return e.n / 10; }});
  const auto c = bus.subscribe<first>("other", fail, peal::ordered_by{[](const first& e) { return e.n; }});
  for (const std::int64_t n : {1, 11, 2, 21, 12}) bus.publish(first{n});  // 2 and 12 wait behind 1 and 11
  (void)bus.settle();
}
std::vector<std::uint64_t> letters_of(const peal::store& kept, std::string_view whose) {
  std::vector<std::uint64_t> numbers;
  kept.letters("test.a", [&](const peal::stored_letter& l) {
    if (l.subscription == whose) numbers.push_back(l.number);
  });
  return numbers;
}
std::size_t marks_in(const peal::store& kept) {
  std::size_t n = 0;
  kept.claims("peal.redrive", [&](const peal::stored_claim&) { ++n; });
  return n;
}

}  // namespace

TEST_CASE("durable: letters that were marked go back in order when their subscription stands", "[bus][durable][P25]") {
  peal::memory_store kept;
  leave_letters(kept);
  const std::vector<std::uint64_t> mine = letters_of(kept, "reader");
  const std::vector<std::uint64_t> others = letters_of(kept, "other");
  REQUIRE(mine.size() == 5);
  REQUIRE(others.size() == 3);
  std::vector<std::uint64_t> numbers;
  kept.letters("test.a", [&](const peal::stored_letter& l) {
    if (l.blocked_by == 0 && l.number != mine.back()) numbers.push_back(l.number);
  });
  std::swap(numbers.front(), numbers.back());
  for (const peal::redrive_errc e : peal::mark_for_redrive(kept, "test.a", numbers))
    CHECK(e == peal::redrive_errc::none);
  peal::store_batch discarded;
  discarded.letters_gone.push_back({"test.a", others[1]});
  kept.commit(discarded);
  std::vector<std::int64_t> heard;
  bool broken = true;
  {
    peal::testing::stepped_bus<kept_topic<first>> bus{{.seed = 8}, kept};
    CHECK(marks_in(kept) == numbers.size() - 1);  // of a letter that is gone it is, too
    const auto hear = [&](const first& e) {
      heard.push_back(e.n);
      return broken && e.n == 21 ? peal::reject("still") : peal::outcome{};
    };
    const auto s = bus.subscribe<first>("reader", hear, peal::ordered_by{[](const first& e) { return e.n / 10; }});
    (void)bus.settle();
    const std::vector<std::int64_t> all{1, 11, 2, 21, 12};
    CHECK(heard.size() == 5);
    CHECK(std::is_permutation(heard.begin(), heard.end(), all.begin(), all.end()));
    CHECK(heard.front() == 1);
    CHECK(std::find(heard.begin(), heard.end(), 2) > std::find(heard.begin(), heard.end(), 1));
    CHECK(std::find(heard.begin(), heard.end(), 12) > std::find(heard.begin(), heard.end(), 11));
    CHECK(marks_in(kept) == 2);
  }
  CHECK(letters_of(kept, "reader").size() == 1);
  CHECK(letters_of(kept, "other").size() == 2);
  heard.clear();
  peal::testing::stepped_bus<kept_topic<first>> bus{{.seed = 9}, kept};
  const auto hear = [&](const first& e) { heard.push_back(e.n); };
  const auto s = bus.subscribe<first>("reader", hear, peal::ordered_by{[](const first& e) { return e.n / 10; }});
  const auto o = bus.subscribe<first>("other", hear, peal::ordered_by{[](const first& e) { return e.n; }});
  (void)bus.settle();
  CHECK(heard == std::vector<std::int64_t>{1, 21});  // the other's; a mark is used once
  CHECK(marks_in(kept) == 0);
}
