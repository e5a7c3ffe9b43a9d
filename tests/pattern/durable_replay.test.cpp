// SPDX-License-Identifier: MIT
// What a bus keeps in its store is there for replays and projections as well.
#include <peal/bus/durable.hpp>
#include <peal/core/overloaded.hpp>
#include <peal/pattern/projection.hpp>
#include <peal/pattern/replay.hpp>
#include <peal/store/memory_store.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "pattern/bank.hpp"
#include "support/bus_fixture.hpp"
#include "support/catch.hpp"

using namespace bank;

TEST_CASE("replay: the events of a durable topic come again with their ids, and a projection keeps up with its bus",
          "[pattern][replay][projection]") {
  const peal_test::watchdog watched{"a projection beside a durable bus"};
  peal::memory_store kept;
  std::int64_t sum = 0;
  int behind = 0;
  peal::projection<opened, deposited> sums{
      kept,
      {.name = "sums", .topics = {"bank.log"}},
      peal::overloaded{[](const opened&) {}, [&](const deposited& e) { sum += e.cents; }}};
  std::vector<peal::event_id> ids;
  {
    peal::bus<peal::topic<opened, deposited, peal::durable_as<"bank.log">>> bus{{.workers = 1}, kept};
    auto follower = bus.subscribe<deposited>(
        "follower",
        [&](const deposited&, peal::delivery& d) {
          sums.catch_up();  // an event is in the store before a subscription gets it
          behind += sums.position("bank.log") > d.position() ? 0 : 1;
          ids.push_back(d.id());
        },
        peal::transient);
    bus.publish(opened{"Ann"});
    for (int i = 1; i <= 100; ++i) bus.publish(deposited{i});
    bus.settle();
  }
  CHECK(sum == 5'050);
  CHECK(behind == 0);
  CHECK(sums.lag() == 0);
  std::vector<peal::event_id> again;
  const auto report = peal::replay<opened, deposited>(
      kept, "bank.log", {},
      peal::overloaded{[](const opened&) {},
                       [&](const deposited&, const peal::replayed_event& about) { again.push_back(about.id()); }});
  CHECK(report.handled == 101);
  CHECK(again == ids);
}
