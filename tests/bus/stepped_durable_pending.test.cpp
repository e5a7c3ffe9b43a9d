// SPDX-License-Identifier: MIT
// What a durable subscription keeps for later: letters on their way back, back-offs, keys that wait; across stops and lives.
#include <peal/bus/durable.hpp>
#include <peal/store/memory_store.hpp>
#include <peal/testing/faulty_store.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bus/stepped_support.hpp"

namespace {

using namespace std::chrono_literals;

struct order {
  std::int64_t id{};
  std::int64_t customer{};
  static constexpr peal::event_name name{"shop.order", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id}, peal::field{"customer", &order::customer});
};

using shop = peal::testing::stepped_bus<peal::topic<order, peal::durable>>;
using ids = std::vector<std::int64_t>;
constexpr auto once = peal::otherwise(peal::backoff{.attempts = 1});

std::size_t letters_in(const peal::store& kept) {
  std::size_t n = 0;
  kept.letters("", [&](const peal::stored_letter&) { ++n; });
  return n;
}

}  // namespace

TEST_CASE("durable: a redriven letter whose subscription stops before it has run stands among the letters again",
          "[bus][durable][P23][P25]") {
  peal::memory_store kept;
  shop bus{{.seed = 7}, kept};
  bool down = true;
  ids ran;
  const auto handler = [&](const order& o) {
    if (down) throw peal_test::gateway_down();
    ran.push_back(o.id);
  };
  std::optional<peal::subscription> s = bus.subscribe<order>("ship", handler, peal::ordered_by{&order::customer}, once);
  bus.publish(order{1, 7});
  bus.publish(order{2, 7});
  REQUIRE(bus.settle());
  bus.runtime().advance(1s);
  REQUIRE(letters_in(kept) == 2);
  down = false;
  s->pause();
  CHECK(bus.redrive<order>() == 2);
  s.reset();
  const auto letters = bus.dead_letters<order>();
  REQUIRE(letters.size() == 2);
  CHECK(letters[0].number == 1);
  CHECK(letters[0].cause == peal::dead_cause::failed);
  CHECK(letters[0].subscription == "ship");
  REQUIRE(letters[0].errors.size() == 1);
  CHECK(letters[0].errors[0].what == "gateway down");
  CHECK(letters[1].cause == peal::dead_cause::blocked_by);
  s = bus.subscribe<order>("ship", handler, peal::ordered_by{&order::customer}, once);
  bus.publish(order{3, 7});
  bus.publish(order{4, 8});
  REQUIRE(bus.settle());
  CHECK(ran == ids{4});  // the key is held
  CHECK(bus.redrive<order>() == 3);
  REQUIRE(bus.settle());
  CHECK(ran == ids{4, 1, 2, 3});
  bus.runtime().advance(1s);
  CHECK(letters_in(kept) == 0);
}

TEST_CASE("durable: what a letter's runs threw is told as it was, in every life", "[bus][durable][P25]") {
  peal::memory_store kept;
  for (int life = 0; life != 4; ++life) {
    shop bus{{.seed = 7}, kept};
    if (life == 0) {
      const auto s = bus.subscribe<order>(
          "ship", [](const order&) { throw peal_test::gateway_down(); },
          peal::otherwise(peal::backoff{.attempts = 2, .first = 1ms}));
      bus.publish(order{1, 7});
      bus.runtime().advance(1s);
    }
    const auto s = bus.subscribe<order>("ship", [](const order&) {});
    const auto letters = bus.dead_letters<order>();
    REQUIRE(letters.size() == 1);
    REQUIRE(letters[0].errors.size() == 2);
    CHECK(letters[0].errors[1].attempt == 2);
    CHECK(letters[0].errors[1].what == "gateway down");
    CHECK(bus.edit_letter<order>(1, [](order& o) { ++o.id; }) == peal::redrive_errc::none);  // it is stored again
    bus.runtime().advance(1s);
  }
}

TEST_CASE("durable keys: the effect of a letter that came back has made its key a handled one",
          "[bus][durable][P24][P32]") {
  struct rows {
    peal::memory_store& disk;
    void commit(const peal::store_batch& b) { disk.commit(b); }
  };
  peal::memory_store kept;
  int handled = 0;
  bool down = true;
  {
    peal::testing::faulty_store store{&kept};
    shop bus{{.seed = 7}, store};
    const auto s = bus.subscribe<order>(
        "charge",
        [&](const order&, peal::delivery& d) {
          if (down) throw peal_test::gateway_down();
          ++handled;
          rows t{kept};
          d.commit(t);
          store.fail(1, peal::store_errc::io);  // here the process ends
        },
        peal::idempotent{&order::customer}, once);
    bus.publish(order{1, 7});
    REQUIRE(bus.settle());
    bus.runtime().advance(1s);
    down = false;
    CHECK(bus.redrive<order>() == 1);
    bus.runtime().advance(1s);
    CHECK(handled == 1);
  }
  CHECK(letters_in(kept) == 0);
  for (int life = 0; life != 2; ++life) {
    shop bus{{.seed = 7}, kept};
    const auto s = bus.subscribe<order>(
        "charge", [&](const order&) { ++handled; }, peal::idempotent{&order::customer});
    bus.publish(order{2, 7});
    REQUIRE(bus.settle());
    CHECK(handled == 1);
  }
}

namespace {

/// A life of the bus whose store ends when the test says so.
struct life {
  explicit life(peal::store& disk) : store{&disk}, bus{{.seed = 7}, store} {}
  /// Nothing that comes later is kept.
  void cut_off() { store.fail(1, peal::store_errc::io); }

  peal::testing::faulty_store store;
  shop bus;
};

std::vector<peal::stored_pending> rows_in(const peal::store& kept, const char* subscription) {
  std::vector<peal::stored_pending> all;
  kept.pending(subscription, "shop.order", [&](const peal::stored_pending& p) { all.push_back(p); });
  return all;
}
std::uint64_t cursor_in(const peal::store& kept) {
  std::uint64_t at = 0;
  kept.cursors([&](const peal::stored_cursor& c) { at = c.position; });
  return at;
}

/// The wall clock moves by so much, while no life is there to see it.
void age(peal::store& kept, const char* subscription, std::chrono::nanoseconds by) {
  for (peal::stored_pending p : rows_in(kept, subscription)) {
    p.subscription = subscription;
    p.topic = "shop.order";
    p.due -= by.count();
    peal::store_batch b;
    b.pending.push_back(p);
    kept.commit(b);
  }
}

}  // namespace

TEST_CASE("durable: a back-off goes on across a restart where it was, and nothing behind it comes again",
          "[bus][durable][P31][P22]") {
  const bool crash = GENERATE(false, true);
  const bool by_key = GENERATE(false, true);
  peal::memory_store kept;
  std::vector<std::pair<std::int64_t, std::uint32_t>> ran;
  const auto handler = [&](const order& o, const peal::delivery& d) {
    ran.emplace_back(o.id, d.attempt());
    if (o.id == 2) throw peal_test::gateway_down();
  };
  const auto stand = [&](shop& bus) {
    const auto again = peal::otherwise(
        peal::backoff{.attempts = 9, .first = 1h, .cap = 1h, .multiplier = 1, .spread = peal::jitter::none});
    return by_key ? bus.subscribe<order>("ship", handler, peal::ordered_by{&order::customer}, again)
                  : bus.subscribe<order>("ship", handler, again);
  };
  {
    life first{kept};
    const auto s = stand(first.bus);
    for (std::int64_t id = 1; id != 6; ++id) first.bus.publish(order{id, id == 4 ? 2 : id});  // 4 waits behind 2
    first.bus.runtime().advance(20min);
    CHECK(ran.size() == (by_key ? 4 : 5));
    CHECK(cursor_in(kept) == 5);
    REQUIRE(rows_in(kept, "ship").size() == (by_key ? 2 : 1));
    CHECK(rows_in(kept, "ship")[0].position == 1);
    CHECK(rows_in(kept, "ship")[0].attempts == 2);
    if (crash) first.cut_off();
  }
  ran.clear();
  using runs = std::vector<std::pair<std::int64_t, std::uint32_t>>;
  age(kept, "ship", 30min);  // 20 of which the first life was there
  life second{kept};
  const auto s = stand(second.bus);
  second.bus.publish(order{6, 2});
  second.bus.publish(order{7, 7});
  second.bus.runtime().advance(29min);
  CHECK(ran == (by_key ? runs{{7, 1}} : runs{{6, 1}, {7, 1}}));
  CHECK(s.statistics().waiting == (by_key ? 3 : 1));
  ran.clear();
  second.bus.runtime().advance(2min);
  CHECK(ran == runs{{2, 2}});
  second.bus.runtime().advance(57min);
  CHECK(ran.size() == 1);
  second.bus.runtime().advance(3min);
  CHECK(ran == runs{{2, 2}, {2, 3}});
  CHECK(rows_in(kept, "ship")[0].attempts == 4);
}

TEST_CASE("durable: what waits is kept in its place, more of it than there is room for now",
          "[bus][durable][P31][P23]") {
  peal::memory_store kept;
  bool down = true;
  ids ran;
  const auto handler = [&](const order& o) {
    if (down && o.customer == 1) throw peal_test::gateway_down();
    ran.push_back(o.id);
  };
  const auto stand = [&](shop& bus, std::uint32_t room) {
    return bus.subscribe<order>("ship", handler, peal::ordered_by{&order::customer}, peal::side_store{room},
                                peal::otherwise(peal::backoff{.attempts = 9, .first = 1s}));
  };
  {
    life first{kept};
    const auto s = stand(first.bus, 100);
    for (std::int64_t id = 1; id != 21; ++id) first.bus.publish(order{id, id % 2});
    first.bus.runtime().advance(100ms);
    CHECK(rows_in(kept, "ship").size() == 10);
    first.cut_off();
  }
  CHECK(ran == ids{2, 4, 6, 8, 10, 12, 14, 16, 18, 20});
  ran.clear();
  down = false;
  life second{kept};
  const auto s = stand(second.bus, 1);
  second.bus.publish(order{21, 1});
  second.bus.runtime().advance(1h);
  CHECK(ran == ids{1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21});
  CHECK(rows_in(kept, "ship").empty());
  CHECK(cursor_in(kept) == 21);
}

TEST_CASE("durable: one that stops in a back-off and stands again in the same life goes on in it",
          "[bus][durable][P31]") {
  peal::memory_store kept;
  std::vector<std::uint32_t> ran;
  const auto handler = [&](const order& o, const peal::delivery& d) {
    ran.push_back(d.attempt());
    if (o.id == 1) throw peal_test::gateway_down();
  };
  const auto again = peal::otherwise(
      peal::backoff{.attempts = 9, .first = 1h, .cap = 1h, .multiplier = 1, .spread = peal::jitter::none});
  life one{kept};
  {
    const auto s = one.bus.subscribe<order>("ship", handler, again);
    one.bus.publish(order{1});
    one.bus.publish(order{2});
    one.bus.runtime().advance(20min);
  }
  CHECK(ran.size() == 2);
  one.bus.runtime().advance(20min);
  const auto s = one.bus.subscribe<order>("ship", handler, again);
  one.bus.runtime().advance(19min);
  CHECK(ran.size() == 2);
  one.bus.runtime().advance(2min);
  CHECK(ran == std::vector<std::uint32_t>{1, 1, 2});
}

TEST_CASE("durable: an event that has a letter does not become a second one, however the process ended",
          "[bus][durable][P25][P31]") {
  peal::memory_store disk;
  {
    life first{disk};
    std::optional<peal::subscription> s = first.bus.subscribe<order>(
        "ship", [](const order&) { throw peal_test::gateway_down(); }, once);
    first.bus.publish(order{1});
    first.bus.runtime().advance(1s);
    REQUIRE(letters_in(disk) == 1);
    REQUIRE(cursor_in(disk) == 1);
  }
  peal::memory_store kept;  // the same, from before the cursor was there
  disk.claims("peal.bus", [&](const peal::stored_claim& c) {
    peal::store_batch b;
    b.claims.push_back(c);
    if (c.key != "ended well") kept.commit(b);
  });
  (void)disk.read("shop.order", 0, 9, [&](const peal::stored_event& e) {
    peal::store_batch b;
    b.events.push_back(e);
    b.cursors.push_back({"ship", "shop.order", 0});
    disk.letters("", [&](const peal::stored_letter& l) { b.letters.push_back(l); });
    kept.commit(b);
  });
  life second{kept};
  int runs = 0;
  const auto s = second.bus.subscribe<order>("ship", [&](const order&) { ++runs; });
  second.bus.runtime().advance(1s);
  CHECK(runs == 0);
  CHECK(second.bus.dead_letters<order>().size() == 1);
  CHECK(cursor_in(kept) == 1);
}

TEST_CASE("retention: an event that waits for another run stays", "[bus][durable][retention][P31]") {
  peal::memory_store kept;
  ids ran;
  bool down = true;
  const auto stand = [&](shop& bus) {
    return bus.subscribe<order>(
        "ship",
        [&](const order& o) {
          if (o.id == 3 && down) throw peal_test::gateway_down();
          ran.push_back(o.id);
        },
        peal::otherwise(peal::backoff{.attempts = 9, .first = 1h, .cap = 1h}));
  };
  for (int turn = 0; turn != 2; ++turn) {
    life now{kept};
    now.bus.retain<order>({});
    const auto s = stand(now.bus);
    for (std::int64_t id = 1; id != 8; ++id) now.bus.publish(order{id + turn * 10});
    now.bus.runtime().advance(10s);
    CHECK(kept.range("shop.order").first == 2);
    if (turn == 0) continue;
    down = false;
    now.bus.runtime().advance(3h);
    CHECK(ran.back() == 3);
    now.bus.publish(order{99});
    now.bus.runtime().advance(10s);
    CHECK(kept.range("shop.order").first == kept.range("shop.order").next);
  }
}
