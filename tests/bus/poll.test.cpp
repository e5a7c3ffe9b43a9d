// SPDX-License-Identifier: MIT
// Handlers on threads that the user pumps, buses without workers, and subscriptions held back.
#include "support/bus_fixture.hpp"
#include "support/threads.hpp"

namespace {

using namespace peal_test;

struct frame_drawn {
  std::uint64_t n = 0;
};
struct clicked {
  std::uint64_t n = 0;
};
using small = peal::topic<frame_drawn, peal::capacity<8>>;

}  // namespace

TEST_CASE("poll: on_poll runs on the thread that polls, the others on workers", "[bus][poll]") {
  const watchdog dog{"poll"};
  bus_fixture<frame_drawn> f{{.workers = 1}};
  const auto self = std::this_thread::get_id();
  std::uint64_t polled = 0, strangers = 0;
  std::atomic<std::uint64_t> worked{0};
  const auto p = f.subscribe<frame_drawn>(
      "polled",
      [&](const frame_drawn&) {
        ++polled;
        if (std::this_thread::get_id() != self) ++strangers;
      },
      peal::on_poll);
  const auto w = f.subscribe<frame_drawn>("worked", [&](const frame_drawn&) { ++worked; });
  CHECK(f->poll() == 0);
  for (std::uint64_t n = 0; n < 50; ++n) f->publish(frame_drawn{n});
  until([&] { return worked.load() == 50; });
  CHECK(polled == 0);
  const peal::settle_report waits = f->settle();
  CHECK(!waits.settled);
  REQUIRE(waits.waiting_for.size() == 1);
  CHECK_THAT(waits.waiting_for[0], contains_text("polled"));
  std::size_t runs = 0;
  while (runs < 50) runs += f->poll();
  CHECK(polled == 50);
  CHECK(runs == 50);
  CHECK(strangers == 0);
  CHECK(f->settle());
}

TEST_CASE("poll: poll_for sleeps until there is something, or its time is over", "[bus][poll]") {
  const watchdog dog{"poll_for"};
  bus_fixture<frame_drawn> f{{.workers = 1}};
  std::uint64_t polled = 0;
  const auto p = f.subscribe<frame_drawn>(
      "polled", [&](const frame_drawn&) { ++polled; }, peal::on_poll);
  const auto began = std::chrono::steady_clock::now();
  CHECK(f->poll_for(3ms) == 0);
  CHECK(std::chrono::steady_clock::now() - began >= 3ms);
  sleeper pump{[&] { (void)f->poll_for(1h); }};
  pump.until_asleep();
  f->publish(frame_drawn{});
  pump.join();
  CHECK(polled == 1);
}

TEST_CASE("poll: a bus without workers runs everything in poll, back-offs included", "[bus][poll]") {
  const watchdog dog{"no workers"};
  bus_fixture<small, clicked> f{{.workers = 0}};
  const auto self = std::this_thread::get_id();
  std::uint64_t strangers = 0, runs = 0, clicks = 0;
  const auto a = f.subscribe<frame_drawn>(
      "a",
      [&](const frame_drawn& e) -> clicked {
        if (std::this_thread::get_id() != self) ++strangers;
        if (++runs == 1) throw std::runtime_error("once");
        return {e.n};
      },
      peal::otherwise(peal::backoff{.attempts = 3, .first = 2ms, .spread = peal::jitter::none}));
  const auto b = f.subscribe<clicked>("b", [&](const clicked&) { ++clicks; });
  for (std::uint64_t n = 0; n < 8; ++n) f->publish(frame_drawn{n});
  const auto full = f->try_publish(frame_drawn{});
  CHECK(!full);
  const peal::settle_report waits = f->settle();  // names what waits for poll() instead of waiting for ever
  CHECK(!waits.settled);
  CHECK(!waits.waiting_for.empty());
  while (clicks < 8) (void)f->poll_for(1s);
  CHECK(f->settle());
  CHECK(runs == 9);
  CHECK(strangers == 0);
  CHECK(f->drain(60s).complete);
}

TEST_CASE("poll: several threads may poll, and a handler may", "[bus][poll][P8]") {
  std::atomic<std::uint64_t> handled{0};
  const watchdog dog{"polling threads", &handled};
  bus_fixture<small, clicked> f{{.workers = 0}};
  std::uint64_t last = 0, wrong = 0;
  const auto a = f.subscribe<frame_drawn>("a", [&](const frame_drawn& e) {
    if (e.n != last++) ++wrong;
    ++handled;
    (void)f->poll();
  });
  const auto b = f.subscribe<frame_drawn>("b", [&](const frame_drawn&) { ++handled; });
  const std::uint64_t events = repeat(20'000, 10);
  std::vector<std::thread> pumps;
  for (int i = 0; i < 3; ++i) {
    pumps.emplace_back([&] {
      while (handled.load() < 2 * events) (void)f->poll_for(1ms);
    });
  }
  for (std::uint64_t n = 0; n < events; ++n) f->publish(frame_drawn{n});
  for (auto& t : pumps) t.join();
  CHECK(wrong == 0);
  CHECK(f->settle());
  CHECK(f.of("a").handled == events);
  CHECK(f.of("b").handled == events);
}

TEST_CASE("poll: a polled subscription is stopped without anybody polling", "[bus][poll][P8]") {
  bus_fixture<frame_drawn> f{{.workers = 1, .max_subscriptions = 4}};
  for (int i = 0; i < 100; ++i) {  // many more than may stand at once
    auto s = f->subscribe<frame_drawn>(
        "polled", [](const frame_drawn&) {}, peal::on_poll);
    CHECK(s.stop() == peal::stop_result::stopped);
  }
  CHECK(f->statistics().subscriptions.empty());
}

TEST_CASE("pause: deliveries are held back and none is lost", "[bus][pause][P1]") {
  std::atomic<std::uint64_t> handled{0};
  const watchdog dog{"pause", &handled};
  bus_fixture<small> f{{.workers = 2}};
  std::uint64_t next = 0, wrong = 0;
  auto s = f.subscribe<frame_drawn>("s", [&](const frame_drawn& e) {
    if (e.n != next++) ++wrong;
    ++handled;
  });
  const std::uint64_t events = repeat(50'000, 10);
  std::thread publisher{[&] {
    for (std::uint64_t n = 0; n < events; ++n) f->publish(frame_drawn{n});
  }};
  std::uint64_t rounds = 0;
  for (; handled.load() < events; ++rounds) {
    s.pause();
    if (rounds % 3 == 0) std::this_thread::yield();
    s.resume();
  }
  publisher.join();
  f.settle();
  CHECK(wrong == 0);
  CHECK(handled == events);
  s.pause();
  s.pause();
  f->publish(frame_drawn{events});
  const peal::settle_report waits = f->settle();
  CHECK(!waits.settled);
  REQUIRE(!waits.waiting_for.empty());
  CHECK_THAT(waits.waiting_for[0], contains_text("paused"));
  CHECK(f.of("s").paused);
  CHECK(handled == events);
  s.resume();
  f.settle();
  CHECK(handled == events + 1);
}
