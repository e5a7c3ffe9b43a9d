// SPDX-License-Identifier: MIT
// A ready queue as small as can be, more workers than cores: no subscription may get lost on its way through it.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <peal/peal.hpp>
#include <vector>

#include "support/catch.hpp"
#include "support/stress_options.hpp"

using namespace std::chrono_literals;

TEST_CASE("workers: no ready subscription is lost while workers are suspended in the queue", "[bus][P1][P13]") {
  struct tick {
    std::uint64_t number;
  };
  const std::uint64_t offered = peal_test::scaled(1'000'000);
  std::atomic<std::uint64_t> delivered{0};
  peal::bus<tick> bus{{.workers = 8, .capacity = 64, .max_subscriptions = 6}};
  const auto count = [&](const tick&) { delivered.fetch_add(1, std::memory_order_relaxed); };
  std::vector<peal::subscription> all;
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) all.push_back(bus.subscribe<tick>(name, count));
  std::uint64_t accepted = 0;
  for (std::uint64_t i = 0; i < offered; ++i) {
    if (!bus.try_publish_for(tick{i}, 60s)) break;
    ++accepted;
  }
  const auto report = bus.settle_for(60s);
  std::printf("ready queue: seed=%llu offered=%llu accepted=%llu delivered=%llu lost=%llu\n",
              static_cast<unsigned long long>(peal_test::seed()), static_cast<unsigned long long>(offered),
              static_cast<unsigned long long>(accepted), static_cast<unsigned long long>(delivered.load()),
              static_cast<unsigned long long>(6 * accepted - delivered.load()));
  REQUIRE(accepted == offered);
  REQUIRE(report.settled);
  REQUIRE(delivered.load() == 6 * offered);
}
