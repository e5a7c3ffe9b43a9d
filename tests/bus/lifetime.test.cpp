// SPDX-License-Identifier: MIT
// P9, P11, P6: every event is destroyed once and in time; a bus may end while publishers wait and handlers run.
#include "support/bus_fixture.hpp"
#include "support/threads.hpp"

#include <cstdlib>
#include <functional>
#include <memory>

namespace {

using namespace peal_test;

struct job {
  std::uint64_t n = 0;
};
using small = peal::topic<job, peal::capacity<4>>;

bool all_gone() { return counted::alive.load() == 0; }

}  // namespace

TEST_CASE("lifetime: an event dies when its last subscription is done with it", "[bus][lifetime][P9]") {
  const watchdog dog{"event lifetime"};
  counted::alive = 0;
  {
    bus_fixture<counted> f{{.workers = 2}};  // 4096 slots: nothing dies because the ring comes round
    std::atomic<std::uint64_t> broken{0};
    const auto check = [&](const counted& c) {
      if (!c.whole()) ++broken;
    };
    SECTION("with two readers") {
      const auto a = f.subscribe<counted>("a", check);
      const auto b = f.subscribe<counted>("b", check);
      for (std::uint64_t n = 0; n < 100; ++n) f->publish(counted{n});
      f.settle();
      until(all_gone);
    }
    SECTION("with one reader that is paused, then stopped") {
      const auto a = f.subscribe<counted>("a", check);
      auto b = f.subscribe<counted>("b", check);
      b.pause();
      for (std::uint64_t n = 0; n < 100; ++n) f->publish(counted{n});
      until([&] { return f.of("a").handled == 100; });
      CHECK(counted::alive == 100);
      (void)b.stop();
      CHECK(f.of("b").stopped == 100);
      until(all_gone);
    }
    SECTION("unheard: at once") {
      for (std::uint64_t n = 0; n < 10; ++n) {
        f->publish(counted{n});
        CHECK(counted::alive == 0);
      }
      CHECK(f->statistics().topics[0].unheard == 10);
    }
    SECTION("with a handler on this thread, alone and beside a reader") {
      const auto here = f.subscribe<counted>("here", check, peal::on_publisher_thread);
      f->publish(counted{1});
      CHECK(counted::alive == 0);
      const auto a = f.subscribe<counted>("a", check);
      for (std::uint64_t n = 0; n < 100; ++n) f->publish(counted{n});
      f.settle();
      until(all_gone);
    }
    SECTION("through failures, letters and redrive") {
      const auto a = f.subscribe<counted>(
          "a",
          [&, runs = 0](const counted& c) mutable {
            check(c);
            if (++runs % 3 != 0) throw std::runtime_error("no");
          },
          peal::otherwise(peal::backoff{.attempts = 2, .first = 0s}));
      for (std::uint64_t n = 0; n < 100; ++n) f->publish(counted{n});
      f.settle();
      CHECK(static_cast<std::uint64_t>(counted::alive.load()) == f->statistics().topics[0].letters);
      (void)f->redrive<counted>();
      f.settle();
      (void)f->discard_letters<counted>();
      CHECK(counted::alive == 0);
    }
    SECTION("refused: left with the caller") {
      auto a = f.subscribe<counted>("a", check);
      a.pause();
      counted mine{7};
      while (f->try_publish(counted{1})) {
      }
      CHECK(!f->try_publish(std::move(mine)));
      CHECK(mine.whole());
    }
    CHECK(broken == 0);
  }
  CHECK(counted::alive == 0);
}

TEST_CASE("lifetime: what is left in rings, lanes, side stores and letters dies with the bus", "[bus][lifetime][P9]") {
  counted::alive = 0;
  {
    peal::bus<peal::topic<counted, peal::capacity<2>>, job> bus{{.workers = 2, .overload_after = 1h}};
    auto paused = bus.subscribe<counted>("paused", [](const counted&) {});
    paused.pause();
    const auto inside = bus.subscribe<job>("inside", [&](const job&) {
      for (std::uint64_t n = 0; n < 20; ++n) (void)bus.try_publish(counted{n});
    });
    const auto failing = bus.subscribe<counted>("failing", [](const counted& c) -> peal::outcome {
      return c.value == 0 ? peal::retry_after(1h) : peal::reject("no");
    });
    bus.publish(job{});
    until([&] { return bus.statistics().topics[0].letters == 1 && bus.statistics().topics[0].in_lane == 18; });
    CHECK(counted::alive >= 20);
  }
  CHECK(counted::alive == 0);
}

TEST_CASE("lifetime: destroying the bus releases waiting publishers with `closed`", "[bus][lifetime][P11]") {
  std::atomic<std::uint64_t> rounds{0};
  const watchdog dog{"destroy while publishers wait", &rounds};
  for (; rounds < 50; ++rounds) {
    auto bus = std::make_unique<peal::bus<small>>(peal::bus_options{.workers = 1});
    auto s = bus->subscribe<job>("s", [](const job&) {});
    s.pause();
    for (int i = 0; i < 4; ++i) bus->publish(job{});
    std::atomic<int> closed{0};
    auto& target = *bus;
    const auto wait = [&closed, &target] {
      try {
        target.publish(job{});
      } catch (const peal::publish_refused& e) {
        if (e.code() == peal::publish_errc::closed) ++closed;
      }
    };
    sleeper a{wait}, b{wait}, c{[&closed, &target] {
      if (const auto r = target.try_publish_for(job{}, 1h); !r && r.error() == peal::publish_errc::closed) ++closed;
    }};
    a.until_asleep();
    b.until_asleep();
    c.until_asleep();
    bus.reset();
    a.join();
    b.join();
    c.join();
    REQUIRE(closed == 3);
  }
}

TEST_CASE("lifetime: the destructor waits for running handlers", "[bus][lifetime][P11]") {
  const bool on_publisher = GENERATE(false, true);
  const watchdog dog{"destroy while handlers run"};
  door inside, go_on;
  std::atomic<bool> ended{false};
  auto bus = std::make_unique<peal::bus<job>>(peal::bus_options{.workers = 1});
  const auto handler = [&](const job&) {
    inside.open();
    go_on.wait();
    ended = true;
  };
  auto s =
      on_publisher ? bus->subscribe<job>("s", handler, peal::on_publisher_thread) : bus->subscribe<job>("s", handler);
  std::thread publisher{[&, target = bus.get()] { target->publish(job{}); }};
  inside.wait();
  bool ended_before = false;
  sleeper destroyer{[&] {
    bus.reset();
    ended_before = ended;
  }};
  destroyer.until_asleep();
  CHECK(!ended);
  go_on.open();
  destroyer.join();
  publisher.join();
  CHECK(ended_before);
  CHECK(!s.active());
  CHECK(s.stop() == peal::stop_result::stopped);
}

TEST_CASE("lifetime: a handler may destroy its own bus", "[bus][lifetime][P11]") {
  std::atomic<std::uint64_t> rounds{0};
  const watchdog dog{"a handler destroys its bus", &rounds};
  for (; rounds < 100; ++rounds) {
    auto alive = std::make_shared<int>(1);
    const std::weak_ptr<int> gone = alive;
    auto bus =
        std::make_unique<peal::bus<job, peal::topic<counted, peal::capacity<2>>>>(peal::bus_options{.workers = 3});
    auto other = bus->subscribe<counted>("other", [](const counted&) {});
    door published;
    auto s = bus->subscribe<job>("s", [&bus, &published, a = std::move(alive)](const job&) {
      for (std::uint64_t n = 0; n < 5; ++n) (void)bus->try_publish(counted{n});
      published.wait();  // nobody may be in a call of a bus that is destroyed, but publishers that wait for room
      bus.reset();
    });
    bus->publish(job{});
    published.open();
    until([&] { return gone.expired() && !s.active(); });
  }
  until(all_gone);
}

TEST_CASE("lifetime: a token may outlive its bus", "[bus][lifetime][P11]") {
  peal::subscription s, kept;
  peal::subscription::meter meter;
  {
    peal::bus<job> bus{{.workers = 1}};
    s = bus.subscribe<job>("s", [](const job&) {});
    meter = s.counters();
    bus.subscribe<job>("kept", [](const job&) {}).keep();
    bus.publish(job{});
    REQUIRE(bus.settle());
    CHECK(bus.statistics().subscriptions.size() == 2);
  }
  s.pause();
  s.resume();
  CHECK(s.statistics().name.empty());
  CHECK(meter.statistics().name.empty());
  CHECK(s.name() == "s");
  CHECK(s.stop() == peal::stop_result::stopped);
}

TEST_CASE("lifetime: a bus may be static, thread_local, and its process may exit in a handler",
          "[bus][lifetime][P11]") {
  CHECK(in_child([] {
          static std::atomic<int> handled{0};
          static peal::bus<job> bus{{.workers = 2}};
          static const auto s = bus.subscribe<job>("s", [](const job&) { ++handled; });
          for (int i = 0; i < 100; ++i) bus.publish(job{});
          std::exit(7);  // static objects are destroyed with events on their way
          return 1;
        }) == 7);
  CHECK(in_child([] {
          static peal::bus<job> bus{{.workers = 2}};
          static const auto s = bus.subscribe<job>("s", [](const job&) { std::exit(7); });
          bus.publish(job{});
          for (;;) std::this_thread::yield();
          return 1;
        }) == 7);
  CHECK(in_child([] {
          std::thread owner{[] {
            thread_local peal::bus<job> bus{{.workers = 1}};
            thread_local const auto s = bus.subscribe<job>("s", [](const job&) {});
            bus.publish(job{});
          }};
          owner.join();
          return 7;
        }) == 7);
}

TEST_CASE("lifetime: destructors of events never run under a lock of ours", "[bus][lifetime][P6]") {
  struct curious {
    const std::function<void()>* look = nullptr;
    explicit curious(const std::function<void()>* f) noexcept : look{f} {}
    curious(const curious& other) noexcept = default;
    curious(curious&& other) noexcept : look{std::exchange(other.look, nullptr)} {}
    ~curious() {
      if (look != nullptr) (*look)();
    }
  };
  std::atomic<std::uint64_t> rounds{0};
  const watchdog dog{"destructors that look at the bus", &rounds};
  peal::bus<peal::topic<curious, peal::capacity<4>>> bus{{.workers = 2}};
  const std::function<void()> look = [&] {
    (void)bus.statistics();
    (void)bus.discard_letters<curious>({.number = 1});
  };
  const auto steady = bus.subscribe<curious>("steady", [](const curious&) {});
  std::atomic<bool> over{false};
  std::thread publisher{[&] {
    while (!over.load()) bus.publish(curious{&look});
  }};
  for (; rounds < repeat(20'000, 10); ++rounds) {
    const auto s = bus.subscribe<curious>("s", [n = 0](const curious&) mutable {
      if (++n % 2 == 0) throw std::runtime_error("a letter");
    });
    if (rounds % 2 == 0) std::this_thread::yield();
    if (rounds % 64 == 0) (void)bus.discard_letters<curious>();
  }
  over = true;
  publisher.join();
  REQUIRE(bus.settle());
  (void)bus.discard_letters<curious>();  // what is left when the bus ends must not look at it any more
}
