// SPDX-License-Identifier: MIT
// Histograms of times: where a value is counted, what percentiles say of it, and reading while others count.
#include <peal/observe/histogram.hpp>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "support/catch.hpp"

namespace {
using namespace std::chrono_literals;
}

TEST_CASE("histogram: a value is told at most 1/32 too high and never too low", "[observe][histogram]") {
  for (std::int64_t value = 1; value < (std::int64_t{1} << 40); value += 1 + value / 7) {
    peal::histogram h;
    h.record(std::chrono::nanoseconds{value});
    h.record(20min);  // so that it is not the greatest
    const auto v = h.values();
    REQUIRE(v.count == 2);
    const std::int64_t told = v.percentile(50).count();
    if (told < value || (told - value) * 32 > value) FAIL(value << " is told as " << told);
    CHECK(v.max == 20min);
  }
}

TEST_CASE("histogram: percentiles of a thousand values", "[observe][histogram]") {
  peal::histogram h;
  for (int i = 1; i <= 1000; ++i) h.record(std::chrono::microseconds{i});
  const auto v = h.values();
  CHECK(v.count == 1000);
  CHECK(v.sum == 500'500us);
  CHECK(v.mean() == 500'500ns);
  CHECK(v.max == 1ms);
  CHECK(v.p50() >= 500us);
  CHECK(v.p50() <= 516us);
  CHECK(v.p99() >= 990us);
  CHECK(v.p99() <= 1ms);
  CHECK(v.p999() <= 1ms);
  CHECK(v.percentile(100) == 1ms);
  CHECK(v.up_to(std::chrono::nanoseconds{1 << 19}) == 524);  // 524,288 ns: exact
  CHECK(v.up_to(std::chrono::nanoseconds{1 << 10}) == 1);
}

TEST_CASE("histogram: nothing, zero, less than zero and too long", "[observe][histogram]") {
  peal::histogram h;
  CHECK(h.values().p99() == 0ns);
  CHECK(h.values().mean() == 0ns);
  h.record(0ns);
  h.record(-5ns);
  CHECK(h.values().p99() == 0ns);
  h.record(1h);
  CHECK(h.values().count == 3);
  CHECK(h.values().max == 1h);
  CHECK(h.values().percentile(100) >= 18min);
}

TEST_CASE("histogram: threads count into shards while another reads, and nothing is lost", "[observe][threads]") {
  peal::histogram h{4};
  std::atomic<bool> over{false};
  std::thread reader{[&] {
    std::uint64_t before = 0;
    while (!over) {
      const std::uint64_t now = h.values().count;
      if (now < before) std::abort();
      before = now;
    }
  }};
  std::vector<std::thread> writers;
  for (std::size_t t = 0; t != 4; ++t) {
    writers.emplace_back([&, t] {
      for (int i = 0; i != 20'000; ++i) h.record(std::chrono::nanoseconds{i}, t);
    });
  }
  for (auto& w : writers) w.join();
  over = true;
  reader.join();
  CHECK(h.values().count == 80'000);
  CHECK(h.values().sum == 4ns * (20'000LL * 19'999 / 2));
}
