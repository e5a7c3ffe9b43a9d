// SPDX-License-Identifier: MIT
// Options, names, limits, and the handles that components take.
#include "support/bus_fixture.hpp"

namespace {

using namespace peal_test;

struct placed {
  std::uint64_t n = 0;
};
struct cancelled {
  std::uint64_t n = 0;
};
struct paid {
  std::uint64_t n = 0;
};
struct tape {
  std::uint64_t n = 0;
};
using shop = peal::bus<peal::topic<placed, cancelled>, peal::topic<paid, peal::timed>>;

/// A module that knows events, not buses.
peal::subscription wire_payment(peal::subscriber<placed, peal::publishes<paid>> in) {
  return in.subscribe("payment", [](const placed& p) -> paid { return {p.n}; });
}

}  // namespace

TEST_CASE("options: a value that makes no sense is named", "[bus][options]") {
  const auto refused = [](peal::bus_options o) {
    try {
      peal::bus<placed> bus{o};
      return std::string("accepted");
    } catch (const peal::bad_option& e) {
      return std::string(e.what());
    }
  };
  CHECK_THAT(refused({.workers = 1000}), contains_text("workers"));
  CHECK_THAT(refused({.capacity = 0}), contains_text("capacity"));
  CHECK_THAT(refused({.max_subscriptions = 0}), contains_text("max_subscriptions"));
  CHECK_THAT(refused({.lane_capacity = 0}), contains_text("lane_capacity"));
  CHECK_THAT(refused({.max_dead_letters = 0}), contains_text("max_dead_letters"));
  CHECK(refused({}) == "accepted");
}

TEST_CASE("names: one at a time, and free again after the stop", "[bus][names]") {
  const bool on_publisher = GENERATE(false, true);
  peal::bus<placed> bus{{.workers = 1}};
  const auto subscribe = [&] {
    return on_publisher ? bus.subscribe<placed>(
                              "mail", [](const placed&) {}, peal::on_publisher_thread)
                        : bus.subscribe<placed>("mail", [](const placed&) {});
  };
  auto first = subscribe();
  CHECK(first.name() == "mail");
  CHECK_THROWS_AS(subscribe(), peal::name_in_use);
  CHECK_THROWS_WITH(subscribe(), contains_text("mail"));
  (void)first.stop();
  auto second = subscribe();
  CHECK(second.active());
}

TEST_CASE("limits: max_subscriptions of a topic, and no seat is used up for ever", "[bus][names]") {
  const watchdog dog{"limits"};
  peal::bus<placed> bus{{.workers = 1, .max_subscriptions = 3}};
  std::vector<peal::subscription> held;
  const auto subscribe = [&](std::string name) { return bus.subscribe<placed>(std::move(name), [](const placed&) {}); };
  for (int i = 0; i < 3; ++i) held.push_back(subscribe("s" + std::to_string(i)));
  CHECK_THROWS_AS(subscribe("one too many"), peal::limit_reached);
  CHECK_THROWS_WITH(subscribe("one too many"), contains_text("max_subscriptions"));
  for (int i = 0; i < 1000; ++i) {
    (void)held.back().stop();
    held.back() = subscribe("again");
    bus.publish(placed{});
    REQUIRE(bus.settle());
  }
}

TEST_CASE("names: the same one taken by several threads at once stands once", "[bus][names][P8]") {
  const watchdog dog{"names"};
  peal::bus<placed> bus{{.workers = 2}};
  std::atomic<std::uint64_t> standing{0}, wrong{0}, taken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (std::uint64_t k = 0; k < repeat(2000, 10); ++k) {
        try {
          auto s = bus.subscribe<placed>("one", [](const placed&) {});
          if (++standing != 1) ++wrong;
          ++taken;
          bus.publish(placed{});
          --standing;
        } catch (const peal::name_in_use&) {
        }
      }
    });
  }
  for (auto& t : threads) t.join();
  CHECK(wrong == 0);
  CHECK(taken > 0);
}

TEST_CASE("handles: a component publishes and subscribes without knowing the bus", "[bus][handles]") {
  const watchdog dog{"handles"};
  shop bus{{.workers = 2}};
  const auto payment = wire_payment(bus);
  std::uint64_t got = 0;
  peal::subscriber<paid> in = bus;
  const auto s = in.subscribe("books", [&](const paid&) { ++got; });
  CHECK_THROWS_AS(in.subscribe("books", [](const paid&) {}), peal::name_in_use);
  const peal::publisher<placed> out = bus;
  const peal::publisher<placed> copy = out;
  const placed lvalue{3};
  CHECK(copy.publish(lvalue).id());
  CHECK(out.try_publish(placed{4}));
  CHECK(out.try_publish_for(placed{5}, 1s));
  REQUIRE(bus.settle());
  CHECK(got == 3);
}

TEST_CASE("handles: a receipt names the event, its topic and its place", "[bus][handles]") {
  shop bus{{.workers = 1}};
  peal::event_id seen{};
  std::uint64_t position = 99;
  std::optional<peal::time_point> at;
  const auto s = bus.subscribe<paid>("s", [&](const paid&, peal::delivery& d) {
    seen = d.id();
    position = d.position();
    at = d.published_at();
  });
  const auto before = std::chrono::steady_clock::now();
  (void)bus.publish(paid{});
  const peal::receipt r = bus.publish(paid{});
  REQUIRE(bus.settle());
  CHECK(r.id() == seen);
  CHECK(r.id().topic() == 1);
  CHECK(r.id().position() == 1);
  CHECK(position == 1);
  CHECK(!r.in_lane());
  REQUIRE(at);
  CHECK(*at >= before);
  CHECK(*at <= std::chrono::steady_clock::now());
}

TEST_CASE("handles: correlation is the caller's, is inherited, and causation names the cause", "[bus][handles][P7]") {
  const watchdog dog{"correlation"};
  shop bus{{.workers = 1}};
  std::uint64_t wrong = 0, seen = 0;
  const peal::event_id request{7, 9};
  const peal::event_id other{1, 2};
  const auto a = bus.subscribe<placed>("a", [&](const placed& p, peal::delivery& d) -> paid {
    if (d.correlation() != (p.n == 0 ? request : d.id()) || d.causation()) ++wrong;
    if (p.n == 0) bus.publish(cancelled{d.position()});
    if (p.n == 1) bus.publish(cancelled{d.position()}, {.correlation = other, .causation = other});
    return {d.position()};
  });
  const auto b = bus.subscribe<cancelled>("b", [&](const cancelled& c, peal::delivery& d) {
    ++seen;
    const bool first = c.n == 0;
    if (d.correlation() != (first ? request : other)) ++wrong;
    if (first ? d.causation().position() != c.n : d.causation() != other) ++wrong;
  });
  const auto c = bus.subscribe<paid>("c", [&](const paid& p, peal::delivery& d) {
    ++seen;
    if (d.causation().position() != p.n || d.causation().topic() != 0) ++wrong;
    if (p.n == 0 && d.correlation() != request) ++wrong;
    if (p.n != 0 && d.correlation() != d.causation()) ++wrong;
  });
  bus.publish(placed{0}, {.correlation = request});
  REQUIRE(bus.settle());
  bus.publish(placed{1});
  REQUIRE(bus.settle());
  CHECK(seen == 4);
  CHECK(wrong == 0);
}

TEST_CASE("single_producer: one publisher at a time, which may hand over", "[bus][handles][P2]") {
  std::atomic<std::uint64_t> handled{0};
  const watchdog dog{"sole publisher", &handled};
  using single = peal::topic<tape, peal::capacity<4>, peal::single_producer>;
  bus_fixture<single, placed> f{{.workers = 2}};
  std::uint64_t next = 0, wrong = 0;
  const auto s = f.subscribe<tape>("s", [&](const tape& t) {
    if (t.n != next++) ++wrong;
    ++handled;
    if (t.n % 3 == 0) std::this_thread::yield();  // slow enough for the lane to fill
  });
  const std::uint64_t events = repeat(20'000, 10);
  std::uint64_t n = 0;
  {
    auto out = f->sole_publisher<tape>();
    CHECK_THROWS_AS(f->sole_publisher<tape>(), peal::name_in_use);
    for (; n < events; ++n) out.publish(tape{n});
    std::thread elsewhere{[&, moved = std::move(out)]() mutable {
      for (; n < 2 * events; ++n) moved.publish(tape{n});
    }};
    elsewhere.join();
  }
  {
    // Inside a handler, where the lane may be drained by others.
    peal::sole_publisher<tape> out{*f};
    CHECK_THROWS_AS(peal::sole_publisher<tape>{*f}, peal::name_in_use);
    const auto inside = f.subscribe<placed>("inside", [&](const placed&) {
      for (int i = 0; i < 7; ++i) {
        if (!out.try_publish(tape{n})) break;
        ++n;
        if (i % 2 == 0) std::this_thread::yield();
      }
    });
    for (std::uint64_t i = 0; i < repeat(5000, 10); ++i) f->publish(placed{i});
    f.settle();
  }
  CHECK(wrong == 0);
  CHECK(next == n);
  CHECK(f.of("s").handled == n);
}
