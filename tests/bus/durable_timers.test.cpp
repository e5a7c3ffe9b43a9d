// SPDX-License-Identifier: MIT
// P28 on threads: a timer of a durable topic whose time comes while the bus ends.
#include <peal/bus/durable.hpp>
#include <peal/store/memory_store.hpp>

#include <chrono>
#include <cstddef>
#include <thread>

#include "bus/failing_store.hpp"
#include "support/bus_fixture.hpp"

namespace {

using namespace peal_test;

/// Lets a timer's event go on when the test says so.
struct held_back {
  door* inside = nullptr;
  door* go_on = nullptr;

  peal::result<peal::receipt> operator()(tick&, peal::publication&, auto&& next) noexcept {
    inside->open();
    go_on->wait();
    return next();
  }
};
struct job {};
using bus_type = peal::bus<peal::topic<tick, peal::durable, peal::publish_through<held_back>>, job>;

}  // namespace

TEST_CASE("durable timers: one whose time comes while the bus ends stays a timer, and is no letter",
          "[bus][durable][timers][P28]") {
  const watchdog dog{"a timer at the end of its bus"};
  peal::memory_store kept;
  door fired, ending, working;
  {
    peal::subscription s;  // ends with the bus, not before it
    bus_type bus{{.workers = 1}, kept};
    bus.publish_middleware<tick, held_back>() = {&fired, &ending};
    s = bus.subscribe<job>("until the end", [&](const job&, peal::delivery& d) {
      working.open();
      while (!d.cancellation().stop_requested()) std::this_thread::yield();
      ending.open();  // every topic is closed
    });
    bus.publish_after(tick{1}, std::chrono::nanoseconds{0});
    fired.wait();
    bus.publish(job{});
    working.wait();
  }
  std::size_t timers = 0, letters = 0;
  kept.timers([&](const peal::stored_timer&) { ++timers; });
  kept.letters("", [&](const peal::stored_letter&) { ++letters; });
  CHECK(timers == 1);
  CHECK(letters == 0);
}
