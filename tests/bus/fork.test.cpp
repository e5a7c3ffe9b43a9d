// SPDX-License-Identifier: MIT
// P14: a fork's child is refused, can let go of the bus and its subscriptions, and does not touch the parent's work.
#include "support/bus_fixture.hpp"
#include "support/threads.hpp"

#include <memory>

namespace {

using namespace peal_test;

struct job {
  std::uint64_t n = 0;
};
using bus_type = peal::bus<peal::topic<job, peal::capacity<8>>>;

bool refused_as_forked(bus_type& bus) {
  const auto r = bus.try_publish(job{});
  if (r || r.error() != peal::publish_errc::forked) return false;
  try {
    bus.publish(job{});
    return false;
  } catch (const peal::publish_refused& e) {
    return e.code() == peal::publish_errc::forked;
  }
}

}  // namespace

TEST_CASE("fork: a child's publish is refused and it can let go of everything", "[bus][fork][P14]") {
  std::atomic<std::uint64_t> handled{0};
  auto bus = std::make_unique<bus_type>(peal::bus_options{.workers = 2});
  auto s = bus->subscribe<job>("s", [&](const job&) { ++handled; });
  auto here = bus->subscribe<job>(
      "here", [](const job&) {}, peal::on_publisher_thread);
  auto paused = bus->subscribe<job>("paused", [](const job&) {});
  paused.pause();
  bus->publish(job{});

  CHECK(in_child([&] { return refused_as_forked(*bus) ? 7 : 1; }) == 7);
  CHECK(in_child([&] {
          (void)s.stop();
          (void)here.stop();
          return paused.stop() == peal::stop_result::stopped ? 7 : 1;
        }) == 7);
  CHECK(in_child([&] { return !bus->settle() && !bus->settle_for(1h) ? 7 : 1; }) == 7);
  CHECK(in_child([&] { return !bus->drain(1h).complete ? 7 : 1; }) == 7);
  CHECK(in_child([&] { return bus->poll() == 0 ? 7 : 1; }) == 7);
  CHECK(in_child([&] {
          bus.reset();
          return 7;
        }) == 7);
  CHECK(in_child([&] {
          { auto gone = std::move(s); }
          bus.reset();
          here = {};
          return 7;
        }) == 7);

  // The parent goes on.
  for (std::uint64_t n = 1; n < 5; ++n) bus->publish(job{n});
  paused.resume();
  REQUIRE(bus->settle());
  CHECK(handled == 5);
}

TEST_CASE("fork: the child neither hangs nor crashes, whatever the parent's threads were doing", "[bus][fork][P14]") {
  auto bus = std::make_unique<bus_type>(peal::bus_options{.workers = 2});
  std::atomic<bool> over{false};
  auto s = bus->subscribe<job>("s", [](const job&) {});
  std::vector<std::thread> busy;
  busy.emplace_back([&] {
    for (std::uint64_t n = 0; !over.load(); ++n) bus->publish(job{n});
  });
  busy.emplace_back([&] {
    while (!over.load()) (void)bus->statistics();
  });
  busy.emplace_back([&] {
    while (!over.load()) {
      auto short_lived = bus->subscribe<job>("short", [](const job&) {});
      short_lived.pause();
    }
  });
  int wrong = 0;
  for (std::uint64_t i = 0; i < repeat(60, 4); ++i) {
    const int ended = in_child(
        [&] {
          if (!refused_as_forked(*bus)) return 1;
          if (i % 3 == 0) (void)s.stop();
          if (i % 3 == 1 && bus->settle_for(1h)) return 2;
          if (i % 3 == 2 && bus->drain(1h).complete) return 3;
          bus.reset();
          return 7;
        },
        20);
    if (ended != 7) ++wrong;
  }
  over = true;
  for (auto& t : busy) t.join();
  CHECK(wrong == 0);
  REQUIRE(bus->settle());
}

TEST_CASE("fork: a child's poll runs nothing of the parent's", "[bus][fork][P14]") {
  std::atomic<std::uint64_t> handled{0};
  bus_type bus{{.workers = 0}};
  const auto s = bus.subscribe<job>("s", [&](const job&) { ++handled; });
  bus.publish(job{});
  CHECK(in_child([&] { return bus.poll() == 0 && bus.poll_for(1ms) == 0 && handled == 0 ? 7 : 1; }) == 7);
  while (bus.poll() != 0) {
  }
  CHECK(handled == 1);
}
