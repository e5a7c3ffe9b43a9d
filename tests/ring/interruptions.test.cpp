// SPDX-License-Identifier: MIT
// Each step of each protocol, interrupted before each of its atomic accesses by everything another thread might do there.
#include <peal/ring/mpmc_ring.hpp>
#include <peal/ring/multicast_core.hpp>
#include <peal/ring/multicast_ring.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <new>
#include <vector>

#include "ring/recording_atomics.hpp"
#include "ring/ring_support.hpp"
#include "support/catch.hpp"

using peal::barrier_mode;
using peal::caller;
using peal::claim_status;
using peal::position;
using ring_test::counted;
using ring_test::record;
using ring_test::recording_atomics;

namespace {

constexpr position first = peal::position_mask - 2;

/// A ring of two places with cursors, near the end of the word; every event carries its position.
template <class Payload>
struct scene {
  using core = peal::multicast_core<Payload, recording_atomics>;

  explicit scene(barrier_mode mode, std::size_t capacity = 2)
      : r{{.capacity = capacity, .max_cursors = 4, .max_holds = 1, .first = first, .mode = mode}} {}

  bool put() {
    const auto c = r.try_claim();
    if (c.status != claim_status::claimed) return false;
    show(c.first);
    return true;
  }
  void show(position p) {
    ::new (static_cast<void*>(r.storage(p))) Payload(static_cast<int>(peal::distance(p, first)));
    r.publish(p, static_cast<std::uint8_t>(peal::distance(p, first)));
    if (r.present() == 0) r.publish_done();
    ++accepted;
  }
  std::uint32_t join() {
    const auto c = r.join();
    REQUIRE(c);
    cursors.push_back(*c);
    return *c;
  }
  void read(std::uint32_t c, std::size_t most = 1) {
    const position end = r.available(c, most);
    if (end != r.cursor(c)) r.advance(c, end);
  }
  void leave(std::uint32_t c) {
    r.leave(c);
    std::erase(cursors, c);
  }
  /// The gate has passed no cursor, and nothing that has not been published; no claim is a lap ahead of a cursor.
  void check() {
    CHECK(peal::distance(r.claim_position(), first) >= accepted);
    for (const std::uint32_t c : cursors) {
      CHECK(peal::distance(r.cursor(c), r.gate()) >= 0);
      CHECK(peal::distance(r.claim_position(), r.cursor(c)) <= static_cast<std::int64_t>(r.capacity()));
    }
  }
  /// Everything behind every cursor has been destroyed, and nothing else.
  void check_destroyed() {
    std::int64_t lowest = accepted;
    for (const std::uint32_t c : cursors) lowest = std::min(lowest, peal::distance(r.cursor(c), first));
    CHECK(peal::distance(r.destroyed(), first) == lowest);
  }

  core r;
  std::vector<std::uint32_t> cursors;
  std::int64_t accepted = 0;
};

/// `act` on a fresh scene once for each of its accesses, with `interruption` before that access.
template <class Scene>
void before_every_access(barrier_mode mode, std::function<void(Scene&)> set_up, std::function<void(Scene&)> act,
                         std::function<void(Scene&)> interruption, std::function<void(Scene&)> check,
                         std::size_t capacity = 2) {
  for (std::size_t n = 0;; ++n) {
    counted::reset();
    {
      Scene s{mode, capacity};
      set_up(s);
      INFO("interrupted before access " << n);
      record::interrupt(n, [&] { interruption(s); });
      act(s);
      const bool over = record::uninterrupted();
      check(s);
      if (over) {
        REQUIRE(n > 2);
        break;
      }
    }
    CHECK(counted::alive() == 0);
    CHECK(counted::destroyed_twice() == 0);
  }
  record::clear();
}

using plain = scene<int>;
using owning = scene<counted>;

}  // namespace

TEST_CASE("interruptions: the gate never passes a cursor that joins during a scan", "[ring][interruptions][P1]") {
  const auto mode = RING_BOTH_MODES;
  peal::claim_result claim{};
  before_every_access<plain>(
      mode,
      [](plain& s) {
        s.join();
        s.put();
        s.put();
        s.read(0, 2);
      },
      // The claim alone: a joiner waits for what is claimed and not published.
      [&](plain& s) { claim = s.r.try_claim(); },
      [](plain& s) {
        s.join();
        s.put();
        s.read(0);
      },
      [&](plain& s) {
        if (claim.status == claim_status::claimed) s.show(claim.first);
        s.check();
        while (s.put()) {
        }
        s.check();
      });
}

TEST_CASE("interruptions: a joiner hears everything from its start on, whatever is published meanwhile",
          "[ring][interruptions][P1]") {
  const auto mode = RING_BOTH_MODES;
  for (const bool beside_another : {false, true}) {
    before_every_access<plain>(
        mode,
        [=](plain& s) {
          if (beside_another) s.join();
          s.put();
          if (beside_another) s.read(0);
        },
        [](plain& s) { s.join(); },
        [=](plain& s) {
          for (int i = 0; i < 3; ++i) {
            s.put();
            if (beside_another) s.read(0);
          }
        },
        [](plain& s) {
          s.check();
          const std::uint32_t c = s.cursors.back();
          while (s.put()) {
          }
          s.check();
          const position end = s.r.available(c, 9);
          CHECK(end == s.r.claim_position());
          for (position p = s.r.start(c); p != end; p = peal::advance(p, 1)) {
            CHECK(*s.r.payload(p) == static_cast<int>(peal::distance(p, first)));
          }
        });
  }
}

TEST_CASE("interruptions: two joiners at once", "[ring][interruptions]") {
  const auto mode = RING_BOTH_MODES;
  before_every_access<plain>(
      mode, [](plain& s) { s.put(); }, [](plain& s) { s.join(); },
      [](plain& s) {
        s.join();
        s.put();
        s.read(s.cursors.back());
        s.put();
      },
      [](plain& s) {
        s.check();
        while (s.put()) {
        }
        s.check();
        CHECK(s.r.present() == s.cursors.size());
      });
}

TEST_CASE("interruptions: a claim and a close are in one order", "[ring][interruptions][P10]") {
  const auto mode = RING_BOTH_MODES;
  bool got_in = false;
  before_every_access<plain>(
      mode, [](plain& s) { s.join(); }, [&](plain& s) { got_in = s.put(); }, [](plain& s) { s.r.close(); },
      [&](plain& s) {
        CHECK(s.r.claim_position() == peal::advance(first, got_in ? 1 : 0));
        s.read(0);
        CHECK(s.r.ended(0) == (s.r.state() == claim_status::closed));
      });
}

TEST_CASE("interruptions: whoever moves the minimum, it is destroyed up to there", "[ring][interruptions][P9]") {
  const auto mode = RING_BOTH_MODES;
  before_every_access<owning>(
      mode,
      [](owning& s) {
        s.join();
        s.join();
        s.put();
        s.put();
        s.read(0, 2);
      },
      [](owning& s) { s.read(1); },
      [](owning& s) {
        s.put();
        s.read(0);
        s.join();
      },
      [](owning& s) {
        s.check();
        s.check_destroyed();
      });
  before_every_access<owning>(
      mode,
      [](owning& s) {
        s.join();
        s.join();
        s.put();
        s.put();
      },
      [](owning& s) { s.read(1, 2); }, [](owning& s) { s.read(0, 2); }, [](owning& s) { s.check_destroyed(); });
}

TEST_CASE("interruptions: a publisher and a leaving last cursor leave nothing behind", "[ring][interruptions][P9]") {
  const auto mode = RING_BOTH_MODES;
  before_every_access<owning>(
      mode, [](owning& s) { s.join(); }, [](owning& s) { s.put(); }, [](owning& s) { s.leave(0); },
      [](owning& s) { s.check_destroyed(); });
  before_every_access<owning>(
      mode, [](owning& s) { s.join(); }, [](owning& s) { s.leave(0); },
      [](owning& s) {
        if (s.cursors.empty() || s.r.present() == 0 || s.accepted < 2) s.put();
      },
      [](owning& s) { s.check_destroyed(); });
}

TEST_CASE("interruptions: an unheard event and a joiner", "[ring][interruptions][P9]") {
  const auto mode = RING_BOTH_MODES;
  before_every_access<owning>(
      mode, [](owning&) {}, [](owning& s) { s.join(); }, [](owning& s) { s.put(); },
      [](owning& s) {
        s.check();
        s.check_destroyed();
      });
}

TEST_CASE("interruptions: a pin that comes while a publisher makes room is kept", "[ring][interruptions][P4]") {
  const auto mode = RING_BOTH_MODES;
  peal::position_run run{};
  const auto set_up = [&](plain& s) {
    run = {first, first};
    const auto dropping = s.r.join_dropping();
    REQUIRE(dropping);
    REQUIRE(*dropping == 0);
    while (peal::distance(s.r.claim_position(), first) < 4) s.put();
  };
  const auto account = [&](plain& s) {
    if (run.size() != 0) {
      // Nothing may have been claimed over the pinned run, which still holds what it held.
      CHECK(peal::distance(s.r.claim_position(), run.first) <= 4);
      CHECK(s.r.cursor(0) == run.first);
      CHECK(*s.r.payload(run.first) == static_cast<int>(peal::distance(run.first, first)));
      s.r.unpin(0, run.last);
    }
    const auto passed = static_cast<std::uint64_t>(peal::distance(s.r.cursor(0), first));
    CHECK(s.r.dropped(0) + run.size() == passed);
    const auto gone = s.r.leave(0);
    for (std::size_t t = 0; t < 16; ++t) {
      const bool read = run.size() != 0 && static_cast<std::size_t>(peal::distance(run.first, first)) == t;
      CHECK(gone.dropped[t] == (t < passed && !read ? 1 : 0));
    }
  };
  before_every_access<plain>(
      mode, set_up, [](plain& s) { s.put(); }, [&](plain& s) { run = s.r.pin(0, 1); }, account, 4);
  before_every_access<plain>(
      mode, set_up, [&](plain& s) { run = s.r.pin(0, 1); }, [](plain& s) { s.put(); }, account, 4);
  before_every_access<plain>(
      mode, set_up, [](plain& s) { s.put(); },
      [](plain& s) {
        s.put();
        s.put();
      },
      account, 4);
}

TEST_CASE("interruptions: a hold that is released while others look is not missed", "[ring][interruptions][holds]") {
  const auto mode = RING_BOTH_MODES;
  bool released = false;
  before_every_access<owning>(
      mode,
      [&](owning& s) {
        released = false;
        const auto c = s.r.try_claim();
        s.r.hold(0, c.first);
        s.show(c.first);
        s.put();
        CHECK(counted::alive() == 2);
      },
      [](owning& s) { s.put(); },
      [&](owning& s) {
        s.r.release(0);
        released = true;
      },
      [&](owning& s) {
        if (!released) s.r.release(0);
        s.check_destroyed();
      });
}

TEST_CASE("interruptions: a publisher about to sleep is not passed over", "[ring][interruptions][P13]") {
  const auto mode = RING_BOTH_MODES;
  // Makers of room, each of which must be seen by the second look or must wake.
  const std::vector<std::function<void(plain&)>> makers{
      [](plain& s) { s.read(0); },
      [](plain& s) { s.leave(0); },
      [](plain& s) { s.r.close(); },
  };
  for (const auto& make_room : makers) {
    bool sleeps = false;
    before_every_access<plain>(
        mode,
        [](plain& s) {
          s.join();
          s.put();
          s.put();
          record::clear();
        },
        [&](plain& s) {
          const auto key = s.r.room().prepare();
          sleeps = !s.r.has_room() && s.r.state() == claim_status::claimed;
          if (sleeps) {
            record::sleeps().push_back([] {});
            (void)key;
          } else {
            s.r.room().cancel();
          }
        },
        make_room,
        [&](plain& s) {
          if (sleeps) {
            record::sleeps().clear();
            const bool interrupted = s.r.has_room() || s.r.state() != claim_status::claimed;
            CHECK(record::count("wake-all") == (interrupted ? 1 : 0));
            s.r.room().cancel();
          }
        });
  }
}

TEST_CASE("interruptions: all waiting publishers and all waiting cursors are woken", "[ring][interruptions]") {
  const auto mode = RING_BOTH_MODES;
  peal::multicast_ring<int, recording_atomics> r{{.capacity = 2, .mode = mode}};
  auto c = r.subscribe();
  (void)r.items().prepare();
  (void)r.items().prepare();
  record::clear();
  CHECK(r.publish(1));
  CHECK(record::count("wake-all") == 1);
  CHECK(r.publish(2));
  (void)r.room().prepare();
  (void)r.room().prepare();
  record::clear();
  CHECK(c.try_consume([](int) {}) == 2);
  CHECK(record::count("wake-all") == 1);
  CHECK(record::count("wake-one") == 0);
  for (int i = 0; i < 2; ++i) {
    r.items().cancel();
    r.room().cancel();
  }
}

TEST_CASE("interruptions: a consumer that finds more than it takes wakes the next one", "[ring][interruptions][mpmc]") {
  const auto mode = RING_BOTH_MODES;
  peal::mpmc_ring<int, recording_atomics> q{4, {.mode = mode, .spin = {.pauses = 0, .yields = 0}}};
  int inner = 0;
  record::clear();
  // Two consumers sleep, the second one inside the sleep of the first; then two elements come.
  record::sleeps().push_back([&] {
    CHECK(q.push(1));
    CHECK(q.push(2));
    CHECK(record::count("wake-one") == 2);
  });
  record::sleeps().push_back([&] {
    CHECK(q.pop(inner));
    CHECK(record::count("wake-one") == 3);
  });
  int outer = 0;
  CHECK(q.pop(outer));
  CHECK(inner == 1);
  CHECK(outer == 2);
}

TEST_CASE("interruptions: a producer that finds more room than it takes wakes the next one",
          "[ring][interruptions][mpmc]") {
  const auto mode = RING_BOTH_MODES;
  peal::mpmc_ring<int, recording_atomics> q{2, {.mode = mode, .spin = {.pauses = 0, .yields = 0}}};
  CHECK(q.push(1));
  CHECK(q.push(2));
  record::clear();
  int x = 0;
  record::sleeps().push_back([&] {
    CHECK(q.pop(x));
    CHECK(q.pop(x));
    CHECK(record::count("wake-one") == 2);
  });
  record::sleeps().push_back([&] {
    CHECK(q.push(3));
    CHECK(record::count("wake-one") == 3);
  });
  CHECK(q.push(4));
  CHECK(q.pop(x));
  CHECK(x == 3);
}

TEST_CASE("interruptions: the last element of a closed queue ends the wait of all, also when it came late",
          "[ring][interruptions][mpmc]") {
  const auto mode = RING_BOTH_MODES;
  peal::mpmc_ring<int, recording_atomics> q{4, {.mode = mode, .spin = {.pauses = 0, .yields = 0}}};
  int inner = 0;
  record::clear();
  record::sleeps().push_back([&] {
    record::interrupt(3, [&] { q.close(); });  // between the claim and the publication of the element
    CHECK(q.push(1));
    CHECK_FALSE(record::uninterrupted());
    CHECK(q.closed());
    record::clear();
  });
  record::sleeps().push_back([&] {
    CHECK(q.pop(inner));
    CHECK(record::count("wake-all") == 1);
  });
  int outer = 0;
  CHECK_FALSE(q.pop(outer));
  CHECK(inner == 1);
}
