// SPDX-License-Identifier: MIT
// The order of policies, attempts and waits, on virtual time.
#include <peal/core/overloaded.hpp>

#include <chrono>
#include <string>
#include <vector>

#include "bus/stepped_support.hpp"

namespace {

using namespace std::chrono_literals;
using peal_test::every;
using peal_test::gateway_down;
using peal_test::stepped;

struct order {
  int id = 0;
};
struct paid {
  int id = 0;
};

struct declined {};
struct slow : gateway_down {};

}  // namespace

TEST_CASE("pipeline: filter, key, middleware, handler and outputs run in one order, however they are written",
          "[bus][P20]") {
  stepped<order, paid> fx;
  std::vector<std::string> steps;
  const auto filter = peal::filter{[&](const order& o) {
    steps.push_back("filter");
    return o.id != 0;
  }};
  const auto once = peal::idempotent{[&](const order& o) {
    steps.push_back("key");
    return o.id;
  }};
  const auto outer = peal::middleware{[&](const order&, peal::delivery&, auto next) {
    steps.push_back("outer");
    return next();
  }};
  const auto inner = peal::middleware{[&](const order&, peal::delivery&, auto next) {
    steps.push_back("inner");
    return next();
  }};
  const auto handler = [&](const order& o) -> paid {
    steps.push_back("handler");
    return {o.id};
  };
  auto out = fx.subscribe<paid>("paid", [&](const paid&) { steps.push_back("output"); });
  const std::vector<std::string> whole{"filter", "key", "outer", "inner", "handler", "output"};
  SECTION("written in that order") {
    auto s = fx.subscribe<order>("s", handler, filter, once, outer, inner);
    fx.bus.publish(order{1});
    REQUIRE(fx.bus.settle());
    CHECK(steps == whole);
  }
  SECTION("written backwards, the middleware from outside in") {
    auto s = fx.subscribe<order>("s", handler, outer, inner, once, filter);
    fx.bus.publish(order{1});
    REQUIRE(fx.bus.settle());
    CHECK(steps == whole);
    steps.clear();
    fx.bus.publish(order{1});  // a duplicate gets as far as its key
    REQUIRE(fx.bus.settle());
    CHECK(steps == std::vector<std::string>{"filter", "key"});
    steps.clear();
    fx.bus.publish(order{0});  // what is filtered has no key
    REQUIRE(fx.bus.settle());
    CHECK(steps == std::vector<std::string>{"filter"});
    CHECK(s.statistics().filtered == 1);
    CHECK(s.statistics().deduplicated == 1);
  }
}

TEST_CASE("retry: attempts counts runs, and the waits are those of the rule", "[bus][P21]") {
  stepped<order> fx;
  std::vector<std::chrono::nanoseconds> when;
  const auto start = fx.now();
  auto s = fx.subscribe<order>(
      "s",
      [&](const order&, peal::delivery& d) {
        when.push_back(fx.now() - start);
        CHECK(d.attempt() == when.size());
        throw gateway_down();
      },
      peal::otherwise(
          peal::backoff{.attempts = 4, .first = 100ms, .cap = 250ms, .multiplier = 2.0, .spread = peal::jitter::none}));
  fx.bus.publish(order{1});
  fx.advance(10s);
  REQUIRE(when.size() == 4);
  CHECK(when[0] == 0ns);
  const auto near = [](std::chrono::nanoseconds got, std::chrono::nanoseconds wanted) {
    return got >= wanted && got < wanted + 3 * peal::timer_wheel::tick;  // never early, at most a tick late each time
  };
  CHECK(near(when[1], 100ms));
  CHECK(near(when[2], 300ms));
  CHECK(near(when[3], 550ms));  // capped
  CHECK(s.statistics().dead == 1);
  CHECK(s.statistics().retries == 3);
}

TEST_CASE("retry: the first matching rule decides; without a rule there is one run and a letter", "[bus][P21]") {
  stepped<order> fx;
  int runs = 0;
  auto ruled = fx.subscribe<order>(
      "ruled",
      [&](const order& o) {
        ++runs;
        if (o.id == 1) throw declined{};
        if (o.id == 2) throw slow{};
        throw gateway_down();
      },
      peal::on<declined>(peal::discard), peal::on<slow>(every(1ms, 3)), peal::on<gateway_down>(peal::dead_letter));
  auto plain = fx.subscribe<order>("plain", [](const order&) { throw declined{}; });
  for (int id = 1; id <= 3; ++id) fx.bus.publish(order{id});
  fx.advance(1s);
  CHECK(runs == 1 + 3 + 1);
  CHECK(ruled.statistics().discarded == 1);
  CHECK(ruled.statistics().dead == 2);
  CHECK(plain.statistics().dead == 3);
  CHECK(plain.statistics().failures == 3);
}

TEST_CASE("retry: jitter comes from the bus's seed: same seed, same times", "[bus][P21]") {
  const auto times = [](std::uint64_t seed) {
    stepped<order> fx{{.seed = seed}};
    std::vector<std::chrono::nanoseconds> when;
    const auto start = fx.now();
    auto s = fx.subscribe<order>(
        "s",
        [&](const order&) {
          when.push_back(fx.now() - start);
          throw gateway_down();
        },
        peal::otherwise(peal::backoff{.attempts = 6, .first = 1s, .cap = 60s}));
    fx.bus.publish(order{1});
    fx.advance(1h);
    return when;
  };
  CHECK(times(5) == times(5));
  CHECK(times(5) != times(6));
}

TEST_CASE("back-off: an hour of it holds no slot of the ring and nobody else", "[bus][P22]") {
  stepped<peal::topic<order, peal::capacity<2>>> fx;
  std::vector<int> handled;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order& o, peal::delivery& d) {
        if (o.id == 1 && d.attempt() == 1) throw gateway_down();
        handled.push_back(o.id);
      },
      peal::otherwise(every(1h, 2)));
  for (int id = 1; id <= 100; ++id) fx.bus.publish(order{id});  // capacity 2: each needs the slots of those before it
  (void)fx.bus.settle();
  CHECK(handled.size() == 99);
  CHECK(handled.front() == 2);
  CHECK(s.statistics().kept == 1);
  fx.advance(2h);
  CHECK(handled.back() == 1);
}

TEST_CASE("drops: each reason is counted by its name and nothing else is dropped", "[bus][P4]") {
  stepped<peal::topic<order, peal::capacity<4>>> fx;
  int late = 0;
  auto behind = fx.subscribe<order>(
      "behind", [&](const order&) { ++late; }, peal::behind{peal::drop_oldest});
  behind.pause();
  for (int id = 0; id < 10; ++id) REQUIRE(fx.bus.try_publish(order{id}));
  behind.resume();
  REQUIRE(fx.bus.settle());
  CHECK(late == 4);
  CHECK(behind.statistics().dropped == 6);
  behind.stop();
  auto strict = fx.subscribe<order>("strict", [](const order&) {});
  strict.pause();
  fx.bus.publish(order{1}, {.time_to_live = 10ms});
  fx.bus.publish(order{2}, {.time_to_live = 10s});
  fx.advance(1s);
  strict.resume();
  REQUIRE(fx.bus.settle());
  CHECK(strict.statistics().expired == 1);
  CHECK(strict.statistics().handled == 1);
  strict.pause();
  fx.bus.publish(order{3});
  const auto meter = strict.counters();
  strict.stop();
  CHECK(meter.statistics().stopped == 1);
}

TEST_CASE("settle: what cannot go on by itself is named", "[bus][P15]") {
  stepped<order> fx;
  auto s = fx.subscribe<order>(
      "slowpoke", [](const order&) { throw gateway_down(); }, peal::otherwise(every(1s, 2)));
  fx.bus.publish(order{1});
  auto report = fx.bus.settle();
  CHECK_FALSE(report.settled);
  REQUIRE(report.waiting_for.size() == 1);
  CHECK(report.waiting_for[0].find("slowpoke") != std::string::npos);
  CHECK(report.waiting_for[0].find("1 kept aside") != std::string::npos);
  fx.advance(2s);
  CHECK(fx.bus.settle());
  s.pause();
  fx.bus.publish(order{2});
  report = fx.bus.settle();
  REQUIRE(report.waiting_for.size() == 1);
  CHECK(report.waiting_for[0].find("paused") != std::string::npos);
  s.resume();
  fx.advance(2s);
}

TEST_CASE("causation: what a handler publishes or returns belongs to what it handled", "[bus][P7]") {
  stepped<order, paid> fx;
  const peal::event_id request{1, 2};
  peal::event_id cause;
  std::vector<peal::event_id> causes;
  std::vector<peal::event_id> correlations;
  auto s = fx.subscribe<order>("s", [&](const order& o, peal::delivery& d) -> paid {
    cause = d.id();
    fx.bus.publish(paid{-o.id});
    return {o.id};
  });
  auto p = fx.subscribe<paid>("p", [&](const paid&, peal::delivery& d) {
    causes.push_back(d.causation());
    correlations.push_back(d.correlation());
  });
  fx.bus.publish(order{1}, {.correlation = request});
  REQUIRE(fx.bus.settle());
  REQUIRE(causes.size() == 2);
  CHECK(causes[0] == cause);
  CHECK(causes[1] == cause);
  CHECK(correlations[0] == request);
  CHECK(correlations[1] == request);
}
