// SPDX-License-Identifier: MIT
// P10: drain refuses those outside, finishes what was accepted, gives up at its deadline and says what is left.
#include "support/bus_fixture.hpp"
#include "support/threads.hpp"

#include <algorithm>
#include <set>

namespace {

using namespace peal_test;

struct job {
  std::uint64_t n = 0;
};
struct report {
  std::uint64_t n = 0;
};
using small = peal::topic<job, peal::capacity<4>>;

}  // namespace

TEST_CASE("drain: what was accepted is handled, with all that it causes; then everybody is refused",
          "[bus][drain][P10]") {
  const watchdog dog{"drain"};
  bus_fixture<job, report> f{{.workers = 2}};
  std::atomic<std::uint64_t> jobs{0}, reports{0};
  door go_on;
  const auto a = f.subscribe<job>("a", [&](const job& j) -> report {
    go_on.wait();
    ++jobs;
    return {j.n};
  });
  const auto b = f.subscribe<report>("b", [&](const report& r) {
    ++reports;
    if (r.n % 10 == 0) f->publish(report{r.n + 1});  // published inside: accepted while closing
  });
  for (std::uint64_t n = 0; n < 100; ++n) f->publish(job{n});
  std::thread opener{[&] {
    until([&] {
      const auto r = f->try_publish(job{1000});
      return !r && r.error() == peal::publish_errc::closing;
    });
    go_on.open();
  }};
  const peal::drain_report done = f->drain(60s);
  opener.join();
  CHECK(done.complete);
  CHECK(done.abandoned == 0);
  CHECK(done.stuck.empty());
  CHECK(jobs >= 100);  // the opener's tries were accepted before the drain began
  CHECK(reports == f.of("b").handled);
  CHECK(done.handled == f.of("a").handled + f.of("b").handled);
  CHECK(f.of("a").handled == jobs);
  const auto refused = f->try_publish(job{1});
  REQUIRE(!refused);
  CHECK(refused.error() == peal::publish_errc::closed);
  CHECK_THROWS_AS(f->publish(report{}), peal::publish_refused);
}

TEST_CASE("drain: a publisher that waits for room is refused as closing", "[bus][drain][P10][P11]") {
  const watchdog dog{"drain with a waiting publisher"};
  bus_fixture<small> f{{.workers = 1}};
  door inside, go_on;
  const auto s = f.subscribe<job>("s", [&](const job&) {
    inside.open();
    go_on.wait();
  });
  for (std::uint64_t n = 0; n < 4; ++n) f->publish(job{n});
  inside.wait();
  peal::publish_errc code = peal::publish_errc::full;
  sleeper waiting{[&] {
    try {
      f->publish(job{9});
    } catch (const peal::publish_refused& e) {
      code = e.code();
    }
    go_on.open();
  }};
  waiting.until_asleep();
  const peal::drain_report done = f->drain(60s);
  waiting.join();
  CHECK(code == peal::publish_errc::closing);
  CHECK(done.complete);
  CHECK(f.of("s").handled == 4);
}

TEST_CASE("drain: at the deadline it names the stuck handler and counts what it abandons", "[bus][drain][P10]") {
  const watchdog dog{"drain past its deadline"};
  bus_fixture<small, report> f{{.workers = 2}};
  door inside, go_on;
  std::atomic<bool> asked{false};
  auto paused = f.subscribe<job>("paused", [](const job&) {});
  paused.pause();
  const auto stuck = f.subscribe<job>("stuck", [&](const job& j, peal::delivery& d) {
    if (j.n != 1) return;
    inside.open();
    until([&] { return d.cancellation().stop_requested(); });
    asked = true;
    go_on.wait();
  });
  std::set<std::uint64_t> positions;
  for (std::uint64_t n = 0; n < 4; ++n) positions.insert(f->publish(job{n}).id().position());
  inside.wait();
  const peal::drain_report report = f->drain(20ms);
  CHECK(!report.complete);
  REQUIRE(report.stuck.size() == 1);
  CHECK(report.stuck[0].subscription == "stuck");
  CHECK(report.stuck[0].position == *std::next(positions.begin()));
  CHECK_THAT(report.stuck[0].event, contains_text("job"));
  CHECK(f.of("paused").abandoned == 4);
  CHECK(report.abandoned == 4 + 2);
  REQUIRE(report.abandoned_ids.size() >= 4);
  for (const peal::event_id& id : report.abandoned_ids) CHECK(positions.count(id.position()) == 1);
  until([&] { return asked.load(); });

  const peal::drain_report again = f->drain(1ms);
  CHECK(!again.complete);
  CHECK(again.stuck.size() == 1);

  go_on.open();
  until([&] { return f.of("stuck").waiting == 0; });
  CHECK(f.of("stuck").handled == 2);
  CHECK(f.of("stuck").abandoned == 2);
  CHECK(f.of("stuck").dead == 0);
  CHECK(f.of("stuck").failures == 0);
  CHECK(f->drain(1ms).complete);
}

TEST_CASE("drain: a delivery in a back-off is abandoned without a spent attempt or a letter", "[bus][drain][P10]") {
  const watchdog dog{"drain with a back-off"};
  bus_fixture<job> f{{.workers = 1}};
  std::atomic<int> runs{0};
  const auto s = f.subscribe<job>(
      "s",
      [&](const job&) {
        ++runs;
        throw std::runtime_error("not yet");
      },
      peal::otherwise(peal::backoff{.attempts = 3, .first = 1h, .spread = peal::jitter::none}));
  const peal::event_id id = f->publish(job{}).id();
  until([&] { return f.of("s").kept == 1; });
  const peal::drain_report report = f->drain(5ms);
  CHECK(!report.complete);
  CHECK(report.abandoned == 1);
  REQUIRE(report.abandoned_ids.size() == 1);
  CHECK(report.abandoned_ids[0] == id);
  CHECK(runs == 1);
  CHECK(f->dead_letters<job>().empty());
  CHECK(f.of("s").abandoned == 1);
}

TEST_CASE("drain: calls from several threads and from a handler at once are safe", "[bus][drain][P10]") {
  const watchdog dog{"drain from everywhere"};
  bus_fixture<job> f{{.workers = 2}};
  std::atomic<std::uint64_t> handled{0};
  const auto s = f.subscribe<job>("s", [&](const job& j) {
    ++handled;
    if (j.n == 50) (void)f->drain(1h);  // does not wait
  });
  std::atomic<std::uint64_t> accepted{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (std::uint64_t n = 0; n < 200; ++n) {
        if (f->try_publish_for(job{n}, 100s)) ++accepted;
      }
      (void)f->drain(30s);
    });
  }
  for (auto& t : threads) t.join();
  CHECK(f->drain(30s).complete);
  CHECK(handled == accepted);
}

TEST_CASE("drain: what nobody hears does not hold it up", "[bus][drain][P10]") {
  const watchdog dog{"drain without subscriptions"};
  peal::bus<job> bus{{.workers = 1}};
  bus.publish(job{});
  CHECK(bus.drain(10s).complete);
}
