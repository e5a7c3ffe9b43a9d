// SPDX-License-Identifier: MIT
// Publishers × cursors × capacities, in both modes: nothing lost, nothing twice, nothing out of order.
#include <peal/ring/multicast_ring.hpp>

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

using peal::barrier_mode;
using peal::claim_status;
using peal::multicast_options;
using peal::multicast_ring;

struct event {
  std::uint32_t publisher;
  std::uint32_t check;
  std::uint64_t number;
};

/// The same with a destructor, so that the ring reclaims.
struct owning_event : event {
  owning_event(event e) noexcept : event{e} {}
  owning_event(owning_event&&) noexcept = default;
  ~owning_event() { check = 0; }
};

struct tally {
  std::uint64_t offered = 0, accepted = 0, delivered = 0, lost = 0, duplicated = 0, inversions = 0;
};

/// What one cursor makes of what it reads: the numbers of each publisher come one by one.
class reader {
 public:
  explicit reader(std::size_t publishers) : next_(publishers, 0) {}
  void operator()(const event& e) noexcept {
    ++delivered;
    std::uint64_t& next = next_[e.publisher];
    if (e.check != static_cast<std::uint32_t>(e.number * 2654435761u)) ++torn;
    if (e.number == next) {
      ++next;
    } else if (e.number < next) {
      ++behind;
    } else {
      ++ahead;
      next = e.number + 1;
    }
  }
  std::uint64_t delivered = 0, torn = 0, behind = 0, ahead = 0;
  std::vector<std::uint64_t> next_;
};

event make(std::size_t publisher, std::uint64_t number) noexcept {
  return {static_cast<std::uint32_t>(publisher), static_cast<std::uint32_t>(number * 2654435761u), number};
}

template <class Event>
void publish_all(multicast_ring<Event>& r, std::size_t publisher, std::uint64_t count, std::uint64_t seed) {
  ring_test::random_numbers random{seed + publisher};
  std::vector<Event> some;
  some.reserve(64);
  for (std::uint64_t n = 0; n < count;) {
    const std::uint64_t range = random.below(4) != 0 ? 1 : 1 + random.below(40);
    if (range == 1) {
      r.publish(Event{make(publisher, n++)});
      continue;
    }
    some.clear();
    for (std::uint64_t k = 0; k < range && n < count; ++k) some.push_back(Event{make(publisher, n++)});
    r.publish_range(std::span{some});
  }
}

template <class Event>
tally run(multicast_options options, std::size_t publishers, std::size_t cursors, std::uint64_t each) {
  options.single_producer = publishers == 1 && options.single_producer;
  multicast_ring<Event> r{options};
  std::vector<peal::ring_cursor<Event>> subscribed;
  std::vector<reader> readers(cursors, reader{publishers});
  ring_test::crowd reading;
  for (std::size_t c = 0; c < cursors; ++c) subscribed.push_back(r.subscribe());
  for (std::size_t c = 0; c < cursors; ++c) {
    reading.add([&, c] {
      while (subscribed[c].consume([&](const Event& e) { readers[c](e); }, c % 2 == 0 ? 7 : 1000) != 0) {
      }
    });
  }
  reading.start();
  ring_test::crowd publishing;
  for (std::size_t p = 0; p < publishers; ++p) {
    publishing.add([&r, p, each] { publish_all<Event>(r, p, each, peal_test::seed()); });
  }
  publishing.join();
  r.close();
  reading.join();
  subscribed.clear();
  tally t;
  t.offered = publishers * each;
  t.accepted = static_cast<std::uint64_t>(peal::distance(r.claim_position(), options.first & peal::position_mask));
  for (const reader& c : readers) {
    t.delivered += c.delivered;
    t.lost += t.accepted > c.delivered ? t.accepted - c.delivered : 0;
    t.duplicated += c.delivered > t.accepted ? c.delivered - t.accepted : 0;
    t.inversions += c.behind + c.ahead + c.torn;
  }
  return t;
}

template <class Event>
void matrix(const char* what, bool single) {
  const ring_test::watchdog guard{what, std::chrono::seconds{280}};
  tally sum;
  for (const barrier_mode mode : {barrier_mode::sequential, barrier_mode::asymmetric}) {
    for (const std::size_t publishers : {1u, 2u, 4u}) {
      if (single && publishers != 1) continue;
      for (const std::size_t cursors : {1u, 2u, 4u}) {
        for (const std::size_t capacity : {2u, 4u, 64u, 65'536u}) {
          const std::uint64_t total = peal_test::scaled(capacity < 64 ? 8'000 : 200'000);
          const tally t = run<Event>(
              {.capacity = capacity, .first = peal::position_mask - total / 2, .single_producer = single, .mode = mode},
              publishers, cursors, total / publishers);
          INFO(what << ' ' << ring_test::name_of(mode) << ' ' << publishers << 'x' << cursors << " capacity "
                    << capacity);
          CHECK(t.accepted == t.offered);
          CHECK(t.lost == 0);
          CHECK(t.duplicated == 0);
          CHECK(t.inversions == 0);
          sum.offered += t.offered;
          sum.accepted += t.accepted;
          sum.delivered += t.delivered;
          sum.lost += t.lost;
          sum.duplicated += t.duplicated;
          sum.inversions += t.inversions;
        }
      }
    }
  }
  std::printf("%s: offered %llu accepted %llu delivered %llu lost %llu duplicated %llu inversions %llu\n", what,
              static_cast<unsigned long long>(sum.offered), static_cast<unsigned long long>(sum.accepted),
              static_cast<unsigned long long>(sum.delivered), static_cast<unsigned long long>(sum.lost),
              static_cast<unsigned long long>(sum.duplicated), static_cast<unsigned long long>(sum.inversions));
}

}  // namespace

TEST_CASE("ring stress: publishers x cursors x capacities, nothing lost, twice or out of order",
          "[ring][stress][P1][P2]") {
  matrix<event>("multicast", false);
}

TEST_CASE("ring stress: the same with events that are destroyed", "[ring][stress][P1][P2][P9]") {
  matrix<owning_event>("multicast, destroyed", false);
}

TEST_CASE("ring stress: the same with a single producer", "[ring][stress][P1][P2]") {
  matrix<event>("multicast, single producer", true);
}
