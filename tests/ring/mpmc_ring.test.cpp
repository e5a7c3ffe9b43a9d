// SPDX-License-Identifier: MIT
// The bounded queue: each element once, first in first out, refused values kept, closing and waiting.
#include <peal/ring/mpmc_ring.hpp>

#include "ring/ring_support.hpp"
#include "support/catch.hpp"

#include <memory>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using peal::mpmc_ring;
using ring_test::counted;
using ring_test::watchdog;

TEST_CASE("mpmc_ring: the capacity is rounded up to a power of two, at least two", "[ring][mpmc]") {
  CHECK(mpmc_ring<int>{0}.capacity() == 2);
  CHECK(mpmc_ring<int>{2}.capacity() == 2);
  CHECK(mpmc_ring<int>{3}.capacity() == 4);
  CHECK(mpmc_ring<int>{64}.capacity() == 64);
  CHECK_THROWS_AS(mpmc_ring<int>{std::size_t{1} << 60}, std::bad_array_new_length);
  CHECK(mpmc_ring<int>{64}.footprint() >= 64 * (sizeof(int) + 8));
}

TEST_CASE("mpmc_ring: elements come out in the order they went in, past the end of the word", "[ring][mpmc]") {
  for (const peal::position first : ring_test::firsts) {
    for (const std::size_t capacity : {2u, 4u, 64u}) {
      mpmc_ring<int> q{capacity, {.first = first}};
      int in = 0;
      int out = 0;
      for (int lap = 0; lap < 40; ++lap) {
        while (q.try_push(int{in})) ++in;
        CHECK(q.size_approx() == capacity);
        CHECK_FALSE(q.empty());
        for (std::size_t k = 0; k < capacity; ++k) {
          int x = -1;
          REQUIRE(q.try_pop(x));
          REQUIRE(x == out++);
        }
        int x = -1;
        REQUIRE_FALSE(q.try_pop(x));
        CHECK(x == -1);
        CHECK(q.empty());
      }
      CHECK(in == out);
      CHECK(in == static_cast<int>(40 * capacity));
    }
  }
}

TEST_CASE("mpmc_ring: a full or closed queue leaves the value as it was", "[ring][mpmc]") {
  mpmc_ring<std::unique_ptr<int>> q{2};
  REQUIRE(q.try_push(std::make_unique<int>(1)));
  REQUIRE(q.try_push(std::make_unique<int>(2)));
  auto three = std::make_unique<int>(3);
  CHECK_FALSE(q.try_push(std::move(three)));
  REQUIRE(three);
  CHECK_FALSE(q.push_for(std::move(three), 1ms));
  REQUIRE(three);
  q.close();
  CHECK(q.closed());
  CHECK_FALSE(q.push(std::move(three)));
  CHECK_FALSE(q.push_for(std::move(three), 1h));
  REQUIRE(three);
  CHECK(*three == 3);
}

TEST_CASE("mpmc_ring: a copy that throws leaves no hole", "[ring][mpmc]") {
  struct fragile {
    explicit fragile(int v) : value{v} {}
    fragile(const fragile& o) : value{o.value} {
      if (value == 3) throw std::runtime_error{"no copy"};
    }
    fragile(fragile&&) noexcept = default;
    fragile& operator=(fragile&&) noexcept = default;
    int value;
  };
  mpmc_ring<fragile> q{8};
  int thrown = 0;
  for (int i = 0; i < 6; ++i) {
    const fragile f{i};
    try {
      if (!q.try_push(f)) ++thrown;
    } catch (const std::runtime_error&) {
      ++thrown;
    }
  }
  CHECK(thrown == 1);
  for (const int expected : {0, 1, 2, 4, 5}) {
    const auto f = q.try_pop();
    REQUIRE(f);
    CHECK(f->value == expected);
  }
  CHECK(q.empty());
}

TEST_CASE("mpmc_ring: closing lets out what is in, and then ends", "[ring][mpmc]") {
  mpmc_ring<int> q{4};
  CHECK(q.push(1));
  CHECK(q.push(2));
  q.close();
  q.close();
  CHECK_FALSE(q.try_push(3));
  CHECK_FALSE(q.drained());
  int x = 0;
  CHECK(q.pop(x));
  CHECK(x == 1);
  CHECK(q.pop().value() == 2);
  CHECK(q.drained());
  CHECK_FALSE(q.pop(x));
  CHECK_FALSE(q.pop().has_value());
  CHECK_FALSE(q.pop_for(1h).has_value());
}

TEST_CASE("mpmc_ring: a timed pop of an empty queue ends by itself", "[ring][mpmc]") {
  mpmc_ring<int> q{4};
  CHECK_FALSE(q.pop_for(2ms).has_value());
  CHECK_FALSE(q.pop_for(-1s).has_value());
  CHECK(q.push_for(7, 0s));
  CHECK(q.pop_for(0s).value() == 7);
}

TEST_CASE("mpmc_ring: the destructor destroys leftovers once", "[ring][mpmc]") {
  for (const peal::position first : ring_test::firsts) {
    counted::reset();
    {
      mpmc_ring<counted> q{8, {.first = first}};
      for (int i = 0; i < 11; ++i) {
        CHECK(q.try_push(counted{i}));
        if (i % 2 == 0) CHECK(q.try_pop().value().value() == i / 2);
      }
    }
    CHECK(counted::alive() == 0);
    CHECK(counted::ended() == 11);
    CHECK(counted::destroyed_twice() == 0);
  }
}

TEST_CASE("mpmc_ring: close wakes everybody who waits", "[ring][mpmc]") {
  const auto mode = RING_BOTH_MODES;
  watchdog guard{"close of an mpmc_ring"};
  const peal::mpmc_options options{.mode = mode, .spin = {.pauses = 0, .yields = 0}};
  mpmc_ring<int> empty{4, options};
  mpmc_ring<int> full{2, options};
  CHECK(full.push(1));
  CHECK(full.push(2));
  std::atomic<int> released{0};
  ring_test::crowd waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.add([&] {
      if (!empty.pop()) released.fetch_add(1);
    });
    waiting.add([&] {
      if (!full.push(3)) released.fetch_add(1);
    });
  }
  waiting.start();
  empty.close();
  full.close();
  waiting.join();
  CHECK(released.load() == 6);
}

TEST_CASE("mpmc_ring: the last element of a closed queue ends the wait of all", "[ring][mpmc]") {
  const auto mode = RING_BOTH_MODES;
  watchdog guard{"the end of an mpmc_ring"};
  for (int round = 0; round < 200; ++round) {
    mpmc_ring<int> q{4, {.mode = mode, .spin = {.pauses = 0, .yields = 0}}};
    std::atomic<int> got{0};
    ring_test::crowd threads;
    for (int i = 0; i < 3; ++i) {
      threads.add([&] {
        while (q.pop()) got.fetch_add(1);
      });
    }
    threads.add([&] {
      (void)q.push(1);
      (void)q.push(2);
      q.close();
    });
    threads.join();
    REQUIRE(got.load() == 2);
  }
}

TEST_CASE("mpmc_ring: every element goes to exactly one consumer", "[ring][mpmc]") {
  const auto mode = RING_BOTH_MODES;
  watchdog guard{"mpmc exchange"};
  constexpr int producers = 3;
  constexpr int each = 5'000;
  for (const std::size_t capacity : {2u, 64u}) {
    mpmc_ring<int> q{capacity, {.mode = mode, .first = peal::position_mask - 1000}};
    std::vector<std::atomic<int>> seen(producers * each);
    std::atomic<int> inversions{0};
    ring_test::crowd consumers;
    for (int c = 0; c < 3; ++c) {
      consumers.add([&] {
        int last[producers] = {-1, -1, -1};
        while (const auto x = q.pop()) {
          seen[static_cast<std::size_t>(*x)].fetch_add(1);
          int& l = last[*x / each];
          if (*x <= l) inversions.fetch_add(1);
          l = *x;
        }
      });
    }
    {
      ring_test::crowd pushing;
      for (int p = 0; p < producers; ++p) {
        pushing.add([&q, p] {
          for (int i = 0; i < each; ++i) (void)q.push(p * each + i);
        });
      }
      consumers.start();
      pushing.join();
    }
    q.close();
    consumers.join();
    int wrong = 0;
    for (const auto& n : seen) wrong += n.load() != 1;
    CHECK(wrong == 0);
    CHECK(inversions.load() == 0);
  }
}
