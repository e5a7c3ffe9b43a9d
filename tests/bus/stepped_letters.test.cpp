// SPDX-License-Identifier: MIT
// Dead letters on virtual time: what they carry, how they are asked for, redriven and thrown away, and what a full box does.
#include "bus/stepped_support.hpp"

#include <optional>

namespace {

using namespace std::chrono_literals;
using peal_test::every;
using peal_test::gateway_down;
using peal_test::stepped;

struct order {
  int id = 0;
};
struct refund {
  int id = 0;
};

/// An event that only moves.
struct parcel {
  explicit parcel(int number) : n{number} {}
  parcel(parcel&& other) noexcept : n{std::exchange(other.n, -1)} {}
  parcel& operator=(parcel&&) = delete;
  int n;
};

/// A copy of which can be made to fail.
struct fragile {
  static inline int copies_left = -1;  // negative: all of them
  int n = 0;

  explicit fragile(int number) : n{number} {}
  fragile(fragile&&) noexcept = default;
  fragile& operator=(fragile&&) noexcept = default;
  fragile(const fragile& other) : n{other.n} {
    if (copies_left == 0) throw std::bad_alloc();
    if (copies_left > 0) --copies_left;
  }
  ~fragile() = default;
};

}  // namespace

TEST_CASE("dead_letter: with no rule an event that failed is a letter after one run", "[bus][P21][P25]") {
  stepped<order> fx;
  int ran = 0;
  auto s = fx.subscribe<order>("billing", [&](const order&) {
    ++ran;
    throw gateway_down("no route");
  });
  const peal::event_id cause{3, 4};
  const peal::event_id whole{5, 6};
  fx.advance(3s);
  const auto receipt = fx.bus.publish(order{42}, {.correlation = whole, .causation = cause});
  REQUIRE(fx.bus.settle());
  CHECK(ran == 1);
  const auto letters = fx.bus.dead_letters<order>();
  REQUIRE(letters.size() == 1);
  const auto& l = letters[0];
  CHECK(l.event.id == 42);
  CHECK(l.id == receipt.id());
  CHECK(l.correlation == whole);
  CHECK(l.causation == cause);
  CHECK(l.subscription == "billing");
  CHECK(l.cause == peal::dead_cause::failed);
  CHECK(l.attempts == 1);
  CHECK(l.cycles == 0);
  CHECK(l.died_at == fx.now());
  REQUIRE(l.errors.size() == 1);
  CHECK(l.errors[0].what == "no route");
  CHECK(l.errors[0].attempt == 1);
  CHECK(l.errors[0].at == fx.now());
  CHECK(s.statistics().dead == 1);
  CHECK(s.statistics().failures == 1);
}

TEST_CASE("dead_letter: it keeps the first 2 and the last 6 errors with their runs and times", "[bus][P25]") {
  stepped<order> fx;
  int ran = 0;
  auto s = fx.subscribe<order>(
      "billing", [&](const order&) { throw gateway_down("run " + std::to_string(++ran)); },
      peal::otherwise(every(1s, 12)));
  const auto receipt = fx.bus.publish(order{1});
  const auto start = fx.now();
  fx.advance(60s);
  REQUIRE(fx.bus.settle());
  CHECK(ran == 12);
  const auto letters = fx.bus.dead_letters<order>();
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].attempts == 12);
  CHECK(letters[0].id == receipt.id());
  CHECK(letters[0].correlation == receipt.id());
  CHECK_FALSE(letters[0].causation);
  const auto& errors = letters[0].errors;
  REQUIRE(errors.size() == 8);
  for (std::size_t i = 0; i != errors.size(); ++i) {
    const std::uint32_t run = static_cast<std::uint32_t>(i < 2 ? i + 1 : i + 5);
    CHECK(errors[i].attempt == run);
    CHECK(errors[i].what == "run " + std::to_string(run));
    CHECK(errors[i].at >= start + (run - 1) * 1s);
    CHECK(errors[i].at < start + (run - 1) * 1s + 1ms * run);
  }
  CHECK(letters[0].died_at == errors.back().at);
  CHECK(s.statistics().retries == 11);
  CHECK(s.statistics().failures == 12);
}

TEST_CASE("dead_letter: letters are found by every field of a query, oldest first", "[bus][P25]") {
  stepped<peal::topic<order, refund>> fx;
  auto a = fx.subscribe<order, refund>("a", peal::overloaded{[](const order& o) -> peal::outcome {
                                                               if (o.id % 2 == 0) return peal::reject("even");
                                                               throw gateway_down();
                                                             },
                                                             [](const refund&) { throw 1; }});
  auto b = fx.subscribe<order>("b", [](const order&) { throw gateway_down(); });
  std::vector<peal::time_point> when;
  for (int i = 0; i != 4; ++i) {
    when.push_back(fx.now());
    fx.bus.publish(order{i});
    fx.bus.publish(refund{i});
    fx.advance(1s);
  }
  REQUIRE(fx.bus.settle());
  CHECK(fx.bus.dead_letters<order>().size() == 8);
  CHECK(fx.bus.dead_letters<refund>().size() == 4);
  CHECK(fx.bus.dead_letters<order>({.subscription = "a"}).size() == 4);
  CHECK(fx.bus.dead_letters<order>({.subscription = "nobody"}).empty());
  CHECK(fx.bus.dead_letters<order>({.cause = peal::dead_cause::rejected}).size() == 2);
  CHECK(fx.bus.dead_letters<refund>({.cause = peal::dead_cause::rejected}).empty());
  const auto rejected = fx.bus.dead_letters<order>({.subscription = "a", .cause = peal::dead_cause::rejected});
  REQUIRE(rejected.size() == 2);
  CHECK(rejected[0].event.id == 0);
  CHECK(rejected[1].event.id == 2);
  REQUIRE(rejected[0].errors.size() == 1);
  CHECK(rejected[0].errors[0].what == "even");
  const auto one = fx.bus.dead_letters<order>({.number = rejected[1].number});
  REQUIRE(one.size() == 1);
  CHECK(one[0].event.id == 2);
  CHECK(fx.bus.dead_letters<refund>({.number = rejected[1].number}).empty());
  CHECK(fx.bus.dead_letters<order>({.from = when[2]}).size() == 4);
  CHECK(fx.bus.dead_letters<order>({.to = when[1]}).size() == 2);
  CHECK(fx.bus.dead_letters<order>({.from = when[1], .to = when[3]}).size() == 4);
  const auto first = fx.bus.dead_letters<order>({.subscription = "a", .limit = 2});
  REQUIRE(first.size() == 2);
  CHECK(first[0].event.id == 0);
  CHECK(first[1].event.id == 1);
  CHECK(first[0].errors[0].what == "even");
  CHECK(fx.bus.dead_letters<refund>()[0].errors[0].what == "unknown exception");
}

TEST_CASE("redrive: the letter comes back with its id and envelope, counts its cycle and says that it is redriven",
          "[bus][P25]") {
  stepped<order> fx;
  struct seen {
    peal::event_id id, correlation, causation;
    std::uint32_t attempt;
    bool redriven;
  };
  std::vector<seen> runs;
  int failures = 4;
  auto s = fx.subscribe<order>(
      "billing",
      [&](const order&, peal::delivery& d) {
        runs.push_back({d.id(), d.correlation(), d.causation(), d.attempt(), d.redriven()});
        if (failures-- > 0) throw gateway_down();
      },
      peal::otherwise(every(1s, 2)));
  const auto r = fx.bus.publish(order{1}, {.correlation = {1, 2}, .causation = {3, 4}});
  for (std::uint32_t cycle = 0; cycle != 2; ++cycle) {
    fx.advance(2s);
    const auto letters = fx.bus.dead_letters<order>();
    REQUIRE(letters.size() == 1);
    CHECK(letters[0].cycles == cycle);
    CHECK(letters[0].attempts == 2);
    CHECK(letters[0].id == r.id());
    CHECK(letters[0].correlation == peal::event_id{1, 2});
    CHECK(s.statistics().dead == 1);
    CHECK(fx.bus.redrive<order>() == 1);
    CHECK(fx.bus.dead_letters<order>().empty());
    fx.check_accounts();
  }
  fx.advance(2s);
  REQUIRE(fx.bus.settle());
  REQUIRE(runs.size() == 5);
  for (std::size_t i = 0; i != runs.size(); ++i) {
    CHECK(runs[i].id == r.id());
    CHECK(runs[i].correlation == peal::event_id{1, 2});
    CHECK(runs[i].causation == peal::event_id{3, 4});
    CHECK(runs[i].attempt == i % 2 + 1);
    CHECK(runs[i].redriven == (i >= 2));
  }
  CHECK(s.statistics().handled == 1);
  CHECK(s.statistics().dead == 0);
  CHECK(s.statistics().redriven == 2);
}

TEST_CASE("redrive: several letters come back in the order published", "[bus][P25]") {
  stepped<order> fx;
  std::vector<int> ran;
  bool down = true;
  auto s = fx.subscribe<order>("s", [&](const order& o) {
    if (down) throw gateway_down();
    ran.push_back(o.id);
  });
  for (int i = 0; i != 200; ++i) fx.bus.publish(order{i});
  REQUIRE(fx.bus.settle());
  down = false;
  CHECK(fx.bus.redrive<order>({.limit = 150}) == 150);
  REQUIRE(fx.bus.settle());
  REQUIRE(ran.size() == 150);
  for (int i = 0; i != 150; ++i) CHECK(ran[static_cast<std::size_t>(i)] == i);
  CHECK(fx.bus.dead_letters<order>().size() == 50);
  CHECK(fx.bus.discard_letters<order>({.limit = 20}) == 20);
  CHECK(fx.bus.dead_letters<order>().size() == 30);
  CHECK(s.statistics().dead == 50);  // taken away is dead all the same
  CHECK(s.statistics().redriven == 150);
}

TEST_CASE("redrive: a letter whose subscription does not stand, or takes its event no more, stays", "[bus][P25]") {
  stepped<peal::topic<order, refund>> fx;
  int orders = 0;
  int refunds = 0;
  auto old = fx.subscribe<order, refund>(
      "s", peal::overloaded{[](const order&) { throw gateway_down(); }, [](const refund&) { throw gateway_down(); }});
  fx.bus.publish(order{1});
  fx.bus.publish(refund{1});
  REQUIRE(fx.bus.settle());
  old.stop();
  CHECK(fx.bus.redrive<order>() == 0);
  CHECK(fx.bus.dead_letters<order>().size() == 1);

  // The next subscription of that name is the same to the letters; its own account starts anew.
  auto fresh = fx.subscribe<order>("s", [&](const order&) { ++orders; });
  CHECK(fx.bus.redrive<refund>() == 0);
  CHECK(fx.bus.dead_letters<refund>().size() == 1);
  CHECK(fx.bus.redrive<order>() == 1);
  CHECK(fx.bus.dead_letters<order>().empty());
  REQUIRE(fx.bus.settle());
  CHECK(orders == 1);
  CHECK(refunds == 0);
  CHECK(fresh.statistics().handled == 1);
  CHECK(fresh.statistics().accepted == 1);
  CHECK(fresh.statistics().dead == 0);
}

TEST_CASE("redrive: a letter that dies again under a second subscription of its name can be redriven again",
          "[bus][P25]") {
  stepped<order> fx;
  bool down = true;
  auto handler = [&](const order&) {
    if (down) throw gateway_down();
  };
  auto first = fx.subscribe<order>("s", handler);
  fx.bus.publish(order{1});
  REQUIRE(fx.bus.settle());
  first.stop();
  auto second = fx.subscribe<order>("s", handler);
  CHECK(fx.bus.redrive<order>() == 1);
  REQUIRE(fx.bus.settle());
  CHECK(second.statistics().dead == 1);
  CHECK(second.statistics().accepted == 1);
  down = false;
  CHECK(fx.bus.redrive<order>() == 1);
  REQUIRE(fx.bus.settle());
  CHECK(second.statistics().dead == 0);
  CHECK(second.statistics().handled == 1);
  CHECK(second.statistics().accepted == 1);
}

TEST_CASE("redrive: a copy that throws leaves the letter where it is", "[bus][P25]") {
  stepped<fragile> fx;
  bool down = true;
  auto s = fx.subscribe<fragile>("s", [&](const fragile&) {
    if (down) throw gateway_down();
  });
  fx.bus.publish(fragile{1});
  REQUIRE(fx.bus.settle());
  fragile::copies_left = 0;
  CHECK_THROWS_AS(fx.bus.redrive<fragile>(), std::bad_alloc);
  fragile::copies_left = -1;
  CHECK(fx.bus.dead_letters<fragile>().size() == 1);
  CHECK(s.statistics().dead == 1);
  down = false;
  CHECK(fx.bus.redrive<fragile>() == 1);
  REQUIRE(fx.bus.settle());
  CHECK(s.statistics().handled == 1);
}

TEST_CASE("dead_letter: a full box stalls the subscription, degrades health, and nothing is lost", "[bus][P25][P4]") {
  stepped<peal::topic<order, peal::capacity<4>>> fx{{.max_dead_letters = 2, .seed = 7}};
  std::vector<int> ran;
  bool down = true;
  auto s = fx.subscribe<order>("billing", [&](const order& o) {
    ran.push_back(o.id);
    if (down) throw gateway_down();
  });
  for (int i = 1; i <= 6; ++i) fx.bus.publish(order{i});
  fx.run();
  CHECK(ran == std::vector{1, 2, 3});
  CHECK(fx.bus.health() == peal::health::degraded);
  CHECK(s.statistics().stalled);
  CHECK(fx.bus.dead_letters<order>().size() == 2);
  const auto waits = fx.bus.settle();
  CHECK_FALSE(waits);
  REQUIRE(waits.waiting_for.size() == 1);
  CHECK_THAT(waits.waiting_for[0],
             peal_test::contains_text("subscription \"billing\": its topic's dead letters are full"));
  auto r = fx.bus.try_publish(order{7});
  CHECK_FALSE(r);  // the third is still in its slot, and three more are behind it
  CHECK(r.error() == peal::publish_errc::full);

  SECTION("room by discarding") {
    CHECK(fx.bus.discard_letters<order>({.limit = 1}) == 1);
    fx.run();
    CHECK(ran == std::vector{1, 2, 3, 4});  // the third is not run again
    CHECK(fx.bus.dead_letters<order>().size() == 2);
    down = false;
    CHECK(fx.bus.discard_letters<order>() == 2);
    REQUIRE(fx.bus.settle());
    CHECK(s.statistics().dead == 4);
    CHECK(s.statistics().handled == 2);
  }
  SECTION("room by redriving") {
    down = false;
    CHECK(fx.bus.redrive<order>() == 2);
    REQUIRE(fx.bus.settle());
    CHECK(s.statistics().dead == 1);
    CHECK(s.statistics().handled == 5);
    CHECK(fx.bus.redrive<order>() == 1);
    REQUIRE(fx.bus.settle());
    CHECK(s.statistics().dead == 0);
    CHECK(s.statistics().handled == 6);
  }
  CHECK(fx.bus.discard_letters<order>() <= 2);
  REQUIRE(fx.bus.settle());
  CHECK(fx.bus.health() == peal::health::ok);
  CHECK_FALSE(s.statistics().stalled);
}

TEST_CASE("dead_letter: a kept event that finds the box full keeps its place aside, and settle does not forget it",
          "[bus][P25][P15]") {
  stepped<order> fx{{.max_dead_letters = 1, .seed = 7}};
  auto s = fx.subscribe<order>(
      "s", [](const order&) { throw gateway_down(); }, peal::otherwise(every(1s, 2)));
  fx.bus.publish(order{1});
  fx.bus.publish(order{2});
  fx.run();
  const auto waits = fx.bus.settle_for(5s);  // both die on the way, the second finds no room
  CHECK_FALSE(waits);
  REQUIRE(waits.waiting_for.size() == 1);
  CHECK_THAT(waits.waiting_for[0], peal_test::contains_text("dead letters are full"));
  CHECK(s.statistics().kept == 1);
  CHECK(s.statistics().dead == 1);
  CHECK_FALSE(fx.bus.settle());
  CHECK(fx.bus.discard_letters<order>() == 1);
  REQUIRE(fx.bus.settle());
  CHECK(s.statistics().dead == 2);
  CHECK(s.statistics().kept == 0);

  SECTION("and a stop while it waits counts it stopped") {
    fx.bus.publish(order{3});
    fx.advance(5s);
    CHECK(s.statistics().kept == 1);
    const auto meter = s.counters();
    s.stop();
    CHECK(meter.statistics().stopped == 1);
    CHECK(meter.statistics().dead == 2);
    CHECK(meter.statistics().waiting == 0);
  }
}

TEST_CASE("dead_letter: what found no room in the lane becomes a letter overloaded and is published again by a redrive",
          "[bus][P7][P25]") {
  stepped<order, peal::topic<refund, peal::capacity<2>>> fx{{.lane_capacity = 2, .overload_after = 1s, .seed = 7}};
  auto a = fx.subscribe<order>("a", [&](const order& o) { fx.bus.publish(refund{o.id}); });
  std::vector<int> got;
  std::vector<peal::event_id> causes;
  auto b = fx.subscribe<refund>("b", [&](const refund& r, peal::delivery& d) {
    got.push_back(r.id);
    causes.push_back(d.causation());
  });
  b.pause();
  std::vector<peal::event_id> ids;
  for (int i = 1; i <= 4; ++i) ids.push_back(fx.bus.publish(order{i}).id());
  fx.run();
  CHECK(fx.bus.statistics().topics[1].in_lane == 2);
  fx.advance(1100ms);  // one head is given up, then two
  CHECK(fx.bus.dead_letters<refund>().size() == 1);
  fx.advance(1100ms);
  CHECK(fx.bus.statistics().topics[1].in_lane == 0);
  auto letters = fx.bus.dead_letters<refund>({.cause = peal::dead_cause::overloaded});
  REQUIRE(letters.size() == 2);
  CHECK(letters[0].event.id == 3);
  CHECK(letters[1].event.id == 4);
  CHECK(letters[0].subscription == "a");
  CHECK(letters[0].causation == ids[2]);
  CHECK(letters[0].correlation == ids[2]);
  CHECK_FALSE(letters[0].id);
  CHECK(fx.bus.redrive<refund>() == 0);  // still no room: they stay, under their numbers
  const auto same = fx.bus.dead_letters<refund>();
  REQUIRE(same.size() == 2);
  CHECK(same[0].number == letters[0].number);
  CHECK(same[1].number == letters[1].number);
  b.resume();
  REQUIRE(fx.bus.settle());
  CHECK(fx.bus.redrive<refund>() == 2);
  REQUIRE(fx.bus.settle());
  CHECK(got == std::vector{1, 2, 3, 4});
  CHECK(causes == ids);
  CHECK(fx.bus.dead_letters<refund>().empty());
  CHECK(a.statistics().handled == 4);
}

TEST_CASE("dead_letter: redriving what was overloaded loses nothing when its copy throws", "[bus][P25][P4]") {
  stepped<order, peal::topic<fragile, peal::capacity<2>>> fx{{.lane_capacity = 2, .overload_after = 1s, .seed = 7}};
  auto a = fx.subscribe<order>("a", [&](const order& o) { fx.bus.publish(fragile{o.id}); });
  auto b = fx.subscribe<fragile>("b", [](const fragile&) {});
  b.pause();
  for (int i = 1; i <= 3; ++i) fx.bus.publish(order{i});
  fx.advance(1100ms);
  REQUIRE(fx.bus.dead_letters<fragile>().size() == 1);
  for (int left = 0; left != 2; ++left) {
    fragile::copies_left = left;
    try {
      (void)fx.bus.redrive<fragile>();
    } catch (const std::bad_alloc&) {
    }
    fragile::copies_left = -1;
    CHECK(fx.bus.dead_letters<fragile>().size() == 1);
  }
  b.resume();
  REQUIRE(fx.bus.settle());
  CHECK(fx.bus.redrive<fragile>() == 1);
  REQUIRE(fx.bus.settle());
  CHECK(b.statistics().handled == 3);
}

TEST_CASE("dead_letter: an event that only moves is handled where every rule discards", "[bus][P25]") {
  stepped<parcel> fx;
  int handled = 0;
  auto s = fx.subscribe<parcel>(
      "s",
      [&](const parcel& p) {
        if (p.n == 2) throw gateway_down();
        if (p.n == 3) throw 1;
        ++handled;
      },
      peal::on<gateway_down>(peal::discard), peal::otherwise(peal::discard));
  for (int i = 1; i <= 4; ++i) fx.bus.publish(parcel{i});
  REQUIRE(fx.bus.settle());
  CHECK(handled == 2);
  CHECK(s.statistics().discarded == 2);
}

TEST_CASE("dead_letter: of a handler on the publisher's thread the letter goes beyond a full box", "[bus][P25]") {
  stepped<order> fx{{.max_dead_letters = 1, .seed = 7}};
  auto s = fx.subscribe<order>(
      "here",
      [](const order& o) -> peal::outcome {
        if (o.id == 3) return peal::reject("three");
        throw gateway_down();
      },
      peal::on_publisher_thread);
  for (int i = 1; i <= 3; ++i) fx.bus.publish(order{i});
  CHECK(fx.bus.dead_letters<order>().size() == 3);
  CHECK(fx.bus.dead_letters<order>()[2].cause == peal::dead_cause::rejected);
  CHECK(fx.bus.dead_letters<order>()[2].errors[0].what == "three");
  CHECK(s.statistics().dead == 3);
  CHECK(fx.bus.health() == peal::health::degraded);
}

TEST_CASE("health: ok with room, degraded by a full box, ok again when it has room", "[bus][P25]") {
  stepped<order> fx{{.max_dead_letters = 1, .seed = 7}};
  auto s = fx.subscribe<order>("s", [](const order&) { throw gateway_down(); });
  CHECK(fx.bus.health() == peal::health::ok);
  fx.bus.publish(order{1});
  REQUIRE(fx.bus.settle());
  CHECK(fx.bus.health() == peal::health::degraded);
  CHECK(fx.bus.discard_letters<order>() == 1);
  CHECK(fx.bus.health() == peal::health::ok);
}

TEST_CASE("dead_letter: one that cannot be kept for want of memory stalls its subscription, and goes as soon as it can",
          "[bus][P25][P4]") {
  stepped<peal::topic<fragile, peal::capacity<4>>> fx;
  std::vector<int> ran;
  auto s = fx.subscribe<fragile>("s", [&](const fragile& f) {
    ran.push_back(f.n);
    if (f.n != 3) throw gateway_down();
  });
  fragile::copies_left = 1;
  for (int i = 1; i <= 4; ++i) fx.bus.publish(fragile{i});
  fx.run();
  CHECK(ran == std::vector{1, 2});  // the second has nowhere to go
  CHECK(s.statistics().stalled);
  CHECK(fx.bus.health() == peal::health::degraded);
  CHECK(fx.bus.dead_letters<fragile>({.limit = 0}).empty());
  CHECK(s.statistics().dead == 1);
  fx.advance(100ms);
  CHECK(ran == std::vector{1, 2});
  CHECK_FALSE(fx.bus.settle());
  fragile::copies_left = -1;
  fx.advance(20ms);
  CHECK(ran == std::vector{1, 2, 3, 4});  // no run was spent on waiting
  CHECK_FALSE(s.statistics().stalled);
  CHECK(fx.bus.health() == peal::health::ok);
  CHECK(s.statistics().dead == 3);
  CHECK(s.statistics().handled == 1);
  CHECK(s.statistics().failures == 3);
}
