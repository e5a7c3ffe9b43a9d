// SPDX-License-Identifier: MIT
// What does the first event after a pause cost, against the least that the system can do; and what do publishers pay for
// the possibility of sleepers while everybody is awake?
//
//   (1 ms nothing) producer ──▶ [ topic ] ──▶ handler, asleep
//
// Checked: every event handled once; no wake-up lost (the run would not end).
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rivals/all.hpp"
#include "support/drive.hpp"
#include "support/peal_contestants.hpp"
#include "topologies.hpp"

namespace bench {
namespace {

using event_type = event<24>;

/// The least: one thread sleeps on a word, the other changes it and wakes.
struct bare_futex {
  static constexpr description about{
      .name = "bare futex", .lacks = "everything else", .max_producers = 1, .max_consumers = 1};

  template <class E, class Sink>
  class lane {
   public:
    lane(const shape&, std::vector<Sink>& sinks) {
      threads_.start(sinks, [this](Sink& sink) {
        for (std::uint32_t seen = 0;; ++seen) {
          while (word_.load(std::memory_order_acquire) == seen) call(FUTEX_WAIT_PRIVATE, seen);
          if (over_) return;
          sink(E{});
        }
      });
    }
    ~lane() { finish(); }

    class producer {
     public:
      explicit producer(lane& to) : to_{to} {}
      void publish(E&&) { to_.change(); }

     private:
      lane& to_;
    };
    producer make_producer() { return producer{*this}; }
    void finish() {
      over_ = true;
      change();
      threads_.join();
    }

   private:
    void change() {
      word_.fetch_add(1, std::memory_order_release);
      call(FUTEX_WAKE_PRIVATE, 1);
    }
    void call(int what, std::uint32_t value) { ::syscall(SYS_futex, &word_, what, value, nullptr, nullptr, 0); }

    std::atomic<std::uint32_t> word_{0};
    bool over_ = false;
    consumer_threads threads_;
  };
};

struct note_time {
  std::atomic<std::int64_t>* when = nullptr;
  template <class E>
  void operator()(const E&) const {
    when->store(clock::now().time_since_epoch().count(), std::memory_order_release);
  }
};

/// One way p50 and p99, and what the publish call took, in microseconds.
template <class X>
std::vector<double> wakes(unsigned count) {
  using lane_type = typename X::template lane<event_type, note_time>;
  std::atomic<std::int64_t> when{0};
  std::vector<note_time> sinks{{&when}};
  std::vector<double> way;
  std::vector<double> call;
  const core_guard here;
  here.stand_on(1);
  lane_type lane{shape{}, sinks};
  here.stand_on(0);
  {
    auto out = lane.make_producer();
    for (unsigned i = 0; i < count; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
      when.store(0, std::memory_order_relaxed);
      const auto start = clock::now();
      out.publish(event_type{i + 1, {}});
      call.push_back(seconds_since(start) * 1e6);
      std::int64_t woken = 0;
      while ((woken = when.load(std::memory_order_acquire)) == 0) __builtin_ia32_pause();
      way.push_back(static_cast<double>(woken - start.time_since_epoch().count()) / 1e3);
    }
  }
  return {at_rank(way, 0.5), at_rank(way, 0.99), at_rank(call, 0.5)};
}

constexpr std::uint64_t chunk = 256;

/// Calls of their own, so that both sides are handed an event in memory and move it.
using ring_type = peal::multicast_ring<event_type>;
[[gnu::noinline]] void publish_and_look(ring_type& ring, event_type&& event) { ring.publish(std::move(event)); }
[[gnu::noinline]] void publish_deaf(ring_type& ring, event_type&& event) {
  const auto at = ring.try_claim(1);
  if (at.status != peal::claim_status::claimed) return;
  ::new (static_cast<void*>(ring.storage(at.first))) event_type(std::move(event));
  static_cast<peal::multicast_core<event_type>&>(ring).publish(at.first);
}

/// One thread publishes and reads in turns, so that nobody sleeps and no line travels: the publisher's own instructions.
double publishes(std::optional<peal::barrier_mode> mode, bool deaf, std::uint64_t events) {
  ring_type ring{{.capacity = 1024, .mode = mode}};
  auto cursor = ring.subscribe();
  std::vector<ledger> seen(1);
  std::vector<double> took;
  std::uint64_t number = 0;
  while (number < events) {
    const auto start = clock::now();
    if (deaf) {
      for (std::uint64_t i = 0; i < chunk; ++i) publish_deaf(ring, event_type{++number, {}});
    } else {
      for (std::uint64_t i = 0; i < chunk; ++i) publish_and_look(ring, event_type{++number, {}});
    }
    took.push_back(seconds_since(start));
    (void)cursor.try_consume(seen.front());
  }
  check(seen, 1, number);
  return at_rank(took, 0.5) * static_cast<double>(events) / static_cast<double>(chunk);
}

}  // namespace

void wake_after_idle(suite& s) {
  table& t = s.add("wake_after_idle", "one event to a consumer that has slept for 1 ms", unit::microseconds);
  each(contestants<peal_bus, bare_futex>{} + rivals::sleeping{}, [&]<class X>(std::type_identity<X>) {
    t.describe(X::about.name, X::about.lacks);
    t.measure(X::about.name, {"one way p50", "one way p99", "the call p50"},
              [](const effort& e) { return wakes<X>(e.quick ? 15 : 50); });
  });
  s.require("wake_after_idle vs a bare futex", "at most 1.3x", [&t]() -> std::optional<judged> {
    const auto ours = t.at("peal", "one way p50");
    const auto futex = t.at("bare futex", "one way p50");
    if (!ours || !futex) return std::nullopt;
    const double times = ours->median / futex->median;
    return judged{said(times) + "x, " + said(ours->median) + " us", times <= 1.3};
  });

  table& p = s.add("awake_publisher", "a ring's publish while nobody sleeps, one thread", unit::nanoseconds);
  p.time("asymmetric barrier (the default)", "publish",
         [](std::uint64_t n) { return publishes(peal::barrier_mode::asymmetric, false, n); });
  p.time("seq_cst store", "publish",
         [](std::uint64_t n) { return publishes(peal::barrier_mode::sequential, false, n); });
  p.time("no look for sleepers", "publish", [](std::uint64_t n) { return publishes({}, true, n); });
  s.require("awake publisher pays nothing extra", "at most 1 ns, and no more than with seq_cst stores",
            [&p]() -> std::optional<judged> {
              const auto with = p.at("asymmetric barrier (the default)", "publish");
              const auto strict = p.at("seq_cst store", "publish");
              const auto without = p.at("no look for sleepers", "publish");
              if (!with || !strict || !without) return std::nullopt;
              const double extra = with->median - without->median;
              return judged{said(extra) + " ns, with seq_cst stores " + said(strict->median - without->median) + " ns",
                            extra <= 1 && with->median <= strict->median};
            });
}

}  // namespace bench
