// SPDX-License-Identifier: MIT
// Events with destructors: each destroyed once, when the last cursor is done with it, and held positions.
#include <peal/ring/multicast_core.hpp>
#include <peal/ring/multicast_ring.hpp>

#include "ring/ring_support.hpp"
#include "support/catch.hpp"

#include <array>
#include <memory>
#include <new>

using peal::claim_status;
using peal::multicast_core;
using peal::multicast_ring;
using peal::position;
using ring_test::counted;
using ring_test::watchdog;

namespace {

using core = multicast_core<counted>;

bool put(core& r, int value) {
  const auto c = r.try_claim();
  if (c.status != claim_status::claimed) return false;
  ::new (static_cast<void*>(r.storage(c.first))) counted{value};
  r.publish(c.first);
  if (r.present() == 0) r.publish_done();
  return true;
}

/// Raw bytes of several types; the tag says which, and which of them have to be destroyed.
struct raw_slot {
  static constexpr bool needs_reclaim = true;
  alignas(counted) std::array<std::byte, sizeof(counted)> bytes;
  void reclaim(std::uint8_t tag) noexcept {
    if (tag == 1) std::launder(reinterpret_cast<counted*>(bytes.data()))->~counted();
  }
};

struct plain_slot {
  static constexpr bool needs_reclaim = false;
  std::array<std::byte, 8> bytes;
};

}  // namespace

TEST_CASE("reclaim: only payloads that need it have it", "[ring][reclaim]") {
  STATIC_REQUIRE(core::reclaims);
  STATIC_REQUIRE(multicast_core<raw_slot>::reclaims);
  STATIC_REQUIRE_FALSE(multicast_core<plain_slot>::reclaims);
  STATIC_REQUIRE_FALSE(multicast_core<int>::reclaims);
}

TEST_CASE("reclaim: an event is destroyed when the last cursor is done with it", "[ring][reclaim][P9]") {
  const auto mode = RING_BOTH_MODES;
  for (const position first : ring_test::firsts) {
    counted::reset();
    {
      core r{{.capacity = 4, .first = first, .mode = mode}};
      const auto a = r.join();
      const auto b = r.join();
      for (int i = 0; i < 4; ++i) REQUIRE(put(r, i));
      CHECK(counted::alive() == 4);
      r.advance(*a, peal::advance(first, 3));
      CHECK(counted::alive() == 4);
      CHECK_FALSE(put(r, 4));
      r.advance(*b, peal::advance(first, 1));
      CHECK(counted::alive() == 3);
      CHECK(counted::ended() == 1);
      CHECK(r.destroyed() == peal::advance(first, 1));
      CHECK(put(r, 4));
      r.leave(*b);
      CHECK(counted::ended() == 3);
      r.leave(*a);
      CHECK(counted::alive() == 0);
    }
    CHECK(counted::alive() == 0);
    CHECK(counted::ended() == 5);
    CHECK(counted::destroyed_twice() == 0);
  }
}

TEST_CASE("reclaim: an unheard event is destroyed at once", "[ring][reclaim][P9]") {
  counted::reset();
  core r{{.capacity = 4, .first = peal::position_mask - 2}};
  for (int i = 0; i < 20; ++i) {
    REQUIRE(put(r, i));
    CHECK(counted::alive() == 0);
    CHECK(counted::ended() == i + 1);
  }
  const auto open = r.try_claim();  // nothing behind an open claim is destroyed, and nothing is lost
  REQUIRE(put(r, 20));
  CHECK(counted::alive() == 1);
  ::new (static_cast<void*>(r.storage(open.first))) counted{21};
  r.publish(open.first);
  r.publish_done();
  CHECK(counted::alive() == 0);
  CHECK(counted::ended() == 22);
}

TEST_CASE("reclaim: the destructor of the ring destroys leftovers once", "[ring][reclaim][P9]") {
  for (const position first : ring_test::firsts) {
    counted::reset();
    {
      core r{{.capacity = 8, .first = first}};
      const auto c = r.join();
      for (int i = 0; i < 8; ++i) REQUIRE(put(r, i));
      r.advance(*c, peal::advance(first, 3));
      for (int i = 8; i < 11; ++i) REQUIRE(put(r, i));
    }
    CHECK(counted::alive() == 0);
    CHECK(counted::ended() == 11);
    CHECK(counted::destroyed_twice() == 0);
  }
}

TEST_CASE("reclaim: a payload that says so destroys itself by its tag", "[ring][reclaim]") {
  counted::reset();
  {
    multicast_core<raw_slot> r{{.capacity = 4}};
    const auto c = r.join();
    for (int lap = 0; lap < 6; ++lap) {
      for (std::uint8_t type = 0; type < 2; ++type) {
        const auto claim = r.try_claim();
        REQUIRE(claim.status == claim_status::claimed);
        auto* slot = ::new (static_cast<void*>(r.storage(claim.first))) raw_slot;
        if (type == 1) ::new (static_cast<void*>(slot->bytes.data())) counted{lap};
        r.publish(claim.first, type);
      }
      CHECK(counted::alive() == 1);
      if (lap < 5) r.advance(*c, r.available(*c, 2));
    }
  }
  CHECK(counted::alive() == 0);
  CHECK(counted::ended() == 6);
}

TEST_CASE("reclaim: a destructor may publish and may free room, and never recurses", "[ring][reclaim]") {
  struct chatty;
  struct context {
    multicast_core<chatty>* ring = nullptr;
    int depth = 0;
    int deepest = 0;
    int refused = 0;
    int ended = 0;
    int to_publish = 0;
  };
  struct chatty {
    context* c = nullptr;
    explicit chatty(context* x) noexcept : c{x} {}
    ~chatty() {
      ++c->ended;
      c->deepest = std::max(c->deepest, ++c->depth);
      if (c->to_publish > 0) {
        --c->to_publish;
        const auto claim = c->ring->try_claim();
        if (claim.status == claim_status::claimed) {
          ::new (static_cast<void*>(c->ring->storage(claim.first))) chatty{c};
          c->ring->publish(claim.first);
          if (c->ring->present() == 0) c->ring->publish_done();
        } else {
          ++c->refused;
        }
      }
      --c->depth;
    }
  };
  context x;
  {
    multicast_core<chatty> r{{.capacity = 2}};
    x.ring = &r;
    x.to_publish = 1'000;
    const auto claim = r.try_claim();
    ::new (static_cast<void*>(r.storage(claim.first))) chatty{&x};
    r.publish(claim.first);
    r.publish_done();
    CHECK(x.ended == 1'001);
    CHECK(x.refused == 0);
    x.to_publish = 0;
  }
  CHECK(x.deepest == 1);
}

TEST_CASE("reclaim: a held position is neither destroyed nor overwritten until it is released",
          "[ring][reclaim][holds]") {
  const auto mode = RING_BOTH_MODES;
  counted::reset();
  core r{{.capacity = 4, .max_holds = 2, .first = peal::position_mask - 1, .mode = mode}};
  const auto claim = r.try_claim();
  ::new (static_cast<void*>(r.storage(claim.first))) counted{0};
  r.hold(1, claim.first);
  r.publish(claim.first);
  r.publish_done();
  CHECK(counted::alive() == 1);
  for (int i = 1; i < 4; ++i) REQUIRE(put(r, i));
  CHECK(counted::alive() == 4);
  CHECK_FALSE(put(r, 4));
  CHECK_FALSE(r.has_room());
  r.release(1);
  CHECK(counted::alive() == 0);
  CHECK(put(r, 4));
  CHECK(counted::ended() == 5);
}

TEST_CASE("reclaim: a hold works where nothing has to be destroyed, and wakes who waits for it", "[ring][holds]") {
  const auto mode = RING_BOTH_MODES;
  watchdog guard{"a publisher behind a hold"};
  multicast_core<int> r{{.capacity = 2, .max_holds = 1, .mode = mode, .spin = {.pauses = 0, .yields = 0}}};
  const auto claim = r.try_claim();
  r.hold(0, claim.first);
  r.publish(claim.first);
  const auto second = r.try_claim();
  r.publish(second.first);
  CHECK(r.try_claim().status == claim_status::full);
  CHECK_FALSE(r.has_room());
  std::thread waiting{[&] {
    while (r.try_claim().status != claim_status::claimed) r.room().wait([&] { return r.has_room(); });
  }};
  while (!r.room().has_waiters(peal::side::rare)) std::this_thread::yield();
  r.release(0);
  waiting.join();
  CHECK(r.claim_position() == 3);
}

TEST_CASE("reclaim: publishers that wait are woken when room has been destroyed into being", "[ring][reclaim]") {
  const auto mode = RING_BOTH_MODES;
  watchdog guard{"waiting for destructors"};
  counted::reset();
  constexpr int each = 3'000;
  {
    multicast_ring<counted> r{{.capacity = 4, .mode = mode, .spin = {.pauses = 0, .yields = 0}}};
    std::atomic<int> sum{0};
    ring_test::crowd threads;
    for (int t = 0; t < 2; ++t) {
      auto c = r.subscribe();
      REQUIRE(c);
      threads.add([&sum, c = std::make_shared<peal::ring_cursor<counted>>(std::move(c))] {
        int mine = 0;
        while (c->consume([&](const counted& e) { mine += e.value() >= 0; }, 3) != 0) {
        }
        sum.fetch_add(mine);
      });
    }
    ring_test::crowd publishers;
    for (int t = 0; t < 2; ++t) {
      publishers.add([&r] {
        for (int i = 0; i < each; ++i) r.publish(counted{i});
      });
    }
    threads.start();
    publishers.join();
    r.close();
    threads.join();
    CHECK(sum.load() == 2 * 2 * each);
    CHECK(counted::alive() == 0);
  }
  CHECK(counted::ended() == 2 * each);
  CHECK(counted::destroyed_twice() == 0);
}

TEST_CASE("reclaim: a ring used by itself destroys an unheard event at once", "[ring][reclaim][P9]") {
  counted::reset();
  multicast_ring<counted> r{{.capacity = 4}};
  for (int i = 0; i < 9; ++i) {
    CHECK(r.publish(counted{i}));
    CHECK(counted::alive() == 0);
  }
  counted some[3] = {counted{9}, counted{10}, counted{11}};
  CHECK(r.publish_range(std::span{some}) == 3);
  CHECK(counted::alive() == 3);  // the shells
  CHECK(counted::ended() == 12);
}
