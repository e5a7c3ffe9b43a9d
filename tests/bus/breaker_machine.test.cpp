// SPDX-License-Identifier: MIT
// The breaker's states and the rate's one moment, without a bus.
#include <peal/bus/detail/breaker_machine.hpp>
#include <peal/bus/detail/cell_rate.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

#include "support/catch.hpp"

namespace {

using namespace std::chrono_literals;
using peal::detail::breaker_machine;
using peal::detail::cell_rate;
using phase = breaker_machine::phase;

peal::time_point at(std::chrono::nanoseconds t) { return peal::time_point{} + 1h + t; }

void run(breaker_machine& b, bool failed, std::chrono::nanoseconds t) {
  REQUIRE(b.allow(at(t)));
  b.ended(b.start(), failed, at(t));
}

/// How many permits are taken when one is asked for each `step` until `end`.
std::size_t taken(cell_rate& r, std::chrono::nanoseconds from, std::chrono::nanoseconds end,
                  std::chrono::nanoseconds step) {
  std::size_t n = 0;
  for (auto t = from; t < end; t += step) {
    if (at(t) < r.next()) continue;
    r.take(at(t));
    ++n;
  }
  return n;
}

}  // namespace

TEST_CASE("breaker_machine: the ratio is of the last runs, exactly", "[bus][breaker]") {
  breaker_machine b{{.failure_ratio = 0.3, .window = {.runs = 10}, .minimum = 10}};
  std::uint64_t state = 42;
  std::vector<bool> all;
  while (b.now_in() == phase::closed) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const bool failed = (state >> 60U) < 3;  // 3 of 16
    run(b, failed, 0s);
    all.push_back(failed);
    std::size_t failures = 0;
    for (std::size_t i = all.size() > 10 ? all.size() - 10 : 0; i < all.size(); ++i) failures += all[i] ? 1U : 0U;
    const bool must_open = failed && all.size() >= 10 && failures >= 3;
    CHECK((b.now_in() == phase::open) == must_open);
  }
  CHECK(all.size() >= 10);
}

TEST_CASE("breaker_machine: a run of an earlier round says nothing", "[bus][breaker]") {
  breaker_machine b{{.window = {.runs = 4}, .minimum = 1, .open_for = 1s, .probes = 2}};
  const auto slow = b.start();
  run(b, true, 0s);
  CHECK(b.now_in() == phase::open);
  b.ended(slow, true, at(100ms));
  CHECK(b.until() == at(1s));
  CHECK_FALSE(b.allow(at(999ms)));
  CHECK(b.allow(at(1s)));
  b.ended(slow, true, at(1s));
  CHECK(b.now_in() == phase::half_open);
  const auto first = b.start();
  const auto second = b.start();
  CHECK_FALSE(b.allow(at(1s)));
  b.given_back(second);
  CHECK(b.allow(at(1s)));
  const auto third = b.start();
  b.ended(first, false, at(1s));
  b.ended(third, false, at(1s));
  CHECK(b.now_in() == phase::closed);
  b.ended(slow, true, at(1s));
  CHECK(b.now_in() == phase::closed);
}

TEST_CASE("cell_rate: the rate over time, the burst after a quiet time", "[bus][rate]") {
  cell_rate r{{.per_second = 100, .burst = 5}};
  CHECK(taken(r, 0s, 1ns, 1ns) == 1);
  CHECK(taken(r, 1us, 2us, 100ns) == 4);
  CHECK(taken(r, 2us, 9ms, 1us) == 0);
  CHECK(taken(r, 1h, 1h + 10s, 100us) == 5 + 999);
  r.give_back();
  CHECK(r.next() <= at(1h + 10s));
  cell_rate slow{{.per_second = 0.001}};
  CHECK(taken(slow, 0s, 10'000s, 100ms) == 10);
  cell_rate quick{{.per_second = 1e12, .burst = 1}};
  CHECK(taken(quick, 0ns, 1us, 1ns) == 1000);  // a nanosecond is the least
  cell_rate odd{{.per_second = 3, .burst = 1}};
  CHECK(taken(odd, 0s, 1000s, 1ms) <= 3000);
  cell_rate forever{{.per_second = 1e-300, .burst = 4'000'000'000U}};
  CHECK(taken(forever, 0s, 10s, 1s) >= 1);  // and nothing overflows
}

TEST_CASE("cell_rate: a burst that is not said is what is due in 20 ms", "[bus][rate]") {
  cell_rate r{{.per_second = 1000}};
  CHECK(taken(r, 0s, 1us, 1ns) == 20);
  cell_rate slow{{.per_second = 1}};
  CHECK(taken(slow, 0s, 1us, 1ns) == 1);
}
