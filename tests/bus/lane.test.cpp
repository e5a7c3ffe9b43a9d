// SPDX-License-Identifier: MIT
// P7: publishing from inside never waits for room, keeps its order, and ends in letters rather than in a hang.
#include "support/bus_fixture.hpp"

#include <array>
#include <functional>
#include <numeric>

namespace {

using namespace peal_test;

struct step {
  std::uint64_t n = 0;
};
struct half {
  std::uint64_t depth = 0;
};
struct out_a {
  std::uint64_t n = 0;
};
struct out_b {
  std::uint64_t n = 0;
};
using tiny = peal::topic<step, peal::capacity<2>>;

}  // namespace

TEST_CASE("lane: a million cascades through a ring of two", "[bus][lane][P7]") {
  const std::uint64_t cascades = repeat(1'000'000, 20);
  std::atomic<std::uint64_t> handled{0};
  const watchdog dog{"cascades", &handled};
  bus_fixture<tiny> f{{.workers = 2}};
  std::uint64_t wrong = 0;

  SECTION("published by the handler itself") {
    const auto s = f.subscribe<step>("s", [&](const step& e) {
      ++handled;
      if (e.n + 1 < cascades) f->publish(step{e.n + 1});
    });
    f->publish(step{0});
    f.settle();
  }
  SECTION("returned as its output") {
    const auto s = f.subscribe<step>("s", [&](const step& e) -> std::optional<step> {
      ++handled;
      if (e.n + 1 < cascades) return step{e.n + 1};
      return std::nullopt;
    });
    f->publish(step{0});
    f.settle();
  }
  SECTION("five chains at once, with a second reader") {
    const std::uint64_t all = cascades / 5;
    std::array<std::uint64_t, 5> next{};
    const auto reader = f.subscribe<step>("reader", [&](const step& e) {
      wrong += next[e.n % 5] != e.n / 5 ? 1U : 0U;
      ++next[e.n % 5];
    });
    const auto s = f.subscribe<step>("s", [&](const step& e) {
      ++handled;
      if (e.n + 5 < all) f->publish(step{e.n + 5});
    });
    for (std::uint64_t n = 0; n < 5; ++n) f->publish(step{n});
    f.settle();
    CHECK(wrong == 0);
    CHECK(f.of("reader").handled == all);
    handled += cascades - all;
  }
  CHECK(handled == cascades);
}

TEST_CASE("lane: what is published inside keeps its order and goes before outside publishers", "[bus][lane][P7]") {
  const watchdog dog{"lane order"};
  bus_fixture<tiny> f{{.workers = 1}};
  std::vector<std::uint64_t> seen;
  door in_handler, go_on;
  peal::result<peal::receipt> refused = peal::receipt{};
  const auto s = f.subscribe<step>("s", [&](const step& e) {
    seen.push_back(e.n);
    if (e.n == 0) {
      for (std::uint64_t n = 1; n <= 6; ++n) f->publish(step{n});
      in_handler.open();
      go_on.wait();
      for (std::uint64_t n = 7; n <= 9; ++n) f->publish(step{n});
    }
  });
  f->publish(step{0});
  in_handler.wait();
  refused = f->try_publish(step{100});
  std::thread outside{[&] { f->publish(step{101}); }};
  go_on.open();
  outside.join();
  f.settle();
  REQUIRE(!refused);
  CHECK(refused.error() == peal::publish_errc::full);
  std::vector<std::uint64_t> expected(10);
  std::iota(expected.begin(), expected.end(), std::uint64_t{0});
  expected.push_back(101);
  CHECK(seen == expected);
}

TEST_CASE("lane: a full lane refuses as overloaded, which fails the attempt and nothing else", "[bus][lane][P7][P4]") {
  const watchdog dog{"full lane"};
  bus_fixture<tiny> f{{.workers = 1, .lane_capacity = 4}};
  std::uint64_t published = 0;
  const auto s = f.subscribe<step>("s", [&](const step& e) {
    if (e.n != 0) return;
    for (std::uint64_t n = 1; n < 100; ++n) {
      f->publish(step{n});
      ++published;
    }
  });
  f->publish(step{0});
  f.settle();
  CHECK(published == 1 + 4);  // one more place in the ring, four in the lane
  CHECK(f.of("s").handled == published);
  CHECK(f.of("s").dead == 1);
  const auto letters = f->dead_letters<step>();
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].event.n == 0);
  CHECK_THAT(letters[0].errors.at(0).what, contains_text("lane"));
}

TEST_CASE("lane: a cycle that amplifies ends in letters, not in a hang", "[bus][lane][P7]") {
  const bool outputs = GENERATE(false, true);
  CAPTURE(outputs);
  std::atomic<std::uint64_t> handled{0};
  const watchdog dog{"amplifying cycle", &handled};
  bus_fixture<peal::topic<half, peal::capacity<2>>> f{{.workers = 2, .lane_capacity = 8, .overload_after = 100us}};
  constexpr std::uint64_t depth = 11;  // 4095 events if none is refused
  std::atomic<std::uint64_t> refused{0};
  peal::subscription s;
  if (outputs) {
    s = f.subscribe<half>("s", [&](const half& e) -> std::tuple<std::optional<half>, std::optional<half>> {
      ++handled;
      if (e.depth == depth) return {};
      return {half{e.depth + 1}, half{e.depth + 1}};
    });
  } else {
    s = f.subscribe<half>("s", [&](const half& e) {
      ++handled;
      if (e.depth == depth) return;
      for (int i = 0; i < 2; ++i) {
        if (!f->try_publish(half{e.depth + 1})) ++refused;
      }
    });
  }
  f->publish(half{0});
  f.settle();
  std::uint64_t missing = refused.load() != 0 ? 1 : 0;
  for (const auto& l : f->dead_letters<half>()) {
    CHECK(l.cause == peal::dead_cause::overloaded);
    CHECK(l.subscription == "s");
    CHECK(!l.id);
    ++missing;
  }
  CHECK(missing != 0);
  CHECK(f.of("s").handled == handled);
}

TEST_CASE("lane: a cycle without end is ended by drain and by settle_for", "[bus][lane][P7][P10][P15]") {
  const watchdog dog{"endless cycle"};
  bus_fixture<step, half> f{{.workers = 2}};
  std::atomic<std::uint64_t> turns{0};
  const auto a = f.subscribe<step>("a", [&](const step&) -> half {
    ++turns;
    return {};
  });
  const auto b = f.subscribe<half>("b", [](const half&) -> step { return {}; });
  f->publish(step{});
  until([&] { return turns.load() > 100; });
  CHECK(!f->settle_for(5ms).settled);
  const peal::drain_report report = f->drain(5ms);
  CHECK(!report.complete);
}

TEST_CASE("lane: two buses that publish to each other with full rings do not wait for each other", "[bus][lane][P7]") {
  const std::uint64_t rounds = repeat(10'000, 4);
  std::atomic<std::uint64_t> moved{0};
  const watchdog dog{"two buses", &moved};
  bus_fixture<peal::topic<out_a, peal::capacity<2>>> fa{{.workers = 1, .lane_capacity = 64}};
  bus_fixture<peal::topic<out_b, peal::capacity<2>>> fb{{.workers = 1, .lane_capacity = 64}};
  std::atomic<std::uint64_t> a_seen{0}, b_seen{0}, refused{0};
  // Each passes every event on to the other, a few of them circling until their number is used up.
  const auto a = fa.subscribe<out_a>("a", [&](const out_a& e) {
    ++a_seen;
    ++moved;
    if (e.n != 0 && !fb->try_publish(out_b{e.n - 1})) ++refused;
  });
  const auto b = fb.subscribe<out_b>("b", [&](const out_b& e) {
    ++b_seen;
    ++moved;
    if (e.n != 0) {
      try {
        fa->publish(out_a{e.n - 1});
      } catch (const peal::publish_refused&) {
        ++refused;
      }
    }
  });
  std::thread ta{[&] {
    for (std::uint64_t i = 0; i < rounds; ++i) fa->publish(out_a{3});
  }};
  std::thread tb{[&] {
    for (std::uint64_t i = 0; i < rounds; ++i) fb->publish(out_b{3});
  }};
  ta.join();
  tb.join();
  for (int i = 0; i < 4; ++i) {
    fa.settle();
    fb.settle();
  }
  CHECK(a_seen + b_seen >= 2 * rounds);
  CHECK(a_seen + b_seen <= 8 * rounds);
  if (refused == 0) CHECK(a_seen + b_seen == 8 * rounds);
}

TEST_CASE("lane: a handler is not run again because its outputs find no room", "[bus][lane][P7]") {
  const watchdog dog{"outputs wait"};
  bus_fixture<step, peal::topic<out_a, peal::capacity<2>>> f{{.workers = 2, .lane_capacity = 2, .overload_after = 1h}};
  std::atomic<std::uint64_t> runs{0};
  std::vector<std::uint64_t> got;
  auto down = f.subscribe<out_a>("down", [&](const out_a& e) { got.push_back(e.n); });
  down.pause();
  const auto up = f.subscribe<step>("up", [&](const step& e) -> std::tuple<out_a, out_a> {
    ++runs;
    return {out_a{2 * e.n}, out_a{2 * e.n + 1}};
  });
  constexpr std::uint64_t events = 50;
  for (std::uint64_t n = 0; n < events; ++n) f->publish(step{n});
  // Room for four outputs: two deliveries go through, the third stands as publishing.
  until([&] { return f.of("up").stalled; });
  CHECK(f.of("up").handled == 2);
  CHECK(runs == 3);
  CHECK(f->health() == peal::health::degraded);
  CHECK(!f->settle_for(10ms).settled);
  CHECK(runs == 3);
  down.resume();
  f.settle();
  CHECK(runs == events);
  CHECK(f.of("up").handled == events);
  CHECK(f->health() == peal::health::ok);
  std::vector<std::uint64_t> expected(2 * events);
  std::iota(expected.begin(), expected.end(), std::uint64_t{0});
  CHECK(got == expected);
}

TEST_CASE("lane: outside publishers go on when the last reader leaves a lane behind", "[bus][lane][P7][P8]") {
  std::atomic<std::uint64_t> rounds{0};
  const watchdog dog{"lane without readers", &rounds};
  for (; rounds < repeat(300, 3); ++rounds) {
    peal::bus<tiny> bus{{.workers = 1}};
    door inside;
    auto s = bus.subscribe<step>("s", [&](const step& e) {
      if (e.n != 0) return;
      for (int i = 0; i < 8; ++i) bus.publish(step{1});
      inside.open();
    });
    bus.publish(step{0});
    inside.wait();
    std::thread outside{[&] {
      for (int i = 0; i < 20; ++i) bus.publish(step{2});
    }};
    (void)s.stop();
    outside.join();
    REQUIRE(bus.settle());
  }
}

TEST_CASE("lane: a destructor that publishes more than the ring holds does not strand the lane",
          "[bus][lane][P7][P9]") {
  const bool heard = GENERATE(false, true);
  CAPTURE(heard);
  const watchdog dog{"publishing destructor"};
  struct parting {
    std::uint64_t n = 0;
    const std::function<void()>* f = nullptr;
    parting(std::uint64_t number, const std::function<void()>* words) noexcept : n{number}, f{words} {}
    parting(const parting& other) noexcept : n{other.n} {}
    parting(parting&& other) noexcept : n{other.n}, f{std::exchange(other.f, nullptr)} {}
    ~parting() {
      if (f != nullptr) (*f)();
    }
  };
  peal::bus<peal::topic<parting, peal::capacity<2>>> bus{{.workers = 1}};
  std::atomic<std::uint64_t> refused{0};
  const std::function<void()> words = [&] {
    for (std::uint64_t i = 0; i < 7; ++i) {
      if (!bus.try_publish(parting{100, nullptr})) ++refused;
    }
  };
  peal::subscription s;
  std::atomic<std::uint64_t> seen{0};
  if (heard) s = bus.subscribe<parting>("s", [&](const parting&) { ++seen; });
  for (std::uint64_t i = 0; i < 50; ++i) bus.publish(parting{i, i % 5 == 0 ? &words : nullptr});
  REQUIRE(bus.settle());
  until([&] { return bus.statistics().topics[0].in_lane == 0; });
  REQUIRE(bus.settle());
  CHECK(refused == 0);
  CHECK(bus.statistics().topics[0].accepted == 50 + 10 * 7);
  if (heard) CHECK(seen == 50 + 10 * 7);
}

TEST_CASE("lane: an overloaded letter is published again by redrive", "[bus][lane][P7][P25]") {
  const watchdog dog{"redrive overloaded"};
  bus_fixture<step, peal::topic<out_a, peal::capacity<2>>> f{{.workers = 2, .lane_capacity = 4, .overload_after = 1ms}};
  std::atomic<std::uint64_t> got{0};
  auto down = f.subscribe<out_a>("down", [&](const out_a&) { ++got; });
  down.pause();
  const auto up = f.subscribe<step>("up", [](const step& e) -> out_a { return {e.n}; });
  for (std::uint64_t n = 0; n < 3; ++n) f->publish(step{n});
  until([&] { return !f->dead_letters<out_a>().empty(); });
  const auto letters = f->dead_letters<out_a>();
  CHECK(letters[0].cause == peal::dead_cause::overloaded);
  CHECK(letters[0].subscription == "up");
  CHECK(letters[0].causation.topic() == 0);
  down.resume();
  f.settle();
  CHECK(f->redrive<out_a>() == 1);
  f.settle();
  CHECK(got == 3);
  CHECK(f->dead_letters<out_a>().empty());
}
