// SPDX-License-Identifier: MIT
// Order by key on virtual time, a thousand seeds: failures, delays, redrives, discards, restarts of the subscription.
#include "bus/order_model.hpp"

#include <cstdio>

#include "support/stress_options.hpp"

TEST_CASE("ordered_by: a thousand seeds keep every key's order and every account", "[stress][bus][P23][P3][P24]") {
  const std::uint64_t seeds = peal_test::scaled(1000);
  std::uint64_t published = 0, runs = 0, failed = 0, dead = 0, redriven = 0, stops = 0, stalls = 0, stopped = 0;
  for (std::uint64_t i = 0; i != seeds; ++i) {
    const std::uint64_t seed = peal_test::seed() + i;
    INFO("seed " << seed);
    const int keys = i % 100 == 0 ? 10'000 : i % 3 == 0 ? 4 : 100;
    const unsigned hands = static_cast<unsigned>(i % 7);
    peal_test::order_model model{
        seed, {.keys = keys, .operations = keys == 10'000 ? 20'000 : 1500, .hold = i % 4 != 0, .hands = hands}};
    model.run();
    published += model.published;
    runs += model.runs;
    failed += model.failed;
    dead += model.dead;
    redriven += model.redriven;
    stops += model.stops;
    stalls += model.stalls;
    stopped += model.lost;
  }
  const auto n = [](std::uint64_t v) { return static_cast<unsigned long long>(v); };
  std::printf(
      "%llu seeds: published %llu, runs %llu, failed %llu, dead %llu, redriven %llu, restarts %llu, stopped %llu, key "
      "stalls %llu, inversions 0, lost 0\n",
      n(seeds), n(published), n(runs), n(failed), n(dead), n(redriven), n(stops), n(stopped), n(stalls));
}
