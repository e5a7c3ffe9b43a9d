// SPDX-License-Identifier: MIT
// Timeouts on threads: stuck handlers are named while they run, and those that give up at a drain have not failed.
#include "support/bus_fixture.hpp"

#include <set>

namespace {

using namespace std::chrono_literals;
using peal_test::bus_fixture;
using peal_test::door;
using peal_test::until;
using peal_test::watchdog;

struct order {
  int id = 0;
};

}  // namespace

TEST_CASE("watchdog: handlers that hang are named with their events, one and several hands",
          "[bus][watchdog][timeout]") {
  const watchdog dog{"a stuck handler"};
  for (const unsigned hands : {1U, 2U}) {
    bus_fixture<order> fx{{.workers = 3}};
    door go_on;
    std::atomic<int> running{0};
    auto s = fx.subscribe<order>(
        "stuck",
        [&](const order& o) {
          if (o.id > 2) return;
          ++running;
          go_on.wait();
        },
        peal::concurrency{hands}, peal::timeout{1ms});
    std::set<std::uint64_t> published;
    for (int id = 1; id <= 4; ++id) published.insert(fx->publish(order{id}).id().position());
    until([&] { return fx->statistics().overdue.size() == hands; });
    CHECK(fx->health() == peal::health::degraded);
    std::set<std::uint64_t> named;
    for (const peal::overdue_handler& h : fx->statistics().overdue) {
      CHECK(h.subscription == "stuck");
      CHECK(h.event.find("order") != std::string::npos);
      CHECK(h.running_for > 1ms);
      named.insert(h.id.position());
    }
    CHECK(named.size() == hands);
    CHECK(*named.begin() == *published.begin());
    CHECK(fx.of("stuck").overdue == hands);
    go_on.open();
    fx.settle();
    until([&] { return fx->health() == peal::health::ok; });  // its last run ends a moment after its event
    CHECK(fx->statistics().overdue.empty());
    CHECK(fx.of("stuck").handled == 4);
  }
}

TEST_CASE("cancelled: a drain past its deadline is no failure of those who give up for it", "[bus][timeout][P10]") {
  const watchdog dog{"a drain with handlers that give up"};
  for (const unsigned hands : {1U, 2U}) {
    bus_fixture<order> fx{{.workers = 2}};
    std::atomic<int> running{0};
    auto s = fx.subscribe<order>(
        "patient",
        [&](const order&, peal::delivery& d) {
          ++running;
          until([token = d.cancellation()] { return token.cancelled(); });
          d.cancellation().throw_if_cancelled();
        },
        peal::concurrency{hands}, peal::otherwise(peal::dead_letter));
    for (int id = 1; id <= 10; ++id) fx->publish(order{id});
    until([&] { return running.load() != 0; });
    const peal::drain_report report = fx->drain(1ms);
    CHECK_FALSE(report.complete);
    until([&] { return fx.of("patient").waiting == 0; });
    const auto books = fx.of("patient");
    CHECK(books.failures == 0);
    CHECK(books.dead == 0);
    CHECK(books.handled == 0);
    CHECK(books.abandoned + books.stopped == 10);
  }
}
