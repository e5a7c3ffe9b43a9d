// SPDX-License-Identifier: MIT
#include "support/catch.hpp"

#include <peal/bus/detail/cell_rate.hpp>

#include <cstdint>
#include <random>

namespace {

using peal::nanoseconds;
using peal::time_point;

/// The algorithm as it is printed: one look at the clock for each permit.
struct exact_rate {
  std::int64_t step;
  std::int64_t slack;
  std::int64_t expected = 0;

  bool take(std::int64_t at) {
    if (at < expected - slack) return false;
    expected = (expected < at ? at : expected) + step;
    return true;
  }
};

struct outcome {
  int ahead = 0;
  int refused_by_exact = 0;
};

/// Batches of runs, some of which take a permit without a look at the clock while time goes on.
outcome run_batches(std::uint64_t seed) {
  std::mt19937_64 random{seed};
  const std::int64_t step = 1 + static_cast<std::int64_t>(random() % 1000);
  const std::uint32_t burst = 1 + static_cast<std::uint32_t>(random() % 100);
  peal::detail::cell_rate ours{{.per_second = 1e9 / static_cast<double>(step), .burst = burst}};
  exact_rate exact{step, step * (burst - 1)};
  outcome seen;
  std::int64_t now = 1'000'000;
  const auto at = [&] { return time_point{nanoseconds{now}}; };
  for (int batch = 0; batch < 300; ++batch) {
    for (std::uint64_t left = random() % 40; left != 0; --left) {
      now += static_cast<std::int64_t>(random() % 3 == 0 ? 0 : random() % static_cast<std::uint64_t>(2 * step));
      if (ours.has_ahead()) {
        ours.take_ahead();
        ++seen.ahead;
      } else {
        ours.settle(at());
        if (at() < ours.next()) break;
        ours.take(at());
      }
      seen.refused_by_exact += exact.take(now) ? 0 : 1;
    }
    ours.settle(at());
    now += static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(20 * step));
  }
  return seen;
}

}  // namespace

TEST_CASE("rate: permits taken without a look at the clock are never more than was agreed", "[bus][rate][P26]") {
  const std::uint64_t first = std::random_device{}();
  int ahead = 0;
  for (std::uint64_t seed = first; seed != first + 200; ++seed) {
    INFO("seed " << seed);
    const outcome seen = run_batches(seed);
    REQUIRE(seen.refused_by_exact == 0);
    ahead += seen.ahead;
  }
  CHECK(ahead > 1000);
}

TEST_CASE("rate: after a quiet time the whole burst is there again", "[bus][rate][P26]") {
  peal::detail::cell_rate r{{.per_second = 1000, .burst = 80}};
  time_point now{std::chrono::seconds{1}};
  for (int round = 0; round < 3; ++round) {
    int taken = 0;
    for (;; ++taken) {
      if (r.has_ahead()) {
        r.take_ahead();
        continue;
      }
      r.settle(now);
      if (now < r.next()) break;
      r.take(now);
    }
    CHECK(taken == 80);
    r.settle(now);
    now += std::chrono::milliseconds{80};
  }
}
