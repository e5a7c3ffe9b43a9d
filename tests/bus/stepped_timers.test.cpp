// SPDX-License-Identifier: MIT
// P28: events published later, at a moment, again and again, and taken back; on virtual time.
#include "bus/stepped_support.hpp"

namespace {

using namespace std::chrono_literals;
using peal::cancel_result;
using peal_test::stepped;

struct reminder {
  int n = 0;
};
struct parcel {
  explicit parcel(int number) : n{std::make_unique<int>(number)} {}
  std::unique_ptr<int> n;
};
using small = peal::topic<reminder, peal::capacity<2>>;

/// When each reminder came, in whole milliseconds since the start: a timer fires up to 66 µs late.
template <class... Topics>
struct diary {
  stepped<Topics...> fx;
  peal::time_point began = fx.now();
  std::vector<std::pair<int, std::int64_t>> came;
  peal::subscription s = fx.template subscribe<reminder>("diary", [this](const reminder& r) {
    came.emplace_back(r.n, std::chrono::duration_cast<std::chrono::milliseconds>(fx.now() - began).count());
  });
  using entries = std::vector<std::pair<int, std::int64_t>>;
};

}  // namespace

TEST_CASE("timers: an event comes when its time has come, in the order of their times", "[bus][timers][P28]") {
  diary<reminder> d;
  auto& bus = d.fx.bus;
  bus.publish_after(reminder{3}, 300ms);
  bus.publish_after(reminder{1}, 100ms);
  bus.publish_at(reminder{2}, d.began + 200ms);
  bus.publish_after(reminder{0}, 0ms);
  bus.publish_after(reminder{-1}, -5s);
  d.fx.advance(99ms);
  CHECK(d.came == diary<reminder>::entries{{-1, 0}, {0, 0}});
  d.fx.advance(1s);
  CHECK(d.came == diary<reminder>::entries{{-1, 0}, {0, 0}, {1, 100}, {2, 200}, {3, 300}});
}

TEST_CASE("timers: cancel has one of three answers", "[bus][timers][P28]") {
  diary<reminder> d;
  auto& bus = d.fx.bus;
  const peal::timer_id kept = bus.publish_after(reminder{1}, 1s);
  const peal::timer_id gone = bus.publish_after(reminder{2}, 1s);
  CHECK(bus.cancel(gone) == cancel_result::cancelled);
  CHECK(bus.cancel(gone) == cancel_result::unknown);
  d.fx.advance(2s);
  CHECK(bus.cancel(kept) == cancel_result::fired);
  CHECK(bus.cancel(peal::timer_id{}) == cancel_result::unknown);
  CHECK(bus.cancel(peal::timer_id{~std::uint64_t{0}}) == cancel_result::unknown);
  CHECK(d.came == diary<reminder>::entries{{1, 1000}});
  const peal::timer_id later = bus.publish_after(reminder{3}, 1s);  // in a place that was used before
  CHECK(bus.cancel(gone) == cancel_result::unknown);
  CHECK(bus.cancel(later) == cancel_result::cancelled);
}

TEST_CASE("timers: one that repeats keeps its beat until it is cancelled, also by its own handler",
          "[bus][timers][P28]") {
  stepped<reminder> fx;
  peal::timer_id beat;
  int came = 0;
  auto s = fx.subscribe<reminder>("s", [&](const reminder&) {
    if (++came == 5) CHECK(fx.bus.cancel(beat) == cancel_result::cancelled);
  });
  beat = fx.bus.publish_every(reminder{7}, 100ms);
  fx.advance(450ms);
  CHECK(came == 4);
  fx.advance(10s);
  CHECK(came == 5);
  CHECK(fx.bus.cancel(beat) == cancel_result::unknown);
}

TEST_CASE("timers: a full topic delays an event and loses none", "[bus][timers][P28][P4]") {
  stepped<small> fx{{.lane_capacity = 2, .overload_after = 1h, .seed = 3}};
  int came = 0;
  auto s = fx.subscribe<reminder>("s", [&](const reminder&) { ++came; });
  s.pause();
  for (int n = 0; n < 100; ++n) fx.bus.publish_after(reminder{n}, 1s);
  fx.advance(5s);
  CHECK(came == 0);
  s.resume();
  fx.advance(10s);
  CHECK(came == 100);
}

TEST_CASE("timers: what waits when the bus drains is counted and not published", "[bus][timers][P10][P28]") {
  diary<reminder> d;
  d.fx.bus.publish_after(reminder{1}, 1h);
  const auto beat = d.fx.bus.publish_every(reminder{2}, 1h);
  (void)beat;
  const peal::drain_report report = d.fx.bus.drain(10s);
  CHECK(report.complete);
  CHECK(report.timers == 2);
  d.fx.advance(3h);
  CHECK(d.came.empty());
  CHECK_THROWS_AS(d.fx.bus.publish_after(reminder{3}, 1s), peal::publish_refused);
}

TEST_CASE("timers: a handler that runs while the bus drains may ask for one, which is counted", "[bus][timers][P10]") {
  stepped<reminder> fx;
  auto s = fx.subscribe<reminder>("s", [&](const reminder& r) { fx.bus.publish_after(reminder{r.n + 1}, 0s); });
  fx.bus.publish(reminder{1});
  const peal::drain_report report = fx.bus.drain(10s);
  CHECK(report.complete);
  CHECK(report.timers == 1);
  CHECK(s.statistics().handled == 1);
  CHECK(s.statistics().failures == 0);
}

TEST_CASE("timers: an event that only moves, with what was said about it", "[bus][timers][P28]") {
  stepped<peal::topic<parcel, peal::timed>> fx;
  const peal::event_id cause{3, 4};
  int came = 0;
  const peal::time_point began = fx.now();
  auto s = fx.subscribe<parcel>(
      "s",
      [&](const parcel& p, peal::delivery& d) {
        came += *p.n;
        CHECK(d.causation() == cause);
        CHECK(d.published_at() >= began + 1min);
      },
      peal::otherwise(peal::discard));
  fx.bus.publish_after(parcel{5}, 1min, {.causation = cause, .time_to_live = 1s});  // lives from its publication on
  fx.advance(2min);
  CHECK(came == 5);
  CHECK(s.statistics().expired == 0);
}

TEST_CASE("timers: a hundred thousand wait and are taken back", "[bus][timers][P28]") {
  for (const int count : {1, 100'000}) {
    stepped<reminder> fx;
    std::vector<peal::timer_id> ids;
    for (int n = 0; n < count; ++n) ids.push_back(fx.bus.publish_after(reminder{n}, 1h + n * 1us));
    fx.advance(30min);
    for (const peal::timer_id id : ids) {
      if (fx.bus.cancel(id) != cancel_result::cancelled) FAIL("not cancelled");
    }
    fx.advance(2h);
    CHECK(fx.bus.statistics().topics[0].accepted == 0);
  }
}
