// SPDX-License-Identifier: MIT
// Handlers that throw, and buses that end: the programs on which other libraries lose events or call the dead.
#include <peal/peal.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "support/bus_fixture.hpp"
#include "support/catch.hpp"

namespace {

using namespace std::chrono_literals;

struct tick {
  int number = 0;
};

[[noreturn]] void fail() { throw std::runtime_error("on purpose"); }

}  // namespace

TEST_CASE("bus: ten events, the third throws, nine are handled, wherever it throws", "[bus][P5][P3]") {
  peal::bus<tick> bus{{.workers = 2}};
  std::atomic<int> other{0};
  auto beside = bus.subscribe<tick>("beside", [&](const tick&) { ++other; });
  std::atomic<int> handled{0};
  peal::subscription s;
  SECTION("handler") {
    s = bus.subscribe<tick>("s", [&](const tick& t) {
      if (t.number == 3) fail();
      ++handled;
    });
  }
  SECTION("filter") {
    s = bus.subscribe<tick>(
        "s", [&](const tick&) { ++handled; },
        peal::filter{[](const tick& t) { return t.number == 3 ? (fail(), true) : true; }});
  }
  SECTION("key function") {
    s = bus.subscribe<tick>(
        "s", [&](const tick&) { ++handled; },
        peal::idempotent{[](const tick& t) { return t.number == 3 ? (fail(), 0) : t.number; }});
  }
  SECTION("middleware") {
    s = bus.subscribe<tick>(
        "s", [&](const tick&) { ++handled; }, peal::middleware{[](const tick& t, peal::delivery&, auto next) {
          if (t.number == 3) fail();
          next();
        }});
  }
  SECTION("handler on the publisher's thread") {
    s = bus.subscribe<tick>(
        "s",
        [&](const tick& t) {
          if (t.number == 3) fail();
          ++handled;
        },
        peal::on_publisher_thread);
  }
  for (int i = 1; i <= 10; ++i) bus.publish(tick{i});
  REQUIRE(bus.settle());
  CHECK(handled == 9);
  CHECK(other == 10);
  const auto letters = bus.dead_letters<tick>();
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].event.number == 3);
  REQUIRE(letters[0].errors.size() == 1);
  CHECK(letters[0].errors[0].what == "on purpose");
  peal_test::check_books(s.statistics());
  peal_test::check_books(beside.statistics());
}

TEST_CASE("bus: a handler does not run after stop has returned, and its captures are gone", "[bus][P8]") {
  peal::bus<tick> bus{{.workers = 2}};
  for (const bool here : {false, true}) {
    std::weak_ptr<std::atomic<int>> watch;
    peal::subscription s;
    {
      auto captured = std::make_shared<std::atomic<int>>(0);
      watch = captured;
      auto count = [kept = std::move(captured)](const tick&) { ++*kept; };
      s = here ? bus.subscribe<tick>("s", std::move(count), peal::on_publisher_thread)
               : bus.subscribe<tick>("s", std::move(count));
    }
    for (int i = 0; i < 100; ++i) bus.publish(tick{i});
    CHECK(s.stop() == peal::stop_result::stopped);
    CHECK(watch.expired());
    bus.publish(tick{0});
    CHECK(bus.settle());
  }
}

TEST_CASE("bus: publishers that wait are released when it closes", "[bus][P11][P10]") {
  peal::bus<peal::topic<tick, peal::capacity<2>>> bus{{.workers = 1}};
  auto s = bus.subscribe<tick>("paused", [](const tick&) {});
  s.pause();
  while (bus.try_publish(tick{1})) {
  }
  std::atomic<bool> waiting{false};
  std::optional<peal::publish_errc> refused;
  std::thread publisher{[&] {
    waiting = true;
    try {
      bus.publish(tick{2});
    } catch (const peal::publish_refused& e) {
      refused = e.code();
    }
  }};
  while (!waiting) std::this_thread::yield();
  const auto report = bus.drain(10ms);
  publisher.join();
  REQUIRE(refused);
  CHECK(*refused == peal::publish_errc::closing);
  CHECK_FALSE(report.complete);
  CHECK(report.abandoned == 2);
  CHECK(report.abandoned_ids.size() == 2);
}

TEST_CASE("bus: its destructor waits for a running handler", "[bus][P11]") {
  std::atomic<bool> inside{false};
  std::atomic<bool> go{false};
  std::atomic<bool> finished{false};
  std::thread opener;
  {
    peal::bus<tick> bus{{.workers = 1}};
    bus.subscribe<tick>("slow",
                        [&](const tick&) {
                          inside = true;
                          while (!go) std::this_thread::yield();
                          finished = true;
                        })
        .keep();
    bus.publish(tick{1});
    while (!inside) std::this_thread::yield();
    opener = std::thread{[&] { go = true; }};
  }
  CHECK(finished);
  opener.join();
}

TEST_CASE("bus: a handler may destroy its own bus", "[bus][P11][P8]") {
  std::atomic<bool> published{false};
  std::atomic<bool> gone{false};
  auto bus = std::make_unique<peal::bus<tick>>(peal::bus_options{.workers = 2});
  auto s = bus->subscribe<tick>("last", [&](const tick&) {
    while (!published) std::this_thread::yield();  // nobody may be in a call of a bus that ends
    bus.reset();
    gone = true;
  });
  bus->publish(tick{1});
  published = true;
  while (!gone) std::this_thread::yield();
  CHECK(s.stop() == peal::stop_result::stopped);
}
