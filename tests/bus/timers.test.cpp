// SPDX-License-Identifier: MIT
// P28 on threads: what is published later comes once, or is taken back, never both.
#include "support/bus_fixture.hpp"

namespace {

using namespace peal_test;

struct reminder {
  std::uint64_t n = 0;
  counted body{};
};

}  // namespace

TEST_CASE("timers: made and cancelled by several threads, each event comes or is taken back", "[bus][timers][P28]") {
  constexpr std::uint64_t threads = 3;
  const std::uint64_t each = repeat(3'000, 10);
  const std::int64_t alive_before = counted::alive;
  std::atomic<std::uint64_t> moved{0};
  const watchdog dog{"timers", &moved};
  {
    bus_fixture<peal::topic<reminder, peal::capacity<64>>> f{{.workers = 2}};
    std::vector<std::atomic<int>> came(threads * each);
    const auto s = f.subscribe<reminder>("s", [&](const reminder& r) {
      ++came[r.n];
      ++moved;
    });
    std::vector<int> taken_back(threads * each);
    std::vector<std::thread> makers;
    for (std::uint64_t t = 0; t < threads; ++t) {
      makers.emplace_back([&, t] {
        for (std::uint64_t i = 0; i < each; ++i) {
          const std::uint64_t n = t * each + i;
          const auto id = f->publish_after(reminder{n, counted{n}}, std::chrono::microseconds{i % 7 * 100});
          if (i % 2 == 0) taken_back[n] = f->cancel(id) == peal::cancel_result::cancelled ? 1 : 0;
          ++moved;
        }
      });
    }
    for (auto& m : makers) m.join();
    std::uint64_t expected = threads * each;
    for (const int t : taken_back) expected -= static_cast<std::uint64_t>(t);
    until([&] { return f.of("s").handled == expected; });
    for (std::uint64_t n = 0; n < threads * each; ++n) {
      if (came[n] + taken_back[n] != 1) FAIL(n << " came " << came[n] << " times, taken back " << taken_back[n]);
    }
    CHECK(f->drain(60s).timers == 0);
  }
  CHECK(counted::alive == alive_before);
}

TEST_CASE("timers: a bus may end while they wait, and while they fire", "[bus][timers][P11]") {
  const std::int64_t alive_before = counted::alive;
  std::atomic<std::uint64_t> round{0};
  const watchdog dog{"timers at the end", &round};
  for (; round < repeat(200); ++round) {
    peal::bus<reminder> bus{{.workers = 1}};
    auto s = bus.subscribe<reminder>("s", [](const reminder&) {});
    for (std::uint64_t n = 0; n < 50; ++n)
      bus.publish_after(reminder{n, counted{n}}, std::chrono::microseconds{n * 20});
    bus.publish_every(reminder{}, 1ms);
    if (round % 2 == 0) until([&] { return s.statistics().handled > 5; });
  }
  CHECK(counted::alive == alive_before);
}
