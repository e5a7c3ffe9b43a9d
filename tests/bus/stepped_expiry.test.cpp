// SPDX-License-Identifier: MIT
// Events that expire and deadlines that are handed on, on virtual time.
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
struct shipped {
  int id = 0;
};
using timed_orders = peal::topic<order, peal::timed>;

}  // namespace

TEST_CASE("expiry: an old event is not handled but counted", "[bus][expiry][P4]") {
  stepped<timed_orders> fx;
  std::vector<int> handled;
  auto s = fx.subscribe<order>(
      "s", [&](const order& o) { handled.push_back(o.id); }, peal::expires{.after = 5min});
  auto other = fx.subscribe<order>("patient", [](const order&) {});
  s.pause();
  fx.bus.publish(order{1});
  fx.bus.publish(order{2}, {.time_to_live = 10min});  // the earlier of both counts
  fx.advance(4min);
  fx.bus.publish(order{3});
  fx.advance(61s);
  s.resume();
  REQUIRE(fx.bus.settle());
  CHECK(handled == std::vector<int>{3});
  CHECK(s.statistics().expired == 2);
  CHECK(other.statistics().handled == 3);
}

TEST_CASE("expiry: asked again before each further attempt", "[bus][expiry][P20]") {
  stepped<timed_orders> fx;
  int runs = 0;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order&, peal::delivery& d) {
        ++runs;
        CHECK(d.attempt_ends() == *d.published_at() + 10s);
        throw gateway_down();
      },
      peal::expires{.after = 10s}, peal::otherwise(every(4s, 100)));
  fx.bus.publish(order{1});
  fx.run();
  fx.advance(1min);
  CHECK(runs == 3);  // at 0, 4 and 8 s
  CHECK(s.statistics().expired == 1);
  CHECK(s.statistics().kept == 0);
}

TEST_CASE("expiry: as letters, if the user says so; one that is brought back is handled", "[bus][expiry][P25]") {
  stepped<timed_orders> fx;
  int runs = 0;
  bool gone = false;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order&, peal::delivery& d) {
        ++runs;
        if (!d.redriven()) throw gateway_down();
        CHECK_FALSE(d.expired());
        CHECK(d.attempt_ends() == fx.now() + 1s);
      },
      peal::expires{.after = 10s}, peal::on_expiry(peal::dead_letter), peal::otherwise(every(6s, 100)),
      peal::timeout{1s});
  fx.bus.publish(order{1});
  fx.run();
  s.pause();
  fx.bus.publish(order{2});
  fx.advance(1min);
  s.resume();
  fx.run();
  const auto letters = fx.bus.dead_letters<order>({.cause = peal::dead_cause::expired});
  REQUIRE(letters.size() == 2);
  for (const auto& l : letters) {
    if (l.event.id == 1) CHECK(l.attempts == 1);
    if (l.event.id == 2) CHECK(l.attempts == 0);
    gone = gone || l.errors.empty();
  }
  CHECK(gone);
  CHECK(s.statistics().expired == 0);
  CHECK(s.statistics().dead == 2);
  CHECK(fx.bus.redrive<order>() == 2);
  REQUIRE(fx.bus.settle());
  CHECK(s.statistics().handled == 2);
}

TEST_CASE("expiry: with hands, as a letter before the first attempt and on the way to a hand", "[bus][expiry]") {
  stepped<timed_orders> fx;
  auto s = fx.subscribe<order>(
      "s", [&](const order&) { fx.bus.runtime().advance(11s); }, peal::concurrency{2}, peal::expires{.after = 10s},
      peal::on_expiry(peal::dead_letter));
  s.pause();
  fx.bus.publish(order{1});
  fx.advance(1min);
  s.resume();
  for (int id = 2; id <= 3; ++id) fx.bus.publish(order{id});
  fx.run();
  REQUIRE(fx.bus.settle());
  const auto stats = s.statistics();
  CHECK(stats.handled + stats.dead == 3);
  CHECK(fx.bus.dead_letters<order>({.cause = peal::dead_cause::expired}).size() == stats.dead);
  CHECK(stats.dead >= 1);
}

TEST_CASE("expiry: order by key goes on past it", "[bus][expiry][P23]") {
  stepped<timed_orders> fx;
  std::vector<int> handled;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order& o, const peal::delivery& d) {
        if (o.id == 1 && d.attempt() < 4) throw gateway_down();
        handled.push_back(o.id);
      },
      peal::ordered_by{[](const order&) { return 7; }}, peal::expires{.after = 10s}, peal::otherwise(every(6s, 100)));
  fx.bus.publish(order{1});
  fx.run();
  fx.advance(5s);
  fx.bus.publish(order{2});
  fx.run();
  fx.advance(1min);
  CHECK(handled == std::vector<int>{2});
  CHECK(s.statistics().expired == 1);
}

TEST_CASE("expiry: an option that makes no sense is refused", "[bus][expiry][timeout]") {
  stepped<timed_orders, shipped> fx;
  CHECK_THROWS_AS(fx.bus.subscribe<order>(
                      "s", [](const order&) {}, peal::expires{.after = 0s}),
                  peal::bad_option);
  CHECK_THROWS_AS(fx.bus.subscribe<order>(
                      "s", [](const order&) {}, peal::timeout{-1s}),
                  peal::bad_option);
  const peal::subscriber<shipped> untimed = fx.bus;
  CHECK_THROWS_WITH(untimed.subscribe(
                        "s", [](const shipped&) {}, peal::expires{.after = 1s}),
                    Catch::Contains("peal::timed"));
}

TEST_CASE("deadline: what a handler returns or publishes has the deadline of what it handles", "[bus][deadline]") {
  stepped<order, shipped, peal::topic<int, long>> fx;
  const peal::time_point began = fx.now();
  std::optional<peal::time_point> returned;
  std::optional<peal::time_point> published;
  std::optional<peal::time_point> own;
  std::optional<peal::time_point> none;
  auto first = fx.subscribe<order>("first", [&](const order& o, peal::delivery& d) -> shipped {
    CHECK(d.deadline() == began + 10s);
    fx.bus.publish(1);
    fx.bus.publish(2, {.time_to_live = 3s});
    fx.bus.publish(3L, {.time_to_live = std::chrono::nanoseconds::max()});
    return {o.id};
  });
  auto second = fx.subscribe<shipped>("second", [&](const shipped&, peal::delivery& d) {
    returned = d.deadline();
    CHECK_FALSE(d.expired());
    fx.bus.runtime().advance(10s + 1ns);
    CHECK(d.expired());  // without a timeout as well
    CHECK(d.cancellation().cancelled());
    CHECK_THROWS_AS(d.cancellation().throw_if_cancelled(), peal::cancelled);
    throw gateway_down("too late");
  });
  auto third = fx.subscribe<int, long>(
      "third", peal::overloaded{[&](const int& n, peal::delivery& d) { (n == 1 ? published : own) = d.deadline(); },
                                [&](const long&, peal::delivery& d) { none = d.deadline(); }});
  fx.bus.publish(order{1}, {.deadline = began + 10s});
  REQUIRE(fx.bus.settle());
  CHECK(returned == began + 10s);
  CHECK(published == began + 10s);
  CHECK(own == began + 3s);
  CHECK(none == std::nullopt);
  const auto letters = fx.bus.dead_letters<shipped>();
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].cause == peal::dead_cause::timed_out);
  CHECK(letters[0].errors[0].what == "timed out: too late");
}

TEST_CASE("deadline: outputs that wait for room keep theirs", "[bus][deadline][P7]") {
  stepped<order, peal::topic<shipped, peal::capacity<2>>> fx{{.lane_capacity = 2, .overload_after = 1h, .seed = 7}};
  std::vector<std::optional<peal::time_point>> seen;
  const peal::time_point until = fx.now() + 1h;
  auto in = fx.subscribe<order>(
      "in",
      [&](const order& o, const peal::delivery& d) -> shipped {
        if (d.attempt() == 1) throw gateway_down();
        return {o.id};
      },
      peal::otherwise(every(1s, 2)));
  auto out = fx.subscribe<shipped>("out", [&](const shipped&, peal::delivery& d) { seen.push_back(d.deadline()); });
  out.pause();
  for (int id = 1; id <= 8; ++id) {
    fx.bus.publish(order{id}, {.deadline = id % 2 == 0 ? until : peal::time_point::max()});
  }
  fx.run();
  fx.advance(10s);
  out.resume();
  REQUIRE(fx.bus.settle());
  REQUIRE(seen.size() == 8);
  for (std::size_t i = 0; i < seen.size(); ++i) CHECK(seen[i].has_value() == (i % 2 == 1));
}

TEST_CASE("order of policies: filter, expiry, claim, permit, timeout, middleware", "[bus][expiry][timeout][P20]") {
  stepped<timed_orders> fx;
  std::vector<std::string> steps;
  // Written the wrong way round on purpose.
  auto s = fx.subscribe<order>(
      "s", [&](const order&, peal::delivery& d) { steps.push_back("handler " + std::to_string(d.time_left() / 1s)); },
      peal::middleware{[&](const auto&, peal::delivery& d, auto next) {
        steps.push_back("middleware " + std::to_string(d.time_left() / 1s));  // the time of the attempt goes by
        fx.bus.runtime().advance(1s);
        return next();
      }},
      peal::timeout{3s}, peal::rate{.per_second = 1, .burst = 1}, peal::idempotent{&order::id, {.window = 24h}},
      peal::expires{.after = 10s}, peal::filter{[](const order& o) { return o.id != 2; }});
  s.pause();
  fx.bus.publish(order{1});  // expires, claims no key and takes no permit
  fx.bus.publish(order{2});  // is filtered, though it is old as well
  fx.advance(11s);
  fx.bus.publish(order{1});
  s.resume();
  REQUIRE(fx.bus.settle());
  CHECK(steps == std::vector<std::string>{"middleware 3", "handler 2"});
  CHECK(s.statistics().expired == 1);
  CHECK(s.statistics().filtered == 1);
  CHECK(s.statistics().deduplicated == 0);
  CHECK(s.statistics().handled == 1);
}
