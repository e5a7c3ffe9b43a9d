// SPDX-License-Identifier: MIT
// Claims, publications, the gate and closing, one step at a time.
#include <peal/ring/multicast_core.hpp>

#include "ring/ring_support.hpp"
#include "support/catch.hpp"

#include <array>
#include <type_traits>

using peal::caller;
using peal::claim_status;
using peal::multicast_core;
using peal::position;
using ring_test::firsts;

namespace {

using core = multicast_core<std::uint64_t>;

bool put(core& r, std::uint64_t value, caller who = caller::outsider) {
  const auto c = r.try_claim(1, who);
  if (c.status != claim_status::claimed) return false;
  *r.storage(c.first) = value;
  r.publish(c.first, static_cast<std::uint8_t>(value));
  return true;
}

}  // namespace

TEST_CASE("multicast_core: slots hold a word and the payload and nothing else", "[ring][multicast]") {
  CHECK(core{}.stride() == 16);
  STATIC_REQUIRE(core::payload_offset == 8);
  CHECK(multicast_core<std::array<std::uint64_t, 3>>{}.stride() == 32);
  CHECK(multicast_core<char>{}.stride() == 16);
  struct alignas(64) wide {
    int x;
  };
  STATIC_REQUIRE(multicast_core<wide>::payload_offset == 64);
  CHECK(multicast_core<wide>{}.stride() == 128);
  core r{{.capacity = 5}};
  CHECK(r.capacity() == 8);
  CHECK(r.mask() == 7);
  CHECK(core{{.capacity = 0}}.capacity() == 2);
  CHECK_THROWS_AS((core{{.capacity = std::size_t{1} << 60}}), std::bad_array_new_length);
  CHECK(reinterpret_cast<std::byte*>(r.storage(3)) == r.slots_base() + 3 * r.stride() + core::payload_offset);
  CHECK(r.footprint() >= 8 * r.stride() + 64 * 128);
}

TEST_CASE("multicast_core: a full ring refuses, claims nothing, and takes again what a cursor gives back",
          "[ring][multicast]") {
  const auto mode = RING_BOTH_MODES;
  for (const position first : firsts) {
    for (const std::size_t capacity : {2u, 4u, 64u}) {
      core r{{.capacity = capacity, .first = first, .mode = mode}};
      const auto c = r.join();
      REQUIRE(c);
      CHECK(r.start(*c) == first);
      std::uint64_t in = 0;
      std::uint64_t out = 0;
      for (int lap = 0; lap < 12; ++lap) {
        while (put(r, in)) ++in;
        REQUIRE(in - out == capacity);
        CHECK(r.try_claim().status == claim_status::full);
        CHECK_FALSE(r.has_room());
        CHECK(r.claim_position() == peal::advance(first, in));
        const std::size_t n = lap % 2 == 0 ? capacity : 1;
        const position end = r.available(*c, n);
        REQUIRE(peal::distance(end, r.cursor(*c)) == static_cast<std::int64_t>(n));
        for (position p = r.cursor(*c); p != end; p = peal::advance(p, 1)) {
          REQUIRE(*r.payload(p) == out);
          REQUIRE(r.tag(p) == static_cast<std::uint8_t>(out));
          ++out;
        }
        r.advance(*c, end);
        CHECK(r.has_room(n));
        CHECK_FALSE(r.has_room(n + 1));
      }
    }
  }
}

TEST_CASE("multicast_core: a cursor stops at the first position that is not published", "[ring][multicast]") {
  core r{{.capacity = 8, .first = peal::position_mask}};
  const auto c = r.join();
  const auto a = r.try_claim(2);
  const auto b = r.try_claim(3);
  REQUIRE(a.status == claim_status::claimed);
  REQUIRE(peal::distance(b.first, a.first) == 2);
  r.publish_range(b.first, 3);
  CHECK_FALSE(r.has_next(*c));
  CHECK_FALSE(r.recheck_next(*c));
  CHECK(r.available(*c, 8) == a.first);
  r.publish(peal::advance(a.first, 1), 0);
  CHECK(r.available(*c, 8) == a.first);
  r.publish(a.first, 0);
  CHECK(r.has_next(*c));
  CHECK(r.recheck_next(*c));
  CHECK(r.available(*c, 8) == peal::advance(a.first, 5));
  CHECK(r.available(*c, 4) == peal::advance(a.first, 4));
}

TEST_CASE("multicast_core: publishers wait for the slowest of several cursors", "[ring][multicast]") {
  core r{{.capacity = 4}};
  const auto fast = r.join();
  const auto slow = r.join();
  for (std::uint64_t i = 0; i < 4; ++i) REQUIRE(put(r, i));
  r.advance(*fast, 4);
  CHECK_FALSE(put(r, 4));
  r.advance(*slow, 1);
  CHECK(put(r, 4));
  CHECK_FALSE(put(r, 5));
  CHECK(r.gate() == 1);
  CHECK(r.destroyed() == 1);
}

TEST_CASE("multicast_core: a range of tags is shown whole", "[ring][multicast]") {
  core r{{.capacity = 4, .first = peal::position_mask - 1}};
  const auto c = r.join();
  const std::uint8_t tags[] = {3, 1, 4, 255};
  const auto a = r.try_claim(4);
  r.publish_range(a.first, 4, tags);
  CHECK(r.available(*c, 9) == 2);
  for (unsigned k = 0; k < 4; ++k) CHECK(r.tag(peal::advance(a.first, k)) == tags[k]);
  CHECK(r.try_claim(1).status == claim_status::full);
  r.advance(*c, 2);
  const auto b = r.try_claim(4);
  r.publish_range(b.first, 4, std::uint8_t{9});
  for (unsigned k = 0; k < 4; ++k) CHECK(r.tag(peal::advance(b.first, k)) == 9);
}

TEST_CASE("multicast_core: closing refuses outsiders, closed refuses all, neither is taken back",
          "[ring][multicast][P10]") {
  for (const bool single : {false, true}) {
    core r{{.capacity = 8, .single_producer = single}};
    const auto c = r.join();
    CHECK(put(r, 0));
    CHECK(r.state() == claim_status::claimed);
    CHECK(r.close(claim_status::closing));
    CHECK_FALSE(r.close(claim_status::closing));
    CHECK(r.state() == claim_status::closing);
    CHECK(r.try_claim(1, caller::outsider).status == claim_status::closing);
    CHECK(put(r, 1, caller::insider));
    CHECK_FALSE(r.ended(*c));
    CHECK(r.close());
    CHECK_FALSE(r.close(claim_status::closing));
    CHECK(r.state() == claim_status::closed);
    CHECK(r.try_claim(1, caller::outsider).status == claim_status::closed);
    CHECK(r.try_claim(1, caller::insider).status == claim_status::closed);
    CHECK(r.claim_position() == 2);
    CHECK_FALSE(r.ended(*c));
    r.advance(*c, r.available(*c, 1));
    CHECK_FALSE(r.ended(*c));
    r.advance(*c, r.available(*c, 1));
    CHECK(r.ended(*c));
  }
}

TEST_CASE("multicast_core: a full ring that is closed says closed", "[ring][multicast][P11]") {
  for (const bool single : {false, true}) {
    core r{{.capacity = 2, .single_producer = single}};
    const auto c = r.join();
    CHECK(put(r, 0));
    CHECK(put(r, 1));
    CHECK(r.try_claim().status == claim_status::full);
    r.close();
    CHECK(r.try_claim().status == claim_status::closed);
    CHECK(r.leave(*c).at == 0);
  }
}

TEST_CASE("multicast_core: the end names exactly the accepted positions, also those not published yet",
          "[ring][multicast]") {
  core r{{.capacity = 8}};
  const auto c = r.join();
  CHECK(put(r, 0));
  const auto open = r.try_claim();
  r.close();
  r.advance(*c, r.available(*c, 8));
  CHECK_FALSE(r.ended(*c));
  r.publish(open.first, 0);
  CHECK_FALSE(r.ended(*c));
  r.advance(*c, r.available(*c, 8));
  CHECK(r.ended(*c));
}

TEST_CASE("multicast_core: a single producer publishes and closes like many", "[ring][multicast][single]") {
  const auto mode = RING_BOTH_MODES;
  for (const position first : firsts) {
    core r{{.capacity = 4, .first = first, .single_producer = true, .mode = mode}};
    const auto c = r.join();
    std::uint64_t in = 0;
    std::uint64_t out = 0;
    for (int lap = 0; lap < 20; ++lap) {
      while (put(r, in)) ++in;
      REQUIRE(in - out == 4);
      CHECK(r.claim_position() == peal::advance(first, in));
      const position end = r.available(*c, 3);
      for (position p = r.cursor(*c); p != end; p = peal::advance(p, 1)) REQUIRE(*r.payload(p) == out++);
      r.advance(*c, end);
      const auto range = r.try_claim(2);
      REQUIRE(range.status == claim_status::claimed);
      *r.storage(range.first) = in++;
      *r.storage(peal::advance(range.first, 1)) = in++;
      r.publish_range(range.first, 2, std::uint8_t{1});
    }
  }
}

TEST_CASE("multicast_core: close waits for the claim that a single producer has open", "[ring][multicast][single]") {
  const auto mode = RING_BOTH_MODES;
  ring_test::watchdog guard{"close beside an open claim"};
  core r{{.capacity = 4, .single_producer = true, .mode = mode}};
  const auto c = r.join();
  const auto open = r.try_claim();
  REQUIRE(open.status == claim_status::claimed);
  std::atomic<bool> closed{false};
  std::thread closer{[&] {
    r.close();
    closed.store(true);
  }};
  while (r.state() != claim_status::closed) std::this_thread::yield();
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  CHECK_FALSE(closed.load());
  CHECK_FALSE(r.ended(*c));
  r.publish(open.first, 0);
  closer.join();
  CHECK(r.available(*c, 4) == 1);
  r.advance(*c, 1);
  CHECK(r.ended(*c));
  CHECK(r.try_claim().status == claim_status::closed);
  CHECK(r.claim_position() == 1);
}

TEST_CASE("multicast_core: what a single producer got accepted is exactly what is read, whenever it is closed",
          "[ring][multicast][single]") {
  const auto mode = RING_BOTH_MODES;
  ring_test::watchdog guard{"single producer against close"};
  for (int round = 0; round < 300; ++round) {
    core r{{.capacity = 4, .first = peal::position_mask - 5, .single_producer = true, .mode = mode}};
    const auto c = r.join();
    std::uint64_t accepted = 0;
    std::uint64_t read = 0;
    std::uint64_t wrong = 0;
    ring_test::crowd threads;
    threads.add([&] {
      for (;;) {
        const auto claim = r.try_claim();
        if (claim.status == claim_status::closed) return;
        if (claim.status == claim_status::full) {
          std::this_thread::yield();
          continue;
        }
        *r.storage(claim.first) = accepted++;
        r.publish(claim.first, 0);
      }
    });
    threads.add([&] {
      while (!r.ended(*c)) {
        const position end = r.available(*c, 3);
        if (end == r.cursor(*c)) std::this_thread::yield();
        for (position p = r.cursor(*c); p != end; p = peal::advance(p, 1)) wrong += *r.payload(p) != read++;
        r.advance(*c, end);
        if (read >= 200u + static_cast<unsigned>(round)) r.close();
      }
    });
    threads.join();
    REQUIRE(wrong == 0);
    REQUIRE(read == accepted);
  }
}
