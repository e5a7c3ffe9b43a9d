// SPDX-License-Identifier: MIT
// Rules in full on virtual time: by predicate, one back-off after another, an end in time, error codes in the record.
#include "bus/stepped_support.hpp"

#include <cerrno>
#include <system_error>

namespace {

using namespace std::chrono_literals;
using peal_test::every;
using peal_test::gateway_down;
using peal_test::stepped;
using std::chrono::nanoseconds;

struct order {
  int id = 0;
};
struct http_error : std::runtime_error {
  explicit http_error(int code) : std::runtime_error("status " + std::to_string(code)), status{code} {}
  int status;
};
const auto is_busy = [](const http_error& e) { return e.status == 503; };

/// Runs a handler that always throws until nothing is left to do; the times of its runs, from the first on. A timer fires
/// up to 66 µs late, which is left out here.
template <class... Rules>
std::vector<nanoseconds> times_of(stepped<order>& fx, nanoseconds long_enough, Rules... rules) {
  std::vector<nanoseconds> at;
  const peal::time_point began = fx.now();
  auto s = fx.subscribe<order>(
      "s",
      [&](const order&) {
        at.push_back(std::chrono::floor<std::chrono::milliseconds>(fx.now() - began));
        throw gateway_down();
      },
      rules...);
  fx.bus.publish(order{1});
  fx.run();
  fx.advance(long_enough);
  REQUIRE(fx.bus.settle());
  return at;
}

}  // namespace

TEST_CASE("rules: a predicate decides, and those behind it see what it refuses", "[bus][retry][P21]") {
  stepped<order> fx;
  int status = 503;
  int ran = 0;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order&) {
        ++ran;
        throw http_error{status};
      },
      peal::on<http_error>(is_busy, every(1s, 3)), peal::on<http_error>(peal::discard));
  fx.bus.publish(order{1});
  fx.run();
  CHECK(s.statistics().kept == 1);
  fx.advance(1min);
  CHECK(ran == 3);
  CHECK(s.statistics().dead == 1);
  status = 404;
  fx.bus.publish(order{2});
  REQUIRE(fx.bus.settle());
  CHECK(ran == 4);
  CHECK(s.statistics().discarded == 1);
}

TEST_CASE("rules: back-offs one after the other, each with its own runs", "[bus][retry][P21]") {
  stepped<order> fx;
  const auto at = times_of(fx, 1h, peal::otherwise(every(1s, 3).then(every(10s, 2)).then(every(1min, 1))));
  CHECK(at == std::vector<nanoseconds>{0s, 1s, 2s, 12s, 22s, 82s});
  CHECK(fx.bus.dead_letters<order>().size() == 1);
  CHECK(fx.bus.dead_letters<order>()[0].attempts == 6);
}

TEST_CASE("rules: a chain ends as it says", "[bus][retry][P21]") {
  stepped<order> fx;
  auto s = fx.subscribe<order>(
      "s", [](const order&) { throw gateway_down(); }, peal::on<gateway_down>(every(1s, 2).then(peal::discard)));
  fx.bus.publish(order{1});
  fx.run();
  fx.advance(1min);
  CHECK(s.statistics().discarded == 1);
  CHECK(s.statistics().dead == 0);
  CHECK(fx.bus.dead_letters<order>().empty());
}

TEST_CASE("rules: no run starts later than max_elapsed after the first failure", "[bus][retry][P21]") {
  stepped<order> fx;
  peal::backoff hurried = every(10s, 100);
  hurried.max_elapsed = 35s;
  CHECK(times_of(fx, 1h, peal::otherwise(hurried)) == std::vector<nanoseconds>{0s, 10s, 20s, 30s});
}

TEST_CASE("rules: a plan whose time is over gives way to the next, which counts its own runs", "[bus][retry][P21]") {
  stepped<order> fx;
  peal::backoff hurried = every(10s, 100);
  hurried.max_elapsed = 15s;
  const auto at = times_of(fx, 3h, peal::otherwise(hurried.then(every(1h, 2))));
  CHECK(at == std::vector<nanoseconds>{0s, 10s, 10s + 1h, 10s + 2h});
}

TEST_CASE("rules: with decorrelated jitter each wait is between first and three times the one before",
          "[bus][retry][P21]") {
  stepped<order> fx;
  const peal::backoff plan{.attempts = 200, .first = 100ms, .cap = 20s, .spread = peal::jitter::decorrelated};
  const auto at = times_of(fx, 2h, peal::otherwise(plan));
  REQUIRE(at.size() == 200);
  nanoseconds before = plan.first;
  nanoseconds longest{0};
  for (std::size_t i = 1; i < at.size(); ++i) {
    const nanoseconds wait = at[i] - at[i - 1];
    if (wait < plan.first - 1ms || wait > plan.cap + 1ms || wait > 3 * before + 1ms) FAIL(i << ": " << wait.count());
    before = wait;
    longest = std::max(longest, wait);
  }
  CHECK(longest > 10s);  // it does grow
}

TEST_CASE("rules: the code of a system_error and of an outcome stands in the letter", "[bus][retry][P25]") {
  stepped<order> fx;
  auto s = fx.subscribe<order>("s", [](const order& o) -> peal::outcome {
    const auto refused = std::make_error_code(std::errc::connection_refused);
    if (o.id == 1) throw std::system_error{refused, "gateway"};
    if (o.id == 2) return peal::retry_because(refused);
    return peal::reject("no such customer", refused);
  });
  for (int id = 1; id <= 3; ++id) fx.bus.publish(order{id});
  REQUIRE(fx.bus.settle());
  const auto letters = fx.bus.dead_letters<order>();
  REQUIRE(letters.size() == 3);
  for (const auto& l : letters) {
    REQUIRE(!l.errors.empty());
    CHECK(l.errors.back().code == std::errc::connection_refused);
    CHECK(!l.errors.back().what.empty());
  }
  CHECK(letters[2].cause == peal::dead_cause::rejected);
}
