// SPDX-License-Identifier: MIT
// Time on virtual time: timeouts of attempts, events that expire, deadlines that are handed on.
#include "bus/stepped_support.hpp"

#include <optional>
#include <system_error>

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

TEST_CASE("timeout: a handler sees its time go by, and is not interrupted", "[bus][timeout]") {
  stepped<order> fx;
  std::vector<bool> over;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order&, peal::delivery& d) {
        CHECK(d.time_left() == 2s);
        CHECK(d.attempt_ends() == fx.now() + 2s);
        const peal::cancellation_token token = d.cancellation();
        for (int i = 0; i < 3; ++i) {
          over.push_back(token.cancelled());
          CHECK(d.expired() == token.expired());
          CHECK_FALSE(token.stop_requested());
          fx.bus.runtime().advance(1s);
        }
        CHECK(d.time_left() == 0s);
        over.push_back(token.cancelled());
      },
      peal::timeout{2s});
  fx.bus.publish(order{1});
  REQUIRE(fx.bus.settle());
  CHECK(over == std::vector<bool>{false, false, false, true});  // exactly 2 s is in time
  CHECK(s.statistics().handled == 1);                           // late, and a success all the same
  CHECK(s.statistics().failures == 0);
}

TEST_CASE("timeout: without one, and without a deadline, nothing ever expires", "[bus][timeout]") {
  stepped<order> fx;
  auto s = fx.subscribe<order>("s", [&](const order&, peal::delivery& d) {
    fx.bus.runtime().advance(10h);
    CHECK_FALSE(d.expired());
    CHECK_FALSE(d.cancellation().cancelled());
    CHECK(d.attempt_ends() == std::nullopt);
    CHECK(d.time_left() == std::chrono::nanoseconds::max());
    CHECK_NOTHROW(d.cancellation().throw_if_cancelled());
  });
  fx.bus.publish(order{1});
  REQUIRE(fx.bus.settle());
  CHECK(s.statistics().handled == 1);
}

TEST_CASE("timeout: a failure after it is timed_out, for the rules and in the letter", "[bus][timeout][P25]") {
  stepped<order> fx;
  int runs = 0;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order& o, peal::delivery& d) {
        ++runs;
        CHECK_FALSE(d.expired());  // each attempt has its own time
        if (o.id == 1) fx.bus.runtime().advance(2500ms);
        throw gateway_down("no answer");
      },
      peal::timeout{2s}, peal::on<peal::timed_out>(every(1s, 3)), peal::on<gateway_down>(peal::discard));
  fx.bus.publish(order{1});
  fx.bus.publish(order{2});
  fx.run();
  fx.advance(1min);
  CHECK(runs == 3 + 1);
  CHECK(s.statistics().discarded == 1);  // in time: the rule for what was thrown
  const auto letters = fx.bus.dead_letters<order>();
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].event.id == 1);
  CHECK(letters[0].cause == peal::dead_cause::timed_out);
  CHECK(letters[0].attempts == 3);
  CHECK(letters[0].errors.back().what == "timed out after 2500 ms: no answer");
}

TEST_CASE("timeout: without a rule for it, the rule for what was thrown decides", "[bus][timeout]") {
  stepped<order> fx;
  int runs = 0;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order&) {
        ++runs;
        fx.bus.runtime().advance(3s);
        throw gateway_down();
      },
      peal::timeout{2s}, peal::on<gateway_down>(every(1s, 2)), peal::otherwise(peal::discard));
  fx.bus.publish(order{1});
  fx.run();
  fx.advance(1min);
  CHECK(runs == 2);
  REQUIRE(fx.bus.dead_letters<order>({.cause = peal::dead_cause::timed_out}).size() == 1);
}

TEST_CASE("timeout: a predicate may refuse, and one that throws has refused", "[bus][timeout]") {
  stepped<order> fx;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order& o) {
        fx.bus.runtime().advance(3s);
        throw gateway_down(o.id == 1 ? "one" : "two");
      },
      peal::timeout{2s},
      peal::on<peal::timed_out>(
          [](const peal::timed_out& e) {
            const std::string text = e.what();
            if (text.find("two") != std::string::npos) throw 7;
            return false;
          },
          peal::dead_letter),
      peal::on<gateway_down>(peal::discard));
  fx.bus.publish(order{1});
  fx.bus.publish(order{2});
  fx.run();
  CHECK(s.statistics().discarded == 2);
}

TEST_CASE("timeout: an answer of the handler is late as well; a rejection stays one", "[bus][timeout]") {
  stepped<order> fx;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order& o) -> peal::outcome {
        fx.bus.runtime().advance(3s);
        if (o.id == 1) return peal::retry;
        if (o.id == 2) return peal::reject("no such thing");
        return o.id == 3 ? peal::outcome{peal::discard} : peal::outcome{peal::done};
      },
      peal::timeout{2s}, peal::on<peal::timed_out>(peal::dead_letter));
  for (int id = 1; id <= 4; ++id) fx.bus.publish(order{id});
  fx.run();
  const auto letters = fx.bus.dead_letters<order>();
  REQUIRE(letters.size() == 2);
  CHECK(letters[0].cause == peal::dead_cause::timed_out);
  CHECK(letters[0].errors[0].what == "timed out after 3000 ms: the handler asked for another run");
  CHECK(letters[1].cause == peal::dead_cause::rejected);
  CHECK(s.statistics().discarded == 1);
  CHECK(s.statistics().handled == 1);
}

TEST_CASE("timeout: hands have their own time each", "[bus][timeout]") {
  stepped<order> fx;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order& o, peal::delivery& d) {
        CHECK(d.time_left() == 2s);
        if (o.id % 2 == 1) fx.bus.runtime().advance(3s);
        throw gateway_down();
      },
      peal::timeout{2s}, peal::concurrency{2}, peal::on<peal::timed_out>(every(1s, 2)), peal::otherwise(peal::discard));
  for (int id = 1; id <= 4; ++id) fx.bus.publish(order{id});
  fx.run();
  fx.advance(1min);
  CHECK(s.statistics().discarded == 2);
  CHECK(fx.bus.dead_letters<order>({.cause = peal::dead_cause::timed_out}).size() == 2);
  CHECK(s.statistics().overdue == 0);
}

TEST_CASE("watchdog: a handler over its timeout is named with its event while it runs", "[bus][timeout][watchdog]") {
  stepped<order> fx;
  peal::event_id second{};
  auto s = fx.subscribe<order>(
      "slow",
      [&](const order& o, peal::delivery& d) {
        if (o.id == 2) second = d.id();
        fx.bus.runtime().advance(o.id == 2 ? 5s : 1s);
        const auto stats = fx.bus.statistics();
        CHECK(stats.overdue.size() == (o.id == 2 ? 1 : 0));
        CHECK(fx.bus.health() == (o.id == 2 ? peal::health::degraded : peal::health::ok));
        if (o.id != 2) return;
        CHECK(stats.overdue[0].subscription == "slow");
        CHECK(stats.overdue[0].id == d.id());
        CHECK(stats.overdue[0].running_for == 5s);
        CHECK(stats.overdue[0].event.find("order") != std::string::npos);
        CHECK(stats.subscriptions.at(0).overdue == 1);
      },
      peal::timeout{2s});
  for (int id = 1; id <= 3; ++id) fx.bus.publish(order{id});
  REQUIRE(fx.bus.settle());
  CHECK(second);
  fx.advance(1h);  // nothing runs: nothing is over its time
  CHECK(fx.bus.statistics().overdue.empty());
  CHECK(fx.bus.health() == peal::health::ok);
}

TEST_CASE("watchdog: one that is tried again is watched as well, and several hands", "[bus][timeout][watchdog]") {
  stepped<order> fx;
  std::size_t most = 0;
  const auto slow = [&](const order&, const peal::delivery& d) {
    if (d.attempt() == 1) throw gateway_down();
    fx.bus.runtime().advance(5s);
    most = std::max(most, fx.bus.statistics().overdue.size());
  };
  auto one = fx.subscribe<order>("one", slow, peal::timeout{2s}, peal::otherwise(every(1s, 2)));
  fx.bus.publish(order{1});
  fx.run();
  fx.advance(10s);
  CHECK(most == 1);
  one.stop();
  most = 0;
  auto several =
      fx.subscribe<order>("several", slow, peal::timeout{2s}, peal::concurrency{3}, peal::otherwise(every(1s, 2)));
  for (int id = 1; id <= 3; ++id) fx.bus.publish(order{id});
  fx.run();
  fx.advance(10s);
  CHECK(most == 3);  // advance() inside a handler runs the other hands
  CHECK(fx.bus.statistics().overdue.empty());
}

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

TEST_CASE("cancelled: a failure, unless the bus asked to stop", "[bus][timeout][P10]") {
  stepped<order> fx;
  const auto handler = [&](const order& o, peal::delivery& d) {
    if (o.id == 2) fx.bus.drain(0s);  // inside a handler: only refuses
    if (o.id == 1) throw peal::cancelled();
    if (d.cancellation().stop_requested()) throw std::system_error(std::make_error_code(std::errc::operation_canceled));
  };
  auto s = fx.subscribe<order>("s", handler, peal::on<std::exception>(peal::dead_letter));
  fx.bus.publish(order{1});
  REQUIRE(fx.bus.settle());
  CHECK(s.statistics().dead == 1);
  CHECK(s.statistics().failures == 1);
  std::optional<peal::subscription> own;
  int runs = 0;
  own = fx.subscribe<order>(
      "own",
      [&](const order& o, peal::delivery& d) {
        ++runs;
        if (o.id == 4) own->stop();
        d.cancellation().throw_if_cancelled();
      },
      peal::on<std::exception>(peal::dead_letter));
  const auto meter = own->counters();
  for (int id = 3; id <= 5; ++id) fx.bus.publish(order{id});
  REQUIRE(fx.bus.settle());
  CHECK(runs == 2);
  CHECK(meter.statistics().failures == 0);
  CHECK(meter.statistics().dead == 0);
  CHECK(meter.statistics().handled == 1);
  CHECK(meter.statistics().stopped == 2);
}
