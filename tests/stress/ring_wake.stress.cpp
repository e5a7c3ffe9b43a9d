// SPDX-License-Identifier: MIT
// A million times asleep and awake, in both modes together: a lost wake-up hangs and the watchdog ends the process.
#include <peal/ring/mpmc_ring.hpp>
#include <peal/ring/multicast_ring.hpp>

#include <sys/resource.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "ring/ring_support.hpp"
#include "support/catch.hpp"
#include "support/stress_options.hpp"

namespace {

using peal::barrier;
using peal::barrier_mode;
using ring_test::watchdog;

constexpr peal::spin_limit none{.pauses = 0, .stride = 1, .yields = 0, .gather = 0};
constexpr std::array modes{barrier_mode::sequential, barrier_mode::asymmetric};

/// How often the process has gone to sleep of its own will.
std::uint64_t sleeps() {
  ::rusage r{};
  ::getrusage(RUSAGE_SELF, &r);
  return static_cast<std::uint64_t>(r.ru_nvcsw);
}

void say(const char* what, barrier_mode mode, std::uint64_t handed_over, std::uint64_t slept) {
  std::printf("%s, %s: %llu handed over, %llu sleeps, none lost\n", what, ring_test::name_of(mode),
              static_cast<unsigned long long>(handed_over), static_cast<unsigned long long>(slept));
}

}  // namespace

TEST_CASE("ring stress: two threads take turns asleep", "[ring][stress][event_count][P13]") {
  for (const barrier_mode mode : modes) {
    const watchdog guard{"turns", std::chrono::seconds{140}};
    const std::uint64_t turns = peal_test::scaled(500'000);
    const std::uint64_t before = sleeps();
    const barrier<> order{mode};
    peal::event_count<> changed{order, none};
    std::atomic<std::uint64_t> turn{0};
    const auto play = [&](std::uint64_t parity) {
      for (std::uint64_t t = parity; t < turns; t += 2) {
        changed.wait([&] { return order.recheck(turn) == t; });
        order.publish(turn, t + 1);
        changed.notify_one();
      }
    };
    std::thread other{play, 1};
    play(0);
    other.join();
    CHECK(turn.load() == turns);
    say("turns", mode, turns, sleeps() - before);
  }
}

TEST_CASE("ring stress: publishers and readers of a ring of two sleep for each other", "[ring][stress][P13]") {
  for (const barrier_mode mode : modes) {
    const watchdog guard{"a ring of two", std::chrono::seconds{140}};
    const std::uint64_t each = peal_test::scaled(60'000);
    const std::uint64_t before = sleeps();
    peal::multicast_ring<std::uint64_t> r{
        {.capacity = 2, .first = peal::position_mask - each, .mode = mode, .spin = none}};
    std::atomic<std::uint64_t> delivered{0};
    std::vector<peal::ring_cursor<std::uint64_t>> cursors;
    for (int i = 0; i < 2; ++i) cursors.push_back(r.subscribe());
    ring_test::crowd readers;
    for (auto& c : cursors) {
      readers.add([&] {
        while (const std::size_t n = c.consume([](std::uint64_t) {}, 1)) delivered.fetch_add(n);
      });
    }
    readers.start();
    ring_test::crowd publishers;
    for (int p = 0; p < 2; ++p) {
      publishers.add([&] {
        for (std::uint64_t i = 0; i < each; ++i) r.publish(i);
      });
    }
    publishers.join();
    r.close();
    readers.join();
    CHECK(delivered.load() == 4 * each);
    say("a ring of two", mode, delivered.load(), sleeps() - before);
  }
}

TEST_CASE("ring stress: producers and consumers of a queue of two sleep for each other", "[ring][stress][mpmc][P13]") {
  for (const barrier_mode mode : modes) {
    const watchdog guard{"a queue of two", std::chrono::seconds{140}};
    const std::uint64_t each = peal_test::scaled(60'000);
    const std::uint64_t before = sleeps();
    peal::mpmc_ring<std::uint64_t> q{2, {.mode = mode, .first = peal::position_mask - each, .spin = none}};
    std::atomic<std::uint64_t> count{0};
    std::atomic<std::uint64_t> sum{0};
    ring_test::crowd consumers;
    for (int c = 0; c < 3; ++c) {
      consumers.add([&] {
        while (const auto x = q.pop()) {
          count.fetch_add(1, std::memory_order_relaxed);
          sum.fetch_add(*x, std::memory_order_relaxed);
        }
      });
    }
    consumers.start();
    ring_test::crowd producers;
    for (std::uint64_t p = 0; p < 3; ++p) {
      producers.add([&, p] {
        for (std::uint64_t i = 0; i < each; ++i) q.push(3 * i + p);
      });
    }
    producers.join();
    q.close();
    consumers.join();
    CHECK(count.load() == 3 * each);
    CHECK(sum.load() == 3 * each * (3 * each - 1) / 2);
    say("a queue of two", mode, count.load(), sleeps() - before);
  }
}

TEST_CASE("ring stress: closing races sleeping publishers and readers", "[ring][stress][P11]") {
  const watchdog guard{"closing races", std::chrono::seconds{200}};
  const std::uint64_t rounds = peal_test::scaled(2'000);
  std::uint64_t wrong = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    peal::multicast_ring<std::uint64_t> r{
        {.capacity = 2, .single_producer = round % 4 == 3, .mode = modes[round % 2], .spin = none}};
    auto c = r.subscribe();
    std::uint64_t read = 0;
    std::atomic<std::uint64_t> accepted{0};
    ring_test::crowd threads;
    for (int p = 0; p < (round % 4 == 3 ? 1 : 2); ++p) {
      threads.add([&] {
        while (r.publish(std::uint64_t{1})) accepted.fetch_add(1);
      });
    }
    threads.add([&] {
      while (const std::size_t n = c.consume([](std::uint64_t) {})) {
        read += n;
        if (read > round % 50) r.close();
      }
    });
    threads.join();
    wrong += read != accepted.load();
    c.leave();
  }
  CHECK(wrong == 0);
  std::printf("closing races: %llu rounds, %llu with accepted and read unequal\n",
              static_cast<unsigned long long>(rounds), static_cast<unsigned long long>(wrong));
}
