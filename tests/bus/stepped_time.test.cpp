// SPDX-License-Identifier: MIT
// Timeouts of attempts on virtual time, and the watchdog that names who is over it.
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

TEST_CASE("watchdog: one that is paused in a handler, first run or later one, runs nothing",
          "[bus][timeout][watchdog]") {
  for (const std::uint32_t paused_in : {1U, 2U}) {
    stepped<order> fx;
    std::optional<peal::subscription> s;
    s = fx.subscribe<order>(
        "s",
        [&](const order&, const peal::delivery& d) {
          if (d.attempt() == paused_in) s->pause();
          if (d.attempt() == 1) throw gateway_down();
        },
        peal::timeout{2s}, peal::otherwise(every(1s, 2)));
    fx.bus.publish(order{1});
    fx.run();
    fx.advance(1h);
    CHECK(fx.bus.statistics().overdue.empty());
    CHECK(fx.bus.health() == peal::health::ok);
    s->resume();
    REQUIRE(fx.bus.settle_for(1h));
    s->stop();
  }
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
