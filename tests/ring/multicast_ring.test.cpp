// SPDX-License-Identifier: MIT
// The multicast ring as it is used by itself: values, waiting, timed and bulk forms, cursors, closing.
#include <peal/ring/multicast_ring.hpp>

#include "ring/ring_support.hpp"
#include "support/catch.hpp"

#include <sys/resource.h>

#include <memory>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using peal::barrier_mode;
using peal::claim_status;
using peal::multicast_ring;
using ring_test::watchdog;

TEST_CASE("multicast_ring: every cursor reads every event in one order", "[ring][multicast][P1][P2]") {
  multicast_ring<std::string> r{{.capacity = 8}};
  auto a = r.subscribe();
  CHECK(r.publish("one"));
  auto b = r.subscribe();
  CHECK(r.publish("two"));
  CHECK(r.try_publish("three") == claim_status::claimed);
  std::string heard;
  const auto listen = [&heard](const std::string& s) { heard += s + ' '; };
  CHECK(a.try_consume(listen) == 3);
  CHECK(heard == "one two three ");
  heard.clear();
  CHECK(b.try_consume(listen, 1) == 1);
  CHECK(b.try_consume(listen, 0) == 0);
  CHECK(b.consume(listen) == 1);
  CHECK(heard == "two three ");
  CHECK(b.try_consume(listen) == 0);
  CHECK_FALSE(b.at_end());
}

TEST_CASE("multicast_ring: an event that is an integer is not taken for a position", "[ring][multicast]") {
  multicast_ring<std::uint64_t> r{{.capacity = 4}};
  auto c = r.subscribe();
  const std::uint64_t three = 3;
  CHECK(r.publish(std::uint64_t{2}));
  CHECK(r.publish(three));
  CHECK(r.claim_position() == 2);
  std::uint64_t sum = 0;
  CHECK(c.consume([&](std::uint64_t v) { sum = sum * 10 + v; }) == 2);
  CHECK(sum == 23);
}

TEST_CASE("multicast_ring: a publish that is refused keeps the value", "[ring][multicast]") {
  multicast_ring<std::unique_ptr<int>> r{{.capacity = 2}};
  auto c = r.subscribe();
  CHECK(r.publish(std::make_unique<int>(1)));
  CHECK(r.publish(std::make_unique<int>(2)));
  auto three = std::make_unique<int>(3);
  CHECK(r.try_publish(std::move(three)) == claim_status::full);
  REQUIRE(three);
  CHECK(r.publish_for(std::move(three), 2ms) == claim_status::full);
  REQUIRE(three);
  std::unique_ptr<int> range[3] = {};
  range[0] = std::move(three);
  CHECK(r.try_publish_range(std::span{range, 1}) == claim_status::full);
  CHECK(r.try_publish_range(std::span{range}) == claim_status::full);
  r.close(claim_status::closing);
  CHECK(r.try_publish(std::move(range[0])) == claim_status::closing);
  r.close();
  CHECK(r.try_publish(std::move(range[0])) == claim_status::closed);
  CHECK(r.publish_for(std::move(range[0]), 1h) == claim_status::closed);
  CHECK_FALSE(r.publish(std::move(range[0])));
  CHECK(r.publish_range(std::span{range}) == 0);
  REQUIRE(range[0]);
  CHECK(*range[0] == 3);
}

TEST_CASE("multicast_ring: a copy that throws leaves no hole", "[ring][multicast]") {
  struct fragile {
    explicit fragile(int v) : value{v} {}
    fragile(const fragile& o) : value{o.value} {
      if (value % 3 == 0) throw std::runtime_error{"no copy"};
    }
    fragile(fragile&&) noexcept = default;
    int value;
  };
  multicast_ring<fragile> r{{.capacity = 16}};
  auto c = r.subscribe();
  int thrown = 0;
  for (int i = 0; i < 9; ++i) {
    const fragile f{i};
    try {
      if (i % 2 == 0) {
        (void)r.publish(f);
      } else {
        (void)r.try_publish(f);
      }
    } catch (const std::runtime_error&) {
      ++thrown;
    }
  }
  CHECK(thrown == 3);
  int sum = 0;
  CHECK(c.try_consume([&](const fragile& f) { sum = sum * 10 + f.value; }) == 6);
  CHECK(sum == 124578);
}

TEST_CASE("multicast_ring: a reader that throws has read that event and no other", "[ring][multicast][P5]") {
  multicast_ring<int> r{{.capacity = 16}};
  auto c = r.subscribe();
  for (int i = 0; i < 10; ++i) CHECK(r.publish(i));
  int seen = 0;
  int thrown = 0;
  while (seen < 10) {
    try {
      c.try_consume([&](int i) {
        CHECK(i == seen);
        ++seen;
        if (i == 3) throw std::runtime_error{"third"};
      });
    } catch (const std::runtime_error&) {
      ++thrown;
    }
  }
  CHECK(thrown == 1);
  CHECK(c.at() == 10);
}

TEST_CASE("multicast_ring: ranges stand in a row, and are split above the capacity", "[ring][multicast]") {
  const auto mode = RING_BOTH_MODES;
  watchdog guard{"a range larger than the ring"};
  for (const peal::position first : ring_test::firsts) {
    multicast_ring<int> r{{.capacity = 4, .first = first, .mode = mode}};
    auto c = r.subscribe();
    std::vector<int> values(101);
    for (int i = 0; i < 101; ++i) values[static_cast<std::size_t>(i)] = i;
    CHECK(r.try_publish_range(values.begin(), 5) == claim_status::full);
    CHECK(r.try_publish_range(values.begin(), 0) == claim_status::claimed);
    CHECK(r.try_publish_range(values.begin(), 4) == claim_status::claimed);
    CHECK(r.try_publish_range(values.begin(), 1) == claim_status::full);
    CHECK(c.try_consume([](int) {}) == 4);
    std::size_t published = 0;
    std::thread publisher{[&] { published = r.publish_range(values.begin(), values.size()); }};
    int next = 0;
    int wrong = 0;
    while (next < 101) c.consume([&](int i) { wrong += i != next++; }, 3);
    publisher.join();
    CHECK(wrong == 0);
    CHECK(published == values.size());
  }
}

TEST_CASE("multicast_ring: a range that is cut off by closing says how far it came", "[ring][multicast]") {
  watchdog guard{"a range and a close"};
  multicast_ring<int> r{{.capacity = 4, .spin = {.pauses = 0, .yields = 0}}};
  auto c = r.subscribe();
  std::vector<int> values(50, 7);
  std::size_t published = 0;
  std::thread publisher{[&] { published = r.publish_range(std::span{values}); }};
  while (!r.room().has_waiters(peal::side::rare)) std::this_thread::yield();
  r.close();
  publisher.join();
  CHECK(published == 4);
  CHECK(c.consume([](int) {}) == 4);
  CHECK(c.at_end());
}

TEST_CASE("multicast_ring: a cursor may be moved, given back, and refused", "[ring][multicast]") {
  multicast_ring<int> r{{.capacity = 2, .max_cursors = 1}};
  auto a = r.subscribe();
  CHECK(a);
  CHECK_FALSE(r.subscribe());
  auto b = std::move(a);
  CHECK_FALSE(a);  // NOLINT(bugprone-use-after-move): a moved-from cursor stands nowhere
  CHECK(b);
  CHECK(b.start() == 0);
  b.leave();
  b.leave();
  CHECK_FALSE(b);
  auto c = r.subscribe();
  CHECK(c);
  c = peal::ring_cursor<int>{};
  CHECK(r.present() == 0);
  {
    auto d = r.subscribe();
    CHECK(r.present() == 1);
  }
  CHECK(r.present() == 0);
}

TEST_CASE("multicast_ring: a timed consume ends by itself, and at the end of the stream", "[ring][multicast]") {
  multicast_ring<int> r{{.capacity = 2}};
  auto c = r.subscribe();
  CHECK(c.consume_for(2ms, [](int) {}) == 0);
  CHECK(c.consume_for(-1s, [](int) {}) == 0);
  CHECK(r.publish(1));
  r.close();
  CHECK_FALSE(c.at_end());
  CHECK(c.consume_for(1h, [](int) {}) == 1);
  CHECK(c.at_end());
  CHECK(c.consume_for(1h, [](int) {}) == 0);
  CHECK(c.consume([](int) {}) == 0);
}

TEST_CASE("multicast_ring: close releases waiting publishers and readers", "[ring][multicast][P11]") {
  const auto mode = RING_BOTH_MODES;
  watchdog guard{"close of a multicast_ring"};
  const peal::multicast_options options{.capacity = 2, .mode = mode, .spin = {.pauses = 0, .yields = 0}};
  multicast_ring<int> full{options};
  multicast_ring<int> empty{options};
  auto c = full.subscribe();
  CHECK(full.publish(1));
  CHECK(full.publish(2));
  std::atomic<int> released{0};
  ring_test::crowd waiting;
  std::vector<peal::ring_cursor<int>> readers;
  for (int i = 0; i < 3; ++i) readers.push_back(empty.subscribe());
  for (auto& reader : readers) {
    waiting.add([&] { released.fetch_add(reader.consume([](int) {}) == 0); });
    waiting.add([&] { released.fetch_add(!full.publish(3)); });
  }
  waiting.start();
  while (!full.room().has_waiters(peal::side::rare)) std::this_thread::yield();
  full.close();
  empty.close();
  waiting.join();
  CHECK(released.load() == 6);
  readers.clear();
}

TEST_CASE("multicast_ring: publishers and readers that sleep for each other lose nothing",
          "[ring][multicast][P1][P13]") {
  const auto mode = RING_BOTH_MODES;
  const bool single = GENERATE(false, true);
  const std::size_t capacity = GENERATE(2u, 16u);
  watchdog guard{"sleeping publishers and readers"};
  const int publishers = single ? 1 : 2;
  constexpr int each = 5'000;
  multicast_ring<int> r{{.capacity = capacity,
                         .first = peal::position_mask - 2'000,
                         .single_producer = single,
                         .mode = mode,
                         .spin = {.pauses = 2, .yields = 0}}};
  std::atomic<int> wrong{0};
  std::atomic<int> delivered{0};
  ring_test::crowd readers;
  std::vector<peal::ring_cursor<int>> cursors;
  for (int i = 0; i < 2; ++i) cursors.push_back(r.subscribe());
  for (auto& c : cursors) {
    readers.add([&] {
      int last[2] = {-1, -1};
      const auto check = [&](int v) {
        int& l = last[v / each];
        wrong.fetch_add(v % each != l + 1, std::memory_order_relaxed);
        l = v % each;
        delivered.fetch_add(1, std::memory_order_relaxed);
      };
      while (c.consume(check, 5) != 0) {
      }
    });
  }
  ring_test::crowd publishing;
  for (int p = 0; p < publishers; ++p) {
    publishing.add([&r, p] {
      for (int i = 0; i < each; ++i) (void)r.publish(p * each + i);
    });
  }
  readers.start();
  publishing.join();
  r.close();
  readers.join();
  CHECK(wrong.load() == 0);
  CHECK(delivered.load() == publishers * each * 2);
  CHECK_FALSE(r.room().has_waiters());
  CHECK_FALSE(r.items().has_waiters());
  cursors.clear();
}

TEST_CASE("multicast_ring: an idle reader uses no CPU", "[ring][multicast][P13]") {
  const auto mode = RING_BOTH_MODES;
  watchdog guard{"idle reader"};
  multicast_ring<int> r{{.capacity = 4, .mode = mode}};
  auto c = r.subscribe();
  ::rusage before{};
  ::rusage after{};
  std::thread reader{[&] {
    ::getrusage(RUSAGE_THREAD, &before);
    c.consume([](int) {});
    ::getrusage(RUSAGE_THREAD, &after);
  }};
  while (!r.items().has_waiters(peal::side::rare)) std::this_thread::yield();
  peal::event_count<> clock;
  CHECK_FALSE(clock.wait_for(300ms, [] { return false; }));
  CHECK(r.publish(1));
  reader.join();
  CHECK(after.ru_nvcsw - before.ru_nvcsw <= 8);  // the yields and one sleep
  const auto microseconds = [](const ::timeval& t) { return static_cast<long>(t.tv_sec) * 1'000'000 + t.tv_usec; };
  CHECK(microseconds(after.ru_utime) + microseconds(after.ru_stime) - microseconds(before.ru_utime) -
            microseconds(before.ru_stime) <
        20'000);
}
