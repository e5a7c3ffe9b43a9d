// SPDX-License-Identifier: MIT
// Cursors that join and leave: where they start, what they hold back, and the ring without any.
#include <peal/ring/multicast_core.hpp>
#include <peal/ring/multicast_ring.hpp>

#include "ring/ring_support.hpp"
#include "support/catch.hpp"

using peal::claim_status;
using peal::multicast_core;
using peal::position;
using ring_test::watchdog;

namespace {

using core = multicast_core<std::uint64_t>;

bool put(core& r, std::uint64_t value) {
  const auto c = r.try_claim();
  if (c.status != claim_status::claimed) return false;
  *r.storage(c.first) = value;
  r.publish(c.first);
  return true;
}

}  // namespace

TEST_CASE("cursors: without a cursor the ring never fills", "[ring][cursors]") {
  for (const position first : ring_test::firsts) {
    core r{{.capacity = 4, .first = first}};
    CHECK(r.present() == 0);
    for (std::uint64_t i = 0; i < 50; ++i) REQUIRE(put(r, i));
    CHECK(r.claim_position() == peal::advance(first, 50));
  }
}

TEST_CASE("cursors: without a cursor nothing passes a position that is not published", "[ring][cursors]") {
  core r{{.capacity = 4, .first = peal::position_mask - 1}};
  const auto open = r.try_claim();
  REQUIRE(open.status == claim_status::claimed);
  for (std::uint64_t i = 0; i < 3; ++i) REQUIRE(put(r, i));
  CHECK_FALSE(put(r, 3));
  CHECK(r.gate() == open.first);
  CHECK(r.has_room());  // nobody would wake a sleeper: the publication is one move away
  r.publish(open.first);
  CHECK(put(r, 3));
  CHECK(put(r, 4));
}

TEST_CASE("cursors: a joiner starts at the next claim", "[ring][cursors][P1]") {
  for (const bool single : {false, true}) {
    core r{{.capacity = 4, .first = peal::position_mask - 3, .single_producer = single}};
    for (std::uint64_t i = 0; i < 6; ++i) REQUIRE(put(r, i));
    const auto c = r.join();
    REQUIRE(c);
    CHECK(r.start(*c) == 2);
    CHECK(r.cursor(*c) == 2);
    CHECK(r.present() == 1);
    CHECK_FALSE(r.has_next(*c));
    for (std::uint64_t i = 6; i < 10; ++i) REQUIRE(put(r, i));
    CHECK_FALSE(put(r, 10));
    CHECK(*r.payload(2) == 6);
  }
}

TEST_CASE("cursors: the table is as large as it was made, and places are used again", "[ring][cursors]") {
  core r{{.capacity = 4, .max_cursors = 3}};
  const auto a = r.join();
  const auto b = r.join();
  const auto c = r.join_dropping();
  CHECK_FALSE(r.join());
  CHECK_FALSE(r.join_dropping());
  CHECK(r.present() == 3);
  r.leave(*b);
  CHECK(r.present() == 2);
  const auto again = r.join();
  REQUIRE(again);
  CHECK(*again == *b);
  CHECK_FALSE(r.join());
  r.leave(*a);
  r.leave(*c);
  r.leave(*again);
  CHECK(r.present() == 0);
}

TEST_CASE("cursors: leaving frees what was held back", "[ring][cursors]") {
  core r{{.capacity = 4}};
  const auto reader = r.join();
  const auto sleeper = r.join();
  for (std::uint64_t i = 0; i < 4; ++i) REQUIRE(put(r, i));
  r.advance(*reader, 3);
  CHECK_FALSE(r.has_room());
  CHECK(r.leave(*sleeper).at == 0);
  CHECK(r.has_room(3));
  CHECK_FALSE(r.has_room(4));
  for (std::uint64_t i = 4; i < 7; ++i) REQUIRE(put(r, i));
  CHECK_FALSE(put(r, 7));
}

TEST_CASE("cursors: the set passes through empty and nothing is overwritten or lost", "[ring][cursors][P1]") {
  core r{{.capacity = 4, .first = peal::position_mask - 20}};
  std::uint64_t next = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < round % 7; ++i) REQUIRE(put(r, next++));
    const auto c = r.join();
    const std::uint64_t heard_from = next;
    for (int i = 0; i < 4; ++i) REQUIRE(put(r, next++));
    CHECK_FALSE(put(r, next));
    std::uint64_t expected = heard_from;
    const position end = r.available(*c, 3);
    for (position p = r.cursor(*c); p != end; p = peal::advance(p, 1)) REQUIRE(*r.payload(p) == expected++);
    REQUIRE(expected == heard_from + 3);
    r.advance(*c, end);
    r.leave(*c);
  }
}

TEST_CASE("cursors: a joiner waits for claims below its start to be published", "[ring][cursors]") {
  const auto mode = RING_BOTH_MODES;
  watchdog guard{"join beside an open claim"};
  core r{{.capacity = 4, .mode = mode}};
  const auto open = r.try_claim();
  REQUIRE(put(r, 1));
  std::atomic<bool> joined{false};
  position start = 99;
  std::thread joiner{[&] {
    const auto c = r.join();
    start = r.start(*c);
    joined.store(true);
  }};
  while (r.present() == 0) std::this_thread::yield();
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  CHECK_FALSE(joined.load());
  r.publish(open.first);
  joiner.join();
  CHECK(start == 2);
  CHECK(r.available(0, 9) == 2);
}

TEST_CASE("cursors: every joiner hears everything from its start on, and leaves while others publish",
          "[ring][cursors][P1]") {
  const auto mode = RING_BOTH_MODES;
  const bool single = GENERATE(false, true);
  watchdog guard{"joins and leaves while publishing"};
  core r{
      {.capacity = 8, .max_cursors = 4, .first = peal::position_mask - 500, .single_producer = single, .mode = mode}};
  constexpr int publishers = 2;
  constexpr std::uint64_t each = 3'000;
  const int publishing = single ? 1 : publishers;
  std::atomic<int> left{publishing};
  std::atomic<std::uint64_t> wrong{0};
  std::atomic<std::uint64_t> read{0};
  ring_test::crowd threads;
  for (int t = 0; t < publishing; ++t) {
    threads.add([&] {
      for (std::uint64_t i = 0; i < each;) {
        const auto c = r.try_claim(1 + i % 3);
        if (c.status == claim_status::full) {
          std::this_thread::yield();
          continue;
        }
        for (std::uint64_t k = 0; k <= i % 3; ++k) *r.storage(peal::advance(c.first, k)) = peal::advance(c.first, k);
        r.publish_range(c.first, 1 + i % 3);
        ++i;
      }
      left.fetch_sub(1);
    });
  }
  for (int t = 0; t < 3; ++t) {
    threads.add([&, t] {
      ring_test::random_numbers random{static_cast<std::uint64_t>(t)};
      while (left.load() > 0) {
        const auto c = r.join();
        position p = r.start(*c);
        for (std::uint64_t n = random.below(60); n > 0 && left.load() > 0; --n) {
          const position end = r.available(*c, 1 + random.below(8));
          for (; p != end; p = peal::advance(p, 1)) {
            if (*r.payload(p) != p) wrong.fetch_add(1);
            read.fetch_add(1);
          }
          if (end == r.cursor(*c)) {
            std::this_thread::yield();
          } else {
            r.advance(*c, end);
          }
        }
        r.leave(*c);
      }
    });
  }
  threads.join();
  CHECK(wrong.load() == 0);
  CHECK(r.present() == 0);
  CHECK(r.try_claim(8).status == claim_status::claimed);
}
