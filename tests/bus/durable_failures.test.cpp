// SPDX-License-Identifier: MIT
// P35 on threads: whoever waits is released with the right answer when the store of a bus fails, and nothing hangs.
#include <peal/bus/durable.hpp>
#include <peal/store/memory_store.hpp>
#include <peal/testing/faulty_store.hpp>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "bus/failing_store.hpp"
#include "support/bus_fixture.hpp"

namespace {

using namespace peal_test;
using peal::store_errc;

struct note {
  std::int64_t n{};
};
using bus_type = peal::bus<peal::topic<tick, peal::durable, peal::capacity<16>>, note>;

/// Stands in a commit until a test lets it go on, and then says what the test wants.
struct held_store final : peal::testing::store_wrapper {
  using store_wrapper::store_wrapper;
  void commit(const peal::store_batch& b) override {
    if (!b.events.empty() && holds) {
      inside.open();
      go_on.wait();
      throw peal::store_error(peal::store_errc::io, place(), "commit", "a test wants it");
    }
    wrapped().commit(b);
  }
  std::atomic<bool> holds{false};
  door inside, go_on;
};

}  // namespace

TEST_CASE("durable: a failing store releases publishers, waiters and settle with the right answer",
          "[bus][durable][P35][P11][P15]") {
  const watchdog dog{"a failing store"};
  for (const unsigned workers : {1U, 2U}) {
    peal::memory_store kept;
    held_store store{&kept};
    bus_type bus{{.workers = workers}, store};
    std::int64_t handled = 0;
    std::atomic<std::int64_t> notes{0};
    const auto s = bus.subscribe<tick>("ledger", [&](const tick&) { ++handled; });
    const auto m = bus.subscribe<note>("notes", [&](const note&) { ++notes; });
    bus.wait_durable(bus.publish(tick{0}));
    REQUIRE(bus.settle());  // and it is out of the ring
    store.holds = true;
    const peal::receipt lost = bus.publish(tick{1});
    store.inside.wait();
    for (std::int64_t n = 2; n != 17; ++n) REQUIRE(bus.try_publish(tick{n}));  // the ring is full then
    std::atomic<int> released{0};
    std::atomic<int> wrong{0};
    std::atomic<int> begun{0};
    std::vector<std::thread> threads;
    for (int i = 0; i != 3; ++i) {
      threads.emplace_back([&] {
        ++begun;
        const auto r = bus.try_publish_for(tick{100}, 1h);
        wrong += r.has_value() || r.error() != peal::publish_errc::store_failed;
        ++released;
      });
      threads.emplace_back([&] {
        ++begun;
        try {
          bus.wait_durable(lost);
          ++wrong;
        } catch (const peal::publish_refused&) {
        }
        ++released;
      });
    }
    threads.emplace_back([&] {
      ++begun;
      wrong += static_cast<bool>(bus.settle());
      ++released;
    });
    until([&] { return begun == 7; });
    for (int i = 0; i != 2'000; ++i) std::this_thread::yield();  // most of them sleep by then
    store.go_on.open();
    for (auto& t : threads) t.join();
    CHECK(released == 7);
    CHECK(wrong == 0);
    bus.publish(note{1});
    until([&] { return notes == 1; });
    const auto d = bus.durability();
    CHECK(d.failed);
    CHECK(d.not_durable.size() == d.topics.at(0).accepted - 1);
    const auto report = bus.drain(1h);
    CHECK(report.took < 60s);
    CHECK(report.not_durable == d.not_durable);
    CHECK(handled == 1);
    CHECK(kept.range("test.tick").next == 1);
  }
}

TEST_CASE("durable: a bus whose store fails ends while publishers wait", "[bus][durable][P35][P11]") {
  const watchdog dog{"the end of a bus with a failing store"};
  peal::memory_store kept;
  held_store store{&kept};
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  {
    bus_type bus{{.workers = 2}, store};
    const auto s = bus.subscribe<tick>("ledger", [](const tick&) {});
    store.holds = true;
    bus.publish(tick{0});
    store.inside.wait();
    for (std::int64_t n = 1; n != 16; ++n) bus.publish(tick{n});
    for (int i = 0; i != 4; ++i) {
      threads.emplace_back([&] {
        const auto r = bus.try_publish_for(tick{100}, 1h);
        wrong += r.has_value();
      });
    }
    store.go_on.open();
    until([&] { return bus.durability().failed; });
    for (auto& t : threads) t.join();
  }
  CHECK(wrong == 0);
  CHECK(kept.range("test.tick").next == 0);
}

TEST_CASE("durable: who polls and waits for a store without space is answered once there is some",
          "[bus][durable][P35]") {
  const watchdog dog{"a poller's wait_durable"};
  peal::memory_store kept;
  struct : peal::testing::store_wrapper {
    using store_wrapper::store_wrapper;
    void commit(const peal::store_batch& b) override {
      if (left-- > 0) throw peal::store_error(store_errc::no_space, place(), "commit");
      wrapped().commit(b);
    }
    int left = 0;
  } store{&kept};
  bus_type bus{{.workers = 0}, store};
  store.left = 3;
  const auto r = bus.publish(tick{1});
  CHECK_FALSE(bus.wait_durable_for(r, 1ms));
  bus.wait_durable(r);
  CHECK(store.left < 0);
  CHECK(kept.range("test.tick").next == 1);
}

TEST_CASE("durable: a store without space for a while loses nothing, and who waits goes on by itself",
          "[bus][durable][P35]") {
  const watchdog dog{"no space for a while"};
  peal::memory_store kept;
  peal::testing::faulty_store store{&kept};
  std::vector<std::int64_t> seen;
  constexpr std::int64_t events = 2'000;
  std::atomic<std::int64_t> acknowledged{0};
  {
    bus_type bus{{.workers = 2}, store};
    const auto s = bus.subscribe<tick>("ledger", [&](const tick& t) { seen.push_back(t.n); });
    store.fail(2, store_errc::no_space);
    for (std::int64_t n = 0; n != events; ++n) {
      const auto r = bus.publish(tick{n});
      if (n % 100 != 0) continue;
      bus.wait_durable(r);
      ++acknowledged;
    }
    CHECK(bus.settle());
  }
  CHECK(acknowledged == events / 100);
  CHECK(seen.size() == events);
  for (std::size_t i = 0; i != seen.size(); ++i) {
    if (seen[i] != static_cast<std::int64_t>(i)) FAIL("at " << i << " stands " << seen[i]);
  }
  CHECK(kept.range("test.tick").next == events);
}
