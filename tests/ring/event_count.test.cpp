// SPDX-License-Identifier: MIT
// The event count: who sleeps is woken, who need not sleep does not, nobody is forgotten.
#include <peal/ring/event_count.hpp>

#include <peal/ring/detail/portable_parking.hpp>

#include "ring/ring_support.hpp"
#include "support/catch.hpp"

#include <sys/resource.h>

using namespace std::chrono_literals;
using peal::barrier;
using peal::barrier_mode;
using peal::event_count;
using ring_test::watchdog;

namespace {

/// The machine without a futex.
struct portable_atomics : peal::native_atomics {
  using parking = peal::detail::portable_parking;
};

/// Two threads take turns; every turn ends in a sleep and begins with a wake-up.
template <class Atomics>
void ping_pong(barrier_mode mode, int turns) {
  const barrier<Atomics> order{mode};
  event_count<Atomics> changed{order, {.pauses = 0, .yields = 0}};
  std::atomic<int> turn{0};
  const auto play = [&](int parity) {
    for (int t = parity; t < turns; t += 2) {
      changed.wait([&] { return order.recheck(turn) == t; });
      order.publish(turn, t + 1);
      changed.notify_all();
    }
  };
  std::thread other{play, 1};
  play(0);
  other.join();
  CHECK(turn.load() == turns);
}

}  // namespace

TEST_CASE("event_count: nobody waits, nothing happens", "[ring][event_count]") {
  event_count<> e;
  CHECK_FALSE(e.has_waiters());
  e.notify_one();
  e.notify_all();
  e.notify_all(peal::side::rare);
  CHECK_FALSE(e.has_waiters());
}

TEST_CASE("event_count: a condition that holds already never sleeps", "[ring][event_count]") {
  const auto mode = RING_BOTH_MODES;
  event_count<> e{barrier<>{mode}};
  e.wait([] { return true; });
  CHECK(e.wait_for(0s, [] { return true; }));
  CHECK(e.wait_until(std::chrono::steady_clock::time_point::min(), [] { return true; }));
  CHECK_FALSE(e.has_waiters());
}

TEST_CASE("event_count: a timed wait ends by itself and leaves no waiter behind", "[ring][event_count]") {
  const auto mode = RING_BOTH_MODES;
  event_count<> e{barrier<>{mode}};
  const auto before = std::chrono::steady_clock::now();
  CHECK_FALSE(e.wait_for(3ms, [] { return false; }));
  CHECK(std::chrono::steady_clock::now() - before >= 3ms);
  CHECK_FALSE(e.wait_for(-1h, [] { return false; }));
  CHECK_FALSE(e.wait_until(std::chrono::steady_clock::time_point::min(), [] { return false; }));
  CHECK_FALSE(e.has_waiters());
}

TEST_CASE("event_count: a wait longer than the clock can tell has no end", "[ring][event_count]") {
  watchdog guard{"a very long wait"};
  using forever = std::chrono::hours;
  event_count<> e;
  std::atomic<bool> ready{false};
  std::thread setter{[&] {
    while (!e.has_waiters(peal::side::rare)) std::this_thread::yield();
    e.order().publish(ready, true);
    e.notify_all();
  }};
  CHECK(e.wait_for(forever::max(), [&] { return e.order().recheck(ready); }));
  setter.join();
  CHECK(peal::detail::deadline_after(std::chrono::duration<double>::max()) ==
        std::chrono::steady_clock::time_point::max());
}

TEST_CASE("event_count: a notification between prepare and commit keeps the thread awake", "[ring][event_count]") {
  const auto mode = RING_BOTH_MODES;
  watchdog guard{"commit behind a notification"};
  event_count<> e{barrier<>{mode}};
  const auto seen = e.prepare();
  CHECK(e.has_waiters());
  e.notify_one();
  e.commit(seen);
  CHECK_FALSE(e.has_waiters());
  const auto again = e.prepare(true);
  e.order().settle();
  e.notify_all();
  CHECK(e.commit_until(again, std::chrono::steady_clock::now() + 1h));
  CHECK_FALSE(e.has_waiters());
}

TEST_CASE("event_count: cancel takes the announcement back", "[ring][event_count]") {
  event_count<> e;
  (void)e.prepare();
  (void)e.prepare();
  e.cancel();
  CHECK(e.has_waiters());
  e.cancel();
  CHECK_FALSE(e.has_waiters());
}

TEST_CASE("event_count: notify_all wakes every sleeper", "[ring][event_count]") {
  const auto mode = RING_BOTH_MODES;
  watchdog guard{"notify_all"};
  const barrier<> order{mode};
  event_count<> e{order, {.pauses = 0, .yields = 0}};
  std::atomic<bool> open{false};
  std::atomic<int> through{0};
  ring_test::crowd sleepers;
  for (int i = 0; i < 5; ++i) {
    sleepers.add([&] {
      e.wait([&] { return order.recheck(open); });
      through.fetch_add(1);
    });
  }
  sleepers.start();
  while (!e.has_waiters(peal::side::rare)) std::this_thread::yield();
  order.publish(open, true);
  e.notify_all();
  sleepers.join();
  CHECK(through.load() == 5);
}

TEST_CASE("event_count: threads that take turns asleep never miss a wake-up", "[ring][event_count][P13]") {
  const auto mode = RING_BOTH_MODES;
  watchdog guard{"ping-pong"};
  ping_pong<peal::native_atomics>(mode, 10'000);
}

TEST_CASE("event_count: it works without a futex as well", "[ring][event_count][P13]") {
  watchdog guard{"ping-pong without a futex"};
  ping_pong<portable_atomics>(barrier_mode::sequential, 4'000);
  event_count<portable_atomics> e;
  CHECK_FALSE(e.wait_for(2ms, [] { return false; }));
}

TEST_CASE("event_count: a sleeper uses no CPU and is not switched to", "[ring][event_count][P13]") {
  const auto mode = RING_BOTH_MODES;
  watchdog guard{"idle sleeper"};
  const barrier<> order{mode};
  event_count<> e{order};
  std::atomic<bool> done{false};
  ::rusage before{};
  ::rusage after{};
  std::atomic<int> looks{0};
  std::thread sleeper{[&] {
    ::getrusage(RUSAGE_THREAD, &before);
    e.wait([&] {
      looks.fetch_add(1, std::memory_order_relaxed);
      return order.recheck(done);
    });
    ::getrusage(RUSAGE_THREAD, &after);
  }};
  while (!e.has_waiters(peal::side::rare)) std::this_thread::yield();
  // Time passes for somebody else.
  event_count<> clock;
  CHECK_FALSE(clock.wait_for(300ms, [] { return false; }));
  const int looks_before = looks.load();
  order.publish(done, true);
  e.notify_one();
  sleeper.join();
  CHECK(looks.load() - looks_before <= 3);       // it did not look around while it slept
  CHECK(after.ru_nvcsw - before.ru_nvcsw <= 8);  // the yields and one sleep
  const auto ticks = [](const ::timeval& t) { return static_cast<long>(t.tv_sec) * 1'000'000 + t.tv_usec; };
  CHECK(ticks(after.ru_utime) + ticks(after.ru_stime) - ticks(before.ru_utime) - ticks(before.ru_stime) < 20'000);
}
