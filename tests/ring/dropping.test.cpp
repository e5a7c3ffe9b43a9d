// SPDX-License-Identifier: MIT
// Cursors that do not gate: publishers move them on and count what they dropped, unless a pin stands in the way.
#include <peal/ring/multicast_core.hpp>

#include "ring/ring_support.hpp"
#include "support/catch.hpp"

#include <array>
#include <new>
#include <optional>

using peal::claim_status;
using peal::multicast_core;
using peal::position;
using ring_test::counted;
using ring_test::watchdog;

namespace {

using core = multicast_core<std::uint64_t>;

bool put(core& r, std::uint64_t value, std::uint8_t tag = 0) {
  const auto c = r.try_claim();
  if (c.status != claim_status::claimed) return false;
  *r.storage(c.first) = value;
  r.publish(c.first, tag);
  return true;
}

}  // namespace

TEST_CASE("dropping: a publisher moves the cursor on and counts each event by its type", "[ring][dropping][P4]") {
  for (const position first : ring_test::firsts) {
    core r{{.capacity = 4, .first = first}};
    const auto c = r.join_dropping();
    CHECK(r.start(*c) == first);
    for (std::uint64_t i = 0; i < 14; ++i) REQUIRE(put(r, i, static_cast<std::uint8_t>(i % 3)));
    CHECK(r.dropped(*c) == 10);
    CHECK(r.dropped_by_type(*c, 0) == 4);
    CHECK(r.dropped_by_type(*c, 1) == 3);
    CHECK(r.dropped_by_type(*c, 2) == 3);
    CHECK(r.dropped_by_type(*c, 3) == 0);
    CHECK(r.has_next(*c));
    const auto run = r.pin(*c, 99);
    CHECK(run.first == peal::advance(first, 10));
    CHECK(run.size() == 1);  // a quarter of the capacity
    CHECK(*r.payload(run.first) == 10);
    r.unpin(*c, run.last);
    const auto gone = r.leave(*c);
    CHECK(gone.at == peal::advance(first, 11));
    CHECK(gone.dropped[0] + gone.dropped[1] + gone.dropped[2] == 10);
    const auto next = r.join_dropping();
    CHECK(r.dropped(*next) == 0);
  }
}

TEST_CASE("dropping: a pin covers at most 16 events, and a quarter of a small ring", "[ring][dropping]") {
  CHECK(core{{.capacity = 2}}.max_pin() == 1);
  CHECK(core{{.capacity = 8}}.max_pin() == 2);
  CHECK(core{{.capacity = 64}}.max_pin() == 16);
  CHECK(core{{.capacity = 4096}}.max_pin() == 16);
  core r{{.capacity = 128}};
  const auto c = r.join_dropping();
  CHECK(r.pin(*c, 9).size() == 0);
  for (std::uint64_t i = 0; i < 100; ++i) REQUIRE(put(r, i));
  CHECK(r.pin(*c, 9).size() == 9);
  r.unpin(*c, 9);
  CHECK(r.pin(*c, 99).size() == 16);
  r.unpin(*c, 25);
  CHECK(r.cursor(*c) == 25);
  CHECK(r.dropped(*c) == 0);
}

TEST_CASE("dropping: a pinned run is neither dropped nor overwritten", "[ring][dropping]") {
  core r{{.capacity = 8, .first = peal::position_mask - 4}};
  const auto c = r.join_dropping();
  for (std::uint64_t i = 0; i < 8; ++i) REQUIRE(put(r, i));
  const auto run = r.pin(*c, 2);
  REQUIRE(run.size() == 2);
  CHECK_FALSE(put(r, 8));
  CHECK_FALSE(r.has_room());
  CHECK(*r.payload(run.first) == 0);
  CHECK(r.dropped(*c) == 0);
  r.unpin(*c, run.last);
  CHECK(r.has_room());
  for (std::uint64_t i = 8; i < 12; ++i) REQUIRE(put(r, i));
  CHECK(r.dropped(*c) == 2);
}

TEST_CASE("dropping: nothing is dropped past a position that is not published", "[ring][dropping]") {
  core r{{.capacity = 4}};
  const auto c = r.join_dropping();
  const auto open = r.try_claim();
  for (std::uint64_t i = 1; i < 4; ++i) REQUIRE(put(r, i));
  CHECK_FALSE(put(r, 4));
  CHECK(r.dropped(*c) == 0);
  CHECK(r.has_room());  // not worth sleeping for
  r.publish(open.first);
  CHECK(put(r, 4));
  CHECK(r.dropped(*c) == 1);
}

TEST_CASE("dropping: nothing is dropped where a gating cursor stands in the way anyway", "[ring][dropping]") {
  core r{{.capacity = 4}};
  const auto gating = r.join();
  const auto loose = r.join_dropping();
  for (std::uint64_t i = 0; i < 4; ++i) REQUIRE(put(r, i));
  CHECK_FALSE(put(r, 4));
  CHECK_FALSE(r.has_room());
  CHECK(r.dropped(*loose) == 0);
  r.advance(*gating, 2);
  CHECK(r.has_room(2));
  CHECK_FALSE(r.has_room(3));
  const auto range = r.try_claim(2);
  REQUIRE(range.status == claim_status::claimed);
  r.publish_range(range.first, 2);
  CHECK(r.dropped(*loose) == 2);
  CHECK(r.cursor(*loose) == 2);
}

TEST_CASE("dropping: who waits for a gating cursor is woken by it, whatever a dropping one keeps from being destroyed",
          "[ring][dropping][reclaim][P4]") {
  counted::reset();
  multicast_core<counted> r{{.capacity = 4}};
  const auto gating = r.join();
  const auto loose = r.join_dropping();
  for (int i = 0; i < 4; ++i) {
    const auto c = r.try_claim();
    REQUIRE(c.status == claim_status::claimed);
    new (r.storage(c.first)) counted{i};
    r.publish(c.first);
  }
  const auto asleep = r.room().prepare();
  CHECK_FALSE(r.has_room());
  r.advance(*gating, 2);  // destroys nothing: the other one has read nothing
  CHECK(r.destroyed() == 0);
  CHECK(r.room().commit_until(asleep, std::chrono::steady_clock::now()));
  CHECK(r.has_room());
  CHECK(r.try_claim().status == claim_status::claimed);
  CHECK(r.cursor(*loose) == 1);
  new (r.storage(4)) counted{4};
  r.publish(4);
}

TEST_CASE("dropping: what is dropped is destroyed once", "[ring][dropping][reclaim][P9]") {
  counted::reset();
  {
    multicast_core<counted> r{{.capacity = 4}};
    const auto c = r.join_dropping();
    for (int i = 0; i < 11; ++i) {
      const auto claim = r.try_claim();
      REQUIRE(claim.status == claim_status::claimed);
      ::new (static_cast<void*>(r.storage(claim.first))) counted{i};
      r.publish(claim.first);
      if (r.present() == 0) r.publish_done();
    }
    CHECK(counted::alive() == 4);
    CHECK(r.dropped(*c) == 7);
    const auto run = r.pin(*c, 1);
    CHECK(r.payload(run.first)->value() == 7);
    CHECK(r.try_claim().status == claim_status::full);
    r.unpin(*c, run.last);
    CHECK(counted::alive() == 3);
    r.leave(*c);
    CHECK(counted::alive() == 0);
  }
  CHECK(counted::ended() == 11);
  CHECK(counted::destroyed_twice() == 0);
}

TEST_CASE("dropping: a publisher asleep behind a pin is woken by its end, and by leaving", "[ring][dropping]") {
  const auto mode = RING_BOTH_MODES;
  watchdog guard{"a publisher behind a pin"};
  for (const bool by_leaving : {false, true}) {
    core r{{.capacity = 2, .mode = mode, .spin = {.pauses = 0, .yields = 0}}};
    const auto c = r.join_dropping();
    REQUIRE(put(r, 0));
    REQUIRE(put(r, 1));
    const auto run = r.pin(*c, 1);
    std::thread waiting{[&] {
      while (!put(r, 2)) r.room().wait([&] { return r.has_room(); });
    }};
    while (!r.room().has_waiters(peal::side::rare)) std::this_thread::yield();
    if (by_leaving) {
      r.leave(*c);
    } else {
      r.unpin(*c, run.last);
    }
    waiting.join();
    CHECK(r.claim_position() == 3);
  }
}

TEST_CASE("dropping: each event is read or dropped, never both and never neither", "[ring][dropping][P4]") {
  const auto mode = RING_BOTH_MODES;
  const bool beside_a_gating_one = GENERATE(false, true);
  watchdog guard{"dropping reader"};
  core r{{.capacity = 16, .first = peal::position_mask - 700, .mode = mode}};
  const auto c = r.join_dropping();
  const auto gating = beside_a_gating_one ? r.join() : decltype(r.join()){};
  constexpr std::uint64_t each = 6'000;
  std::atomic<int> publishing{2};
  std::uint64_t read = 0;
  std::uint64_t wrong = 0;
  std::array<std::uint64_t, 16> read_by_type{};
  ring_test::crowd threads;
  for (int t = 0; t < 2; ++t) {
    threads.add([&] {
      for (std::uint64_t i = 0; i < each;) {
        const auto claim = r.try_claim();
        if (claim.status == claim_status::full) {
          std::this_thread::yield();
          continue;
        }
        *r.storage(claim.first) = claim.first;
        r.publish(claim.first, static_cast<std::uint8_t>(claim.first % 5));
        ++i;
      }
      publishing.fetch_sub(1);
    });
  }
  threads.add([&] {
    ring_test::random_numbers random{7};
    for (;;) {
      const bool last_look = publishing.load() == 0;
      const auto run = r.pin(*c, 1 + random.below(4));
      if (run.size() == 0) {
        if (last_look) return;
        std::this_thread::yield();
        continue;
      }
      for (position p = run.first; p != run.last; p = peal::advance(p, 1)) {
        wrong += *r.payload(p) != p;
        ++read_by_type[p % 5];
        ++read;
      }
      r.unpin(*c, run.last);
    }
  });
  if (gating) {
    threads.add([&] {
      while (publishing.load() > 0) {
        const position end = r.available(*gating, 5);
        if (end != r.cursor(*gating)) {
          r.advance(*gating, end);
        } else {
          std::this_thread::yield();
        }
      }
      r.leave(*gating);
    });
  }
  threads.join();
  CHECK(wrong == 0);
  const position start = r.start(*c);
  const auto gone = r.leave(*c);
  std::uint64_t dropped = 0;
  for (std::size_t t = 0; t < 16; ++t) {
    std::uint64_t accepted = 0;
    for (position p = start; p != r.claim_position(); p = peal::advance(p, 1)) accepted += p % 5 == t;
    CHECK(gone.dropped[t] + read_by_type[t] == accepted);
    dropped += gone.dropped[t];
  }
  CHECK(read + dropped == 2 * each);
}
