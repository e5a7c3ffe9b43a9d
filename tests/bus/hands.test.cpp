// SPDX-License-Identifier: MIT
// Several hands on threads: what runs at once, what a drain says of hands that are stuck, buses with few workers.
#include <set>

#include "support/bus_fixture.hpp"

namespace {

using namespace std::chrono_literals;
using peal_test::bus_fixture;
using peal_test::door;
using peal_test::until;
using peal_test::watchdog;

struct job {
  int key = 0;
  int n = 0;
};

}  // namespace

TEST_CASE("concurrency: two keys are handled at the same time, one key is not", "[bus][P2][P22][P23]") {
  const watchdog dog{"two keys at once"};
  bus_fixture<job> f{{.workers = 2}};
  door first_inside, second_inside;
  std::atomic<int> third{0};
  const auto s = f.subscribe<job>(
      "s",
      [&](const job& j) {
        if (j.n == 1) {
          first_inside.open();
          second_inside.wait();  // needs the other key's event to start meanwhile
          CHECK(third == 0);
        }
        if (j.n == 2) third = 1;
        if (j.n == 3) {
          first_inside.wait();
          second_inside.open();
        }
      },
      peal::ordered_by{&job::key}, peal::concurrency{4});
  f->publish(job{7, 1});
  f->publish(job{7, 2});
  f->publish(job{8, 3});
  REQUIRE(f->settle());
  CHECK(third == 1);
}

TEST_CASE("concurrency: with one worker, or none, everything is handled", "[bus][P2][P23]") {
  const watchdog dog{"few workers"};
  const unsigned workers = GENERATE(0U, 1U);
  bus_fixture<job> f{{.workers = workers}};
  int handled = 0;
  auto s = f.subscribe<job>(
      "s", [&](const job&) { ++handled; }, peal::ordered_by{&job::key}, peal::concurrency{4});
  for (int n = 0; n < 100; ++n) f->publish(job{n % 7, n});
  while (workers == 0 && s.statistics().handled != 100) f->poll();
  REQUIRE(f->settle());
  CHECK(handled == 100);
  s.stop();
}

TEST_CASE("concurrency: a drain past its deadline names every stuck hand and counts the rest", "[bus][drain][P10]") {
  const watchdog dog{"drain with stuck hands"};
  bus_fixture<job> f{{.workers = 3}};
  std::atomic<int> inside{0};
  door go_on;
  const auto s = f.subscribe<job>(
      "s",
      [&](const job& j) {
        if (j.n >= 2) return;
        ++inside;
        go_on.wait();
      },
      peal::ordered_by{&job::key}, peal::concurrency{2});
  std::set<std::uint64_t> first;
  std::set<std::uint64_t> others;
  for (int n = 0; n < 2; ++n) first.insert(f->publish(job{n, n}).id().position());
  for (int n = 2; n < 8; ++n) others.insert(f->publish(job{n % 2, n}).id().position());
  until([&] { return inside == 2; });
  const peal::drain_report report = f->drain(20ms);
  CHECK(!report.complete);
  REQUIRE(report.stuck.size() == 2);
  std::set<std::uint64_t> stuck;
  for (const peal::stuck_handler& h : report.stuck) stuck.insert(h.position);
  CHECK(stuck == first);
  CHECK(report.abandoned == 6);
  std::set<std::uint64_t> abandoned;  // most of them have been read ahead, or wait behind their key
  for (const peal::event_id& id : report.abandoned_ids) abandoned.insert(id.position());
  CHECK(abandoned == others);
  CHECK(report.abandoned_ids.size() == 6);
  go_on.open();
  until([&] { return f.of("s").waiting == 0; });
  CHECK(f.of("s").handled == 2);
  CHECK(f.of("s").abandoned == 6);
}
