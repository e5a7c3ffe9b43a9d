// SPDX-License-Identifier: MIT
// A subscription that begins in the past, or was set back, knows which deliveries are repeated, in every life.
#include <peal/bus/durable.hpp>
#include <peal/core/skip_on_replay.hpp>
#include <peal/store/memory_store.hpp>
#include <peal/testing/faulty_store.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "bus/stepped_support.hpp"
#include "support/catch.hpp"

namespace {

using namespace std::chrono_literals;

struct order {
  std::int64_t id{};
  static constexpr peal::event_name name{"shop.order", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
};
using shop = peal::testing::stepped_bus<peal::topic<order, peal::durable>>;
using ids = std::vector<std::int64_t>;

/// What a handler was given, a repeated one below zero.
struct ledger {
  ids heard{};
  auto handler() {
    return [this](const order& o, peal::delivery& d) { heard.push_back(d.replaying() ? -o.id : o.id); };
  }
  ids take() { return std::exchange(heard, {}); }
};

void publish(shop& bus, std::int64_t first, std::int64_t last) {
  for (std::int64_t id = first; id <= last; ++id) bus.publish(order{id});
  (void)bus.settle();
  bus.runtime().advance(1s);
}

/// Orders 1 to 4, at positions 0 to 3.
void fill(peal::store& kept) {
  shop bus{{.seed = 7}, kept};
  publish(bus, 1, 4);
}

std::vector<std::string> bounds_in(const peal::store& kept) {
  std::vector<std::string> all;
  kept.claims("replay of ledger", [&](const peal::stored_claim& c) { all.emplace_back(c.key); });
  return all;
}

template <class F>
std::string refused(F f) {
  try {
    f();
  } catch (const peal::bad_option& e) {
    return e.what();
  }
  return "it was done";
}

}  // namespace

TEST_CASE("replay: a name that begins in the past is told what is repeated", "[bus][durable][replay]") {
  peal::memory_store kept;
  fill(kept);
  ledger l;
  shop bus{{.seed = 7}, kept};
  peal::subscription s;
  ids expected;
  bool in_any_order = false;
  SECTION("from the beginning") {
    s = bus.subscribe<order>("ledger", l.handler(), peal::start_at::beginning());
    expected = {-1, -2, -3, -4, 5, 6};
  }
  SECTION("with several hands") {
    s = bus.subscribe<order>("ledger", l.handler(), peal::start_at::beginning(), peal::concurrency{2});
    expected = {-1, -2, -3, -4, 5, 6};
    in_any_order = true;
  }
  SECTION("from a position") {
    s = bus.subscribe<order>("ledger", l.handler(), peal::start_at::position(2));
    expected = {-3, -4, 5, 6};
  }
  SECTION("from a moment that is to come") {
    s = bus.subscribe<order>("ledger", l.handler(), peal::start_at::time(std::chrono::system_clock::now() + 1h));
    expected = {5, 6};
  }
  SECTION("with the next one") {
    s = bus.subscribe<order>("ledger", l.handler());
    expected = {5, 6};
  }
  publish(bus, 5, 6);
  if (in_any_order) std::sort(l.heard.begin(), l.heard.end(), [](auto a, auto b) { return std::abs(a) < std::abs(b); });
  CHECK(l.heard == expected);
  CHECK(bounds_in(kept).empty());  // it is over
}

TEST_CASE("replay: it goes on as one after a restart in the middle", "[bus][durable][replay]") {
  peal::memory_store disk;
  fill(disk);
  ledger l;
  {
    peal::testing::faulty_store until_then{&disk};
    shop bus{{.seed = 7}, until_then};
    const auto s = bus.subscribe<order>(
        "ledger",
        [&](const order& o, peal::delivery& d) {
          l.handler()(o, d);
          if (o.id == 2) until_then.fail(1, peal::store_errc::io);  // here the process ends
        },
        peal::start_at::beginning());
    (void)bus.settle();
    CHECK(l.take() == ids{-1, -2, -3, -4});
    CHECK(bounds_in(disk) == std::vector<std::string>{"shop.order 4"});
  }
  {
    shop bus{{.seed = 7}, disk};
    bus.publish(order{5});  // accepted while it does not stand: it comes for the first time
    (void)bus.settle();
    const auto s = bus.subscribe<order>("ledger", l.handler(), peal::start_at::beginning());
    publish(bus, 6, 6);
    CHECK(l.take() == ids{-1, -2, -3, -4, 5, 6});
  }
  CHECK(bounds_in(disk).empty());
  shop bus{{.seed = 7}, disk};
  const auto s = bus.subscribe<order>("ledger", l.handler(), peal::start_at::beginning());
  publish(bus, 7, 7);
  CHECK(l.take() == ids{7});
}

TEST_CASE("replay: skip_on_replay leaves out what was mailed before", "[bus][durable][replay]") {
  peal::memory_store kept;
  fill(kept);
  ids mailed;
  ids state;
  shop bus{{.seed = 7}, kept};
  const auto m = bus.subscribe<order>("mail", peal::skip_on_replay{[&](const order& o) { mailed.push_back(o.id); }},
                                      peal::start_at::beginning());
  const auto s = bus.subscribe<order>(
      "state", [&](const order& o) { state.push_back(o.id); }, peal::start_at::beginning());
  publish(bus, 5, 5);
  CHECK(mailed == ids{5});
  CHECK(state == ids{1, 2, 3, 4, 5});
  CHECK(m.statistics().handled == 5);
}

TEST_CASE("replay: a run that is tried again is still a repeated one", "[bus][durable][replay]") {
  peal::memory_store kept;
  fill(kept);
  ledger l;
  shop bus{{.seed = 7}, kept};
  const auto s = bus.subscribe<order>(
      "ledger",
      [&](const order& o, peal::delivery& d) {
        if (d.attempt() == 1) throw peal_test::gateway_down();
        l.handler()(o, d);
      },
      peal::start_at::position(2), peal::otherwise(peal::backoff{.first = 10ms, .spread = peal::jitter::none}));
  publish(bus, 5, 5);
  CHECK(l.take() == ids{-3, -4, 5});
}

TEST_CASE("rewind: a subscription that does not stand is set back, and repeats up to where it had been",
          "[bus][durable][replay]") {
  peal::memory_store kept;
  ledger l;
  shop bus{{.seed = 7}, kept};
  ledger other;
  const auto beside = bus.subscribe<order>("beside", other.handler());
  {
    auto s = bus.subscribe<order>("ledger", l.handler());
    publish(bus, 1, 4);
    CHECK(l.take() == ids{1, 2, 3, 4});
    CHECK(refused([&] { bus.rewind("ledger", peal::start_at::beginning()); }) ==
          "peal: rewind: subscription \"ledger\" stands; stop it first");
    s.stop();
  }
  publish(bus, 5, 6);  // not repeated: it has not seen them
  SECTION("in this life") {
    bus.rewind("ledger", peal::start_at::position(1));
    CHECK(bounds_in(kept) == std::vector<std::string>{"shop.order 4"});
    const auto s = bus.subscribe<order>("ledger", l.handler());
    publish(bus, 7, 7);
    CHECK(l.take() == ids{-2, -3, -4, 5, 6, 7});
    CHECK(other.take() == ids{1, 2, 3, 4, 5, 6, 7});
  }
  SECTION("twice, and further back the second time") {
    bus.rewind("ledger", peal::start_at::position(3));
    bus.rewind("ledger", peal::start_at::position(2));
    const auto s = bus.subscribe<order>("ledger", l.handler());
    publish(bus, 7, 7);
    CHECK(l.take() == ids{-3, -4, 5, 6, 7});
  }
  SECTION("forward is not back") {
    CHECK(refused([&] { bus.rewind("ledger", peal::start_at::position(5)); }) ==
          "peal: rewind: subscription \"ledger\", topic \"shop.order\": it has come to 4, which is before 5");
  }
  SECTION("a stranger") {
    CHECK(refused([&] { bus.rewind("leger", peal::start_at::beginning()); }) ==
          "peal: rewind: the store knows no subscription \"leger\" of a topic of this bus");
  }
  CHECK(bounds_in(kept).empty());
}

TEST_CASE("rewind: of one that the store has not heard of yet", "[bus][durable][replay]") {
  peal::memory_store kept;
  fill(kept);
  ledger l;
  shop bus{{.seed = 7}, kept};
  bus.subscribe<order>("ledger", l.handler()).stop();
  bus.rewind("ledger", peal::start_at::position(1));
  const auto s = bus.subscribe<order>("ledger", l.handler());
  publish(bus, 5, 5);
  CHECK(l.take() == ids{-2, -3, -4, 5});
}

TEST_CASE("rewind: in a store that no bus has open", "[bus][durable][replay]") {
  peal::memory_store kept;
  ledger l;
  {
    shop bus{{.seed = 7}, kept};
    const auto s = bus.subscribe<order>("ledger", l.handler());
    publish(bus, 1, 4);
    CHECK(l.take() == ids{1, 2, 3, 4});
  }
  CHECK(peal::rewind(kept, "ledger", "shop.order", peal::start_at::position(2)) == 2);
  shop bus{{.seed = 7}, kept};
  const auto s = bus.subscribe<order>("ledger", l.handler());
  publish(bus, 5, 5);
  CHECK(l.take() == ids{-3, -4, 5});
  CHECK(refused([&] { peal::rewind(kept, "ledger", "shop.orders", peal::start_at::beginning()); }) ==
        "peal: rewind: subscription \"ledger\", topic \"shop.orders\": the store knows no such subscription");
}

TEST_CASE("rewind: effects that were committed are repeated as well", "[bus][durable][replay][P32]") {
  peal::memory_store disk;
  int effects = 0;
  const auto handler = [&](const order&, peal::delivery& d) {
    d.commit(disk);  // a store alone is a transaction, too
    ++effects;
  };
  peal::testing::faulty_store until_then{&disk};
  {
    shop bus{{.seed = 7}, until_then};
    const auto s = bus.subscribe<order>("ledger", [&](const order& o, peal::delivery& d) {
      handler(o, d);
      if (o.id == 3) until_then.fail(1, peal::store_errc::io);  // the cursor stays behind
    });
    for (std::int64_t id = 1; id <= 3; ++id) bus.publish(order{id});
    (void)bus.settle();
  }
  CHECK(effects == 3);
  effects = 0;
  SECTION("set back") {
    (void)peal::rewind(disk, "ledger", "shop.order", peal::start_at::beginning());
    shop bus{{.seed = 7}, disk};
    int repeated = 0;
    const auto s = bus.subscribe<order>("ledger", [&](const order& o, peal::delivery& d) {
      repeated += d.replaying() ? 1 : 0;
      handler(o, d);
    });
    (void)bus.settle();
    CHECK(effects == 3);
    CHECK(repeated == 3);
  }
  SECTION("not set back") {
    shop bus{{.seed = 7}, disk};
    const auto s = bus.subscribe<order>("ledger", handler);
    (void)bus.settle();
    CHECK(effects == 0);
  }
}

TEST_CASE("rewind: keys that were handled are forgotten with it", "[bus][durable][replay]") {
  peal::memory_store kept;
  ledger l;
  const auto once = peal::idempotent{&order::id};
  shop bus{{.seed = 7}, kept};
  {
    auto s = bus.subscribe<order>("ledger", l.handler(), once);
    publish(bus, 1, 3);
    publish(bus, 3, 3);
    CHECK(l.take() == ids{1, 2, 3});
    s.stop();
  }
  bus.rewind("ledger", peal::start_at::beginning());
  const auto s = bus.subscribe<order>("ledger", l.handler(), once);
  publish(bus, 3, 4);
  CHECK(l.take() == ids{-1, -2, -3, 4});
}

namespace {

using dated_shop = peal::testing::stepped_bus<peal::topic<order, peal::durable, peal::timed>>;

/// Orders 1 and 2 with a time to live, and 3 without, that "billing" has still to read.
void leave_dated_orders(peal::store& kept) {
  shop bus{{.seed = 7}, kept};
  auto s = bus.subscribe<order>("billing", [](const order&) {});
  (void)bus.settle();
  s.stop();
  bus.publish(order{1}, {.time_to_live = 1ms});
  bus.publish(order{2}, {.time_to_live = 1h});
  bus.publish(order{3});
  (void)bus.settle();
}

}  // namespace

TEST_CASE("durable: a time to live ends across a restart, by the wall clock", "[bus][durable][expiry]") {
  peal::memory_store kept;
  leave_dated_orders(kept);
  std::vector<peal::wall_time> deadlines;
  (void)kept.read("shop.order", 0, 9, [&](const peal::stored_event& e) { deadlines.push_back(e.deadline); });
  REQUIRE(deadlines.size() == 3);
  CHECK(deadlines[1] - deadlines[0] >= peal::nanoseconds{1h - 1ms}.count());
  CHECK(deadlines[2] == 0);
  while (peal::detail::wall_now() <= deadlines[0]) continue;

  shop bus{{.seed = 8}, kept};
  ids heard;
  bool longer = false;
  const auto s = bus.subscribe<order>("billing", [&](const order& o, peal::delivery& d) {
    heard.push_back(o.id);
    if (o.id == 2) longer = d.deadline().has_value() && *d.deadline() > bus.runtime().now() + 50min;
    if (o.id == 3) CHECK(!d.deadline().has_value());
  });
  (void)bus.settle();
  CHECK(heard == ids{2, 3});
  CHECK(longer);
  CHECK(s.statistics().expired == 1);
}

TEST_CASE("durable: expires counts from the publication, in whichever life that was", "[bus][durable][expiry]") {
  peal::memory_store first;
  leave_dated_orders(first);
  peal::memory_store kept;
  peal::store_batch b;
  (void)first.read("shop.order", 0, 9, [&](const peal::stored_event& e) {
    b.events.push_back(e);
    b.events.back().deadline = 0;
    if (e.position == 1) b.events.back().published -= peal::nanoseconds{2h}.count();
  });
  b.cursors.push_back({"billing", "shop.order", 0});
  kept.commit(b);
  dated_shop bus{{.seed = 8}, kept};
  ids heard;
  const auto s = bus.subscribe<order>(
      "billing", [&](const order& o) { heard.push_back(o.id); }, peal::expires{.after = 1h},
      peal::on_expiry(peal::dead_letter));
  (void)bus.settle();
  CHECK(heard == ids{1, 3});
  const auto letters = bus.dead_letters<order>();
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].event.id == 2);
  CHECK(letters[0].cause == peal::dead_cause::expired);
}
