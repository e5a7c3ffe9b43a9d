// SPDX-License-Identifier: MIT
// Cursors that come and go, gate and do not gate, while publishers publish and one closes.
#include <peal/ring/multicast_core.hpp>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <new>
#include <thread>

#include "ring/ring_support.hpp"
#include "support/catch.hpp"
#include "support/stress_options.hpp"

namespace {

using peal::claim_status;
using peal::position;

/// Says which position it was made for, and is no longer that once it has been destroyed.
struct marked {
  position at;
  explicit marked(position p) noexcept : at{p} { alive().fetch_add(1, std::memory_order_relaxed); }
  ~marked() {
    if (at == gone) twice().fetch_add(1, std::memory_order_relaxed);
    at = gone;
    alive().fetch_sub(1, std::memory_order_relaxed);
  }
  static constexpr position gone = ~position{0};
  static std::atomic<std::int64_t>& alive() noexcept {
    static std::atomic<std::int64_t> n{0};
    return n;
  }
  static std::atomic<std::uint64_t>& twice() noexcept {
    static std::atomic<std::uint64_t> n{0};
    return n;
  }
};

struct plain {
  position at;
  explicit plain(position p) noexcept : at{p} {}
};

struct tally {
  std::atomic<std::uint64_t> offered{0}, accepted{0}, delivered{0}, dropped{0}, lost{0}, wrong{0}, joins{0};
};

template <class Core>
void publish(Core& r, std::uint64_t count, std::uint64_t seed, tally& t) {
  ring_test::random_numbers random{seed};
  for (std::uint64_t n = 0; n < count;) {
    const std::size_t range = random.below(3) == 0 ? 1 + random.below(r.capacity()) : 1;
    const auto c = r.try_claim(range);
    if (c.status == claim_status::closed) return;
    if (c.status == claim_status::full) {
      std::this_thread::yield();
      continue;
    }
    for (std::size_t k = 0; k < range; ++k) {
      const position p = peal::advance(c.first, k);
      ::new (static_cast<void*>(r.storage(p))) std::remove_pointer_t<decltype(r.storage(p))>(p);
    }
    r.publish_range(c.first, range, static_cast<std::uint8_t>(range));
    if (r.present() == 0) r.publish_done();
    n += range;
    t.accepted.fetch_add(range, std::memory_order_relaxed);
  }
}

/// Joins, reads some, leaves, again; everything from its start on, without a gap.
template <class Core>
void come_and_go(Core& r, std::uint64_t seed, const std::atomic<int>& publishing, tally& t) {
  ring_test::random_numbers random{seed};
  while (publishing.load() > 0) {
    const auto c = r.join();
    if (!c) {
      std::this_thread::yield();
      continue;
    }
    t.joins.fetch_add(1, std::memory_order_relaxed);
    position expected = r.start(*c);
    for (std::uint64_t n = random.below(100); n > 0 && publishing.load() > 0; --n) {
      const position end = r.available(*c, 1 + random.below(r.capacity()));
      if (end == r.cursor(*c)) {
        std::this_thread::yield();
        continue;
      }
      for (; expected != end; expected = peal::advance(expected, 1)) {
        if (r.payload(expected)->at != expected) t.wrong.fetch_add(1, std::memory_order_relaxed);
        t.delivered.fetch_add(1, std::memory_order_relaxed);
      }
      r.advance(*c, end);
    }
    r.leave(*c);
  }
}

/// The same for a cursor that does not gate: from join to leave each position is read or dropped.
template <class Core>
void come_and_go_dropping(Core& r, std::uint64_t seed, const std::atomic<int>& publishing, tally& t) {
  ring_test::random_numbers random{seed};
  while (publishing.load() > 0) {
    const auto c = r.join_dropping();
    if (!c) {
      std::this_thread::yield();
      continue;
    }
    t.joins.fetch_add(1, std::memory_order_relaxed);
    std::uint64_t read = 0;
    for (std::uint64_t n = random.below(100); n > 0 && publishing.load() > 0; --n) {
      const auto run = r.pin(*c, 1 + random.below(16));
      if (run.size() == 0) {
        std::this_thread::yield();
        continue;
      }
      for (position p = run.first; p != run.last; p = peal::advance(p, 1)) {
        if (r.payload(p)->at != p) t.wrong.fetch_add(1, std::memory_order_relaxed);
        ++read;
      }
      r.unpin(*c, run.last);
      if (random.below(4) == 0) std::this_thread::yield();
    }
    const position start = r.start(*c);
    const auto gone = r.leave(*c);
    std::uint64_t dropped = 0;
    for (const std::uint64_t d : gone.dropped) dropped += d;
    const auto passed = static_cast<std::uint64_t>(peal::distance(gone.at, start));
    if (read + dropped != passed) t.lost.fetch_add(1, std::memory_order_relaxed);
    t.delivered.fetch_add(read, std::memory_order_relaxed);
    t.dropped.fetch_add(dropped, std::memory_order_relaxed);
  }
}

template <class Payload>
void run(const char* what, bool single) {
  const ring_test::watchdog guard{what, std::chrono::seconds{280}};
  tally t;
  marked::twice().store(0);
  for (const auto mode : {peal::barrier_mode::sequential, peal::barrier_mode::asymmetric}) {
    for (const std::size_t capacity : {2u, 8u, 128u}) {
      const std::uint64_t each = peal_test::scaled(capacity == 2 ? 10'000 : 60'000);
      peal::multicast_core<Payload> r{{.capacity = capacity,
                                       .max_cursors = 4,
                                       .first = peal::position_mask - each,
                                       .single_producer = single,
                                       .mode = mode}};
      const int publishers = single ? 1 : 2;
      std::atomic<int> publishing{publishers};
      ring_test::crowd threads;
      for (int p = 0; p < publishers; ++p) {
        t.offered += each;
        threads.add([&, p] {
          publish(r, each, peal_test::seed() + static_cast<std::uint64_t>(p), t);
          publishing.fetch_sub(1);
        });
      }
      for (std::uint64_t c = 0; c < 2; ++c) {
        threads.add([&, c] { come_and_go(r, peal_test::seed() + 10 + c, publishing, t); });
      }
      threads.add([&] { come_and_go_dropping(r, peal_test::seed() + 20, publishing, t); });
      threads.join();
      CHECK(r.present() == 0);
      CHECK(r.try_claim(r.capacity()).status == claim_status::claimed);
      // The claim above is never published: give the destructor of the ring something to destroy in its place.
      for (std::size_t k = 0; k < r.capacity(); ++k) {
        const position p = peal::retreat(r.claim_position(), k + 1);
        ::new (static_cast<void*>(r.storage(p))) Payload(p);
      }
    }
  }
  CHECK(t.accepted >= t.offered);
  CHECK(t.lost == 0);
  CHECK(t.wrong == 0);
  CHECK(marked::alive().load() == 0);
  CHECK(marked::twice().load() == 0);
  const auto n = [](const std::atomic<std::uint64_t>& x) { return static_cast<unsigned long long>(x.load()); };
  std::printf("%s: accepted %llu delivered %llu dropped %llu joins %llu, accounts wrong %llu, payloads wrong %llu\n",
              what, n(t.accepted), n(t.delivered), n(t.dropped), n(t.joins), n(t.lost), n(t.wrong));
}

}  // namespace

TEST_CASE("ring stress: cursors come and go while others publish", "[ring][stress][P1][P4]") {
  run<plain>("cursors", false);
}

TEST_CASE("ring stress: cursors come and go, events are destroyed once", "[ring][stress][P1][P4][P9]") {
  run<marked>("cursors, destroyed", false);
}

TEST_CASE("ring stress: cursors come and go beside a single producer", "[ring][stress][P1][P4]") {
  run<plain>("cursors, single producer", true);
}
