// SPDX-License-Identifier: MIT
// Publishers × subscriptions × capacities: everything accepted arrives once at each subscription, in each publisher's order.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <peal/peal.hpp>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/stress_options.hpp"

namespace {

using namespace std::chrono_literals;

struct numbered {
  std::uint32_t publisher;
  std::uint64_t number;
};

/// What one subscription saw of each publisher.
struct seen {
  explicit seen(unsigned publishers) : next(publishers, 0) {}
  std::vector<std::uint64_t> next;
  std::uint64_t delivered = 0, lost = 0, duplicated = 0, inversions = 0;

  void take(const numbered& e) {
    ++delivered;
    std::uint64_t& expected = next[e.publisher];
    if (e.number < expected) {
      ++duplicated;  // or out of order: the numbers of one publisher only rise
      ++inversions;
    } else {
      lost += e.number - expected;
      expected = e.number + 1;
    }
  }
};

struct totals {
  std::uint64_t offered = 0, accepted = 0, delivered = 0, lost = 0, duplicated = 0, inversions = 0;
};

totals run(unsigned publishers, unsigned subscriptions, std::size_t capacity, std::uint64_t each) {
  std::vector<seen> all(subscriptions, seen{publishers});
  totals sum;
  sum.offered = each * publishers;
  {
    peal::bus<numbered> bus{{.workers = 2, .capacity = capacity, .seed = peal_test::seed() | 1U}};
    std::vector<peal::subscription> tokens;
    for (unsigned s = 0; s < subscriptions; ++s) {
      tokens.push_back(
          bus.subscribe<numbered>("s" + std::to_string(s), [&mine = all[s]](const numbered& e) { mine.take(e); }));
    }
    std::vector<std::thread> threads;
    std::vector<std::uint64_t> accepted(publishers, 0);
    for (unsigned p = 0; p < publishers; ++p) {
      threads.emplace_back([&, p] {
        for (std::uint64_t n = 0; n < each; ++n) {
          bus.publish(numbered{p, n});
          ++accepted[p];
        }
      });
    }
    for (auto& t : threads) t.join();
    REQUIRE(bus.settle_for(120s).settled);
    for (const auto n : accepted) sum.accepted += n;
    for (const auto& s : bus.statistics().subscriptions) {
      CHECK(s.accepted == sum.accepted);
      CHECK(s.accounted() == s.accepted);
    }
  }
  for (const seen& s : all) {
    sum.delivered += s.delivered;
    sum.duplicated += s.duplicated;
    sum.inversions += s.inversions;
    sum.lost += s.lost;
    for (const auto next : s.next) sum.lost += each - next;
  }
  return sum;
}

void print(const char* what, const totals& t, double seconds) {
  std::printf(
      "%s: seed=%llu offered=%llu accepted=%llu delivered=%llu lost=%llu duplicated=%llu inversions=%llu "
      "seconds=%.1f\n",
      what, static_cast<unsigned long long>(peal_test::seed()), static_cast<unsigned long long>(t.offered),
      static_cast<unsigned long long>(t.accepted), static_cast<unsigned long long>(t.delivered),
      static_cast<unsigned long long>(t.lost), static_cast<unsigned long long>(t.duplicated),
      static_cast<unsigned long long>(t.inversions), seconds);
}

}  // namespace

TEST_CASE("bus: every accepted event reaches every subscription once, in its publisher's order", "[bus][P1][P2][P3]") {
  for (const unsigned publishers : {1U, 2U, 4U}) {
    for (const unsigned subscriptions : {1U, 2U, 4U}) {
      for (const std::size_t capacity : {std::size_t{2}, std::size_t{4}, std::size_t{64}, std::size_t{65536}}) {
        const auto began = std::chrono::steady_clock::now();
        const std::uint64_t each = peal_test::scaled(capacity < 64 ? 400 : 20'000);
        const totals t = run(publishers, subscriptions, capacity, each);
        const std::string what = "P" + std::to_string(publishers) + " S" + std::to_string(subscriptions) +
                                 " capacity " + std::to_string(capacity);
        print(what.c_str(), t, std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
        REQUIRE(t.accepted == t.offered);
        REQUIRE(t.delivered == t.accepted * subscriptions);
        REQUIRE(t.lost == 0);
        REQUIRE(t.duplicated == 0);
        REQUIRE(t.inversions == 0);
      }
    }
  }
}

// `peal_stress "bus: a great many events" --scale 100` offers 10^8.
TEST_CASE("bus: a great many events", "[bus][P1][P2]") {
  const auto began = std::chrono::steady_clock::now();
  const totals t = run(2, 2, 4096, peal_test::scaled(500'000));
  print("a great many", t, std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  REQUIRE(t.accepted == t.offered);
  REQUIRE(t.delivered == t.accepted * 2);
  REQUIRE(t.lost == 0);
  REQUIRE(t.duplicated == 0);
  REQUIRE(t.inversions == 0);
}
