// SPDX-License-Identifier: MIT
// P4: nothing is dropped unless a policy says so, and then it is counted under its reason.
#include "support/bus_fixture.hpp"

namespace {

using namespace peal_test;

struct reading {
  std::uint64_t n = 0;
};
struct alarm_raised {
  std::uint64_t n = 0;
};
using mixed = peal::topic<reading, alarm_raised, peal::capacity<16>>;

}  // namespace

TEST_CASE("drops: behind{drop_oldest} does not hold publishers back, counts what it lost and keeps the newest",
          "[bus][P4]") {
  const watchdog dog{"drop_oldest"};
  bus_fixture<mixed> f{{.workers = 1}};
  std::vector<std::uint64_t> seen;
  door inside, go_on;
  std::uint64_t alarms = 0;
  const auto slow = f.subscribe<reading, alarm_raised>("slow",
                                                       peal::overloaded{[&](const reading& r) {
                                                                          inside.open();
                                                                          go_on.wait();
                                                                          seen.push_back(r.n);
                                                                        },
                                                                        [&](const alarm_raised&) { ++alarms; }},
                                                       peal::behind{peal::drop_oldest}, peal::side_store{4});
  const auto half_blind = f.subscribe<alarm_raised>(
      "alarms", [](const alarm_raised&) {}, peal::behind{peal::drop_oldest});
  f->publish(reading{0});
  inside.wait();
  for (std::uint64_t n = 1; n <= 200; ++n) {
    if (n % 10 == 0) {
      f->publish(alarm_raised{n});
    } else {
      f->publish(reading{n});  // never waits for the slow one
    }
  }
  go_on.open();
  f.settle();
  const auto books = f.of("slow");
  CHECK(books.accepted == 201);
  CHECK(books.dropped > 100);
  CHECK(books.handled == seen.size() + alarms);
  CHECK(books.handled + books.dropped == 201);
  REQUIRE(!seen.empty());
  CHECK(seen.back() == 199);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
  const auto others = f.of("alarms");
  CHECK(others.accepted == 20);  // drops of the other type are not its business
  CHECK(others.handled + others.dropped == 20);
}

TEST_CASE("drops: a reader that gates loses nothing beside one that drops", "[bus][P1][P4]") {
  const watchdog dog{"drop_oldest under load"};
  bus_fixture<mixed> f{{.workers = 2}};
  std::atomic<std::uint64_t> wrong{0};
  std::array<std::uint64_t, 3> next{};
  std::array<std::uint64_t, 3> last{};
  const auto all = f.subscribe<reading>("all", [&](const reading& r) {
    if (r.n / 3 != next[r.n % 3]++) ++wrong;
  });
  const auto some = f.subscribe<reading>(
      "some",
      [&](const reading& r) {
        if (r.n / 3 + 1 <= last[r.n % 3]) ++wrong;  // in order, with gaps
        last[r.n % 3] = r.n / 3 + 1;
      },
      peal::behind{peal::drop_oldest}, peal::side_store{2});
  const std::uint64_t each = repeat(50'000, 10);
  std::vector<std::thread> publishers;
  for (std::uint64_t k = 0; k < 3; ++k) {
    publishers.emplace_back([&, k] {
      for (std::uint64_t i = 0; i < each; ++i) f->publish(reading{i * 3 + k});
    });
  }
  for (auto& t : publishers) t.join();
  f.settle();
  CHECK(wrong == 0);
  CHECK(f.of("all").handled == 3 * each);
  CHECK(f.of("some").handled + f.of("some").dropped == 3 * each);
  CHECK(f.of("some").accepted == 3 * each);
}

TEST_CASE("drops: behind{conflate} ends with the newest of every key", "[bus][P4][P26]") {
  const watchdog dog{"conflate under load"};
  bus_fixture<peal::topic<reading, peal::capacity<1024>>> f{{.workers = 2}};
  constexpr std::uint64_t keys = 7;
  std::array<std::uint64_t, keys> last{};
  std::atomic<std::uint64_t> wrong{0};
  const auto s = f.subscribe<reading>(
      "screen",
      [&](const reading& r) {
        if (r.n <= last[r.n % keys]) ++wrong;
        last[r.n % keys] = r.n;
        if (r.n % 101 == 0) throw std::runtime_error("now and then");
      },
      peal::behind{peal::conflate{[](const reading& r) { return r.n % keys; }}},
      peal::otherwise(peal::backoff{.attempts = 1}));
  const std::uint64_t all = repeat(200'000, 10);
  std::thread publisher{[&] {
    for (std::uint64_t n = 1; n <= all; ++n) f->publish(reading{n});  // may wait for the few copies of a pin
  }};
  publisher.join();
  f.settle();
  CHECK(wrong == 0);
  for (std::uint64_t n = all; n > all - keys; --n) CHECK(last[n % keys] == n);
  const auto books = f.of("screen");
  CHECK(books.accepted == all);
  CHECK(books.handled + books.dropped + books.dead == all);
}

TEST_CASE("drops: filtered, expired and stopped are counted as what they are", "[bus][P4]") {
  const watchdog dog{"reasons"};
  bus_fixture<mixed> f{{.workers = 1}};
  std::uint64_t handled = 0;
  auto s = f.subscribe<reading>(
      "s", [&](const reading&) { ++handled; }, peal::filter{[](const reading& r) { return r.n % 2 == 0; }});
  SECTION("filtered") {
    for (std::uint64_t n = 0; n < 10; ++n) f->publish(reading{n});
    f.settle();
    CHECK(f.of("s").filtered == 5);
    CHECK(f.of("s").handled == 5);
  }
  SECTION("expired") {
    s.pause();
    for (std::uint64_t n = 0; n < 4; ++n) f->publish(reading{2 * n}, {.time_to_live = 1ns});
    f->publish(reading{100}, {.time_to_live = 1h});
    s.resume();
    f.settle();
    CHECK(f.of("s").expired == 4);
    CHECK(f.of("s").handled == 1);
  }
  SECTION("stopped") {
    s.pause();
    for (std::uint64_t n = 0; n < 4; ++n) f->publish(reading{n});
    f->publish(alarm_raised{});
    (void)s.stop();
    CHECK(f.of("s").stopped == 4);
    CHECK(f.of("s").accepted == 4);
    CHECK(handled == 0);
  }
}

TEST_CASE("drops: a publisher is told when there is no room, and its event is left to it", "[bus][P4]") {
  const watchdog dog{"refusals"};
  bus_fixture<peal::topic<reading, peal::capacity<4>>> f{{.workers = 1}};
  auto s = f.subscribe<reading>("s", [](const reading&) {});
  s.pause();
  for (std::uint64_t n = 0; n < 4; ++n) REQUIRE(f->try_publish(reading{n}));
  const auto full = f->try_publish(reading{4});
  REQUIRE(!full);
  CHECK(full.error() == peal::publish_errc::full);
  const auto before = std::chrono::steady_clock::now();
  const auto late = f->try_publish_for(reading{4}, 3ms);
  REQUIRE(!late);
  CHECK(late.error() == peal::publish_errc::timed_out);
  CHECK(std::chrono::steady_clock::now() - before >= 3ms);
  CHECK(f->statistics().topics[0].refused_full == 2);
  s.resume();
  REQUIRE(f->try_publish_for(reading{4}, 100s));
  f.settle();
  CHECK(f.of("s").handled == 5);
}
