// SPDX-License-Identifier: MIT
// Durable topics under everything at once: what was acknowledged is kept, what was not handled comes again, in order.
#include <cstdio>

#include "bus/durable_model.hpp"
#include "support/stress_options.hpp"

TEST_CASE("durable: whatever fails, and wherever the process ends, nothing is lost and a key's order is kept",
          "[bus][durable][P30][P31][P33][P23][P3]") {
  const std::uint64_t first = peal_test::seed_given() ? peal_test::seed() : 1;
  const std::uint64_t count = peal_test::scaled(peal_test::seed_given() ? 1 : 200);
  std::uint64_t events = 0, acknowledged = 0, crashes = 0, runs = 0, failed = 0, again = 0, redriven = 0, commits = 0;
  std::uint64_t rows = 0;
  for (std::uint64_t seed = first; seed != first + count; ++seed) {
    INFO("seed " << seed);
    peal_test::durable_model model{seed};
    model.run();
    events += model.events;
    acknowledged += model.acknowledged;
    crashes += model.crashes;
    runs += model.runs;
    failed += model.failed;
    again += model.again;
    redriven += model.redriven;
    commits += model.commits;
    rows += model.rows;
  }
  std::printf(
      "durable: seeds %llu..%llu events %llu acknowledged %llu commits %llu crashes %llu runs %llu failed %llu "
      "redriven %llu kept for later %llu handled again %llu lost 0\n",
      static_cast<unsigned long long>(first), static_cast<unsigned long long>(first + count - 1),
      static_cast<unsigned long long>(events), static_cast<unsigned long long>(acknowledged),
      static_cast<unsigned long long>(commits), static_cast<unsigned long long>(crashes),
      static_cast<unsigned long long>(runs), static_cast<unsigned long long>(failed),
      static_cast<unsigned long long>(redriven), static_cast<unsigned long long>(rows),
      static_cast<unsigned long long>(again));
}
