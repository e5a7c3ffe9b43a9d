// SPDX-License-Identifier: MIT
// Keys over several hands, on threads: failures, back-offs, dead letters redriven beside it; each key in order, in one hand.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "support/bus_fixture.hpp"
#include "support/stress_options.hpp"

namespace {

using namespace std::chrono_literals;

struct item {
  std::uint32_t key = 0;
  std::uint32_t seq = 0;  // from 1, of its key
};
struct made {
  std::uint32_t key = 0;
};

struct key_state {
  std::atomic<std::uint32_t> done{0};
  std::atomic<std::uint32_t> inside{0};
};

struct figures {
  std::atomic<std::uint64_t> runs{0}, failures{0}, inversions{0}, overlaps{0}, outputs{0};
};

/// A number that depends on nothing but its arguments and the seed.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  std::uint64_t x = peal_test::seed() ^ (a * 0x9e37'79b9'7f4a'7c15U) ^ (b << 32U);
  x = (x ^ (x >> 30U)) * 0xbf58'476d'1ce4'e5b9U;
  return x ^ (x >> 31U);
}

void keyed(unsigned publishers, unsigned hands, std::uint32_t keys, std::size_t capacity, std::uint64_t events) {
  std::vector<key_state> state(keys);
  figures n;
  peal_test::bus_fixture<item, made> bus{
      {.workers = 4, .capacity = capacity, .max_dead_letters = 64, .seed = peal_test::seed()}};
  auto counter = bus.subscribe<made>("counter", [&](const made&) { n.outputs.fetch_add(1); });
  auto s = bus.subscribe<item>(
      "keyed",
      [&](const item& i, const peal::delivery& d) -> made {
        key_state& k = state[i.key];
        n.runs.fetch_add(1, std::memory_order_relaxed);
        if (k.inside.fetch_add(1) != 0) n.overlaps.fetch_add(1);
        if (k.done.load() + 1 != i.seq) n.inversions.fetch_add(1);
        const std::uint64_t fate = mix(i.key, i.seq);
        const bool fails = fate % 16 < 2 && d.attempt() <= 1 + fate % 3 && !d.redriven();
        if (fate % 64 == 7) std::this_thread::yield();
        if (!fails) k.done.store(i.seq);
        k.inside.fetch_sub(1);
        if (fails) {
          n.failures.fetch_add(1, std::memory_order_relaxed);
          throw std::runtime_error("now and then");
        }
        return {i.key};
      },
      peal::ordered_by{&item::key, {.per_key = 64, .total = 1024}}, peal::concurrency{hands},
      peal::otherwise(peal::backoff{.attempts = 2, .first = 50us, .cap = 200us}));

  std::atomic<bool> over{false};
  const std::atomic<std::uint64_t>& progress = n.runs;
  const peal_test::watchdog dog{"bus_keyed", &progress};
  std::thread redriver{[&] {
    while (!over.load()) {
      (void)bus->redrive<item>();
      std::this_thread::yield();
    }
  }};
  std::vector<std::thread> threads;
  for (unsigned p = 0; p != publishers; ++p) {
    threads.emplace_back([&, p] {
      std::vector<std::uint32_t> seq(keys);
      std::mt19937_64 random{peal_test::seed() + p};
      for (std::uint64_t i = 0; i != events / publishers; ++i) {
        const auto key = static_cast<std::uint32_t>(random() % (keys / publishers)) * publishers + p;
        bus->publish(item{key, ++seq[key]});
      }
    });
  }
  for (std::thread& t : threads) t.join();
  const std::uint64_t offered = events / publishers * publishers;
  while (s.statistics().handled != offered) std::this_thread::yield();
  over = true;
  redriver.join();
  CHECK(bus->settle());
  const auto st = s.statistics();
  std::printf(
      "P %u hands %u keys %u capacity %zu: offered %llu accepted %llu delivered %llu lost %lld runs %llu failures "
      "%llu redriven %llu inversions %llu overlaps %llu outputs %llu\n",
      publishers, hands, keys, capacity, static_cast<unsigned long long>(offered),
      static_cast<unsigned long long>(st.accepted), static_cast<unsigned long long>(st.handled),
      static_cast<long long>(st.accepted - st.handled), static_cast<unsigned long long>(n.runs.load()),
      static_cast<unsigned long long>(n.failures.load()), static_cast<unsigned long long>(st.redriven),
      static_cast<unsigned long long>(n.inversions.load()), static_cast<unsigned long long>(n.overlaps.load()),
      static_cast<unsigned long long>(n.outputs.load()));
  CHECK(n.inversions == 0);
  CHECK(n.overlaps == 0);
  CHECK(st.handled == offered);
  CHECK(n.outputs == offered);
}

}  // namespace

TEST_CASE("concurrency: keys over several hands keep their order and lose nothing", "[stress][bus][P2][P22][P23]") {
  const std::uint64_t events = peal_test::scaled(peal_test::repeat(60'000, 10));
  for (const unsigned hands : {1U, 2U, 8U}) {
    keyed(1, hands, 4, 64, events);
    keyed(2, hands, 1000, 1024, events);
    keyed(4, hands, 64, 8, events);
  }
}

TEST_CASE("concurrency: stops race with hands", "[stress][bus][P8][P23]") {
  const std::uint64_t rounds = peal_test::scaled(peal_test::repeat(3'000, 10));
  std::atomic<std::uint64_t> round{0};
  const peal_test::watchdog dog{"stops race with hands", &round};
  std::uint64_t handled = 0, stopped = 0;
  peal_test::bus_fixture<item> bus{{.workers = 3, .capacity = 64, .seed = peal_test::seed()}};
  for (; round != rounds; ++round) {
    const auto alive = std::make_shared<std::atomic<int>>(0);
    auto s = bus.subscribe<item>(
        "s",
        [alive](const item& i) {
          alive->fetch_add(1);
          if (i.seq % 5 == 0) std::this_thread::yield();
          alive->fetch_sub(1);
        },
        peal::ordered_by{&item::key}, peal::concurrency{4});
    const auto meter = s.counters();
    const auto count = static_cast<std::uint32_t>(1 + mix(round, 1) % 40);
    for (std::uint32_t i = 1; i <= count; ++i) bus->publish(item{i % 3, i});
    for (std::uint64_t spin = mix(round, 2) % 40'000; spin != 0; --spin) alive->load();
    s.stop();
    CHECK(alive.use_count() == 1);
    CHECK(alive->load() == 0);
    handled += meter.statistics().handled;
    stopped += meter.statistics().stopped;
  }
  std::printf("rounds %llu handled %llu stopped %llu\n", static_cast<unsigned long long>(rounds),
              static_cast<unsigned long long>(handled), static_cast<unsigned long long>(stopped));
}
