// SPDX-License-Identifier: MIT
// Events that are published later, across lives of the process, on virtual time.
#include <peal/bus/durable.hpp>
#include <peal/store/memory_store.hpp>
#include <peal/testing/store_wrapper.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "bus/stepped_support.hpp"

namespace {

using namespace std::chrono_literals;

struct reminder {
  static constexpr peal::event_name name{"shop.reminder", 1};
  std::int64_t n = 0;
  static constexpr auto fields = peal::fields(peal::field{"n", &reminder::n});
};
struct order {
  static constexpr peal::event_name name{"shop.order", 1};
  std::int64_t n = 0;
  static constexpr auto fields = peal::fields(peal::field{"n", &order::n});
};
struct in_memory {
  int n = 0;
};

using shop = peal::testing::stepped_bus<peal::topic<reminder, peal::durable, peal::capacity<4>>,
                                        peal::topic<order, peal::durable>>;

std::vector<peal::stored_timer> timers_in(const peal::store& kept) {
  std::vector<peal::stored_timer> all;
  kept.timers([&](const peal::stored_timer& t) {
    all.push_back(t);
    all.back().event = {};
  });
  return all;
}

/// Lets every timer in the store be due so much earlier.
void age(peal::store& kept, std::chrono::nanoseconds by) {
  kept.timers([&](peal::stored_timer t) {
    t.due -= by.count();
    peal::store_batch b;
    b.timers.push_back(t);
    kept.commit(b);
  });
}

/// A life of the bus, and which reminders came in it, with the time since it began in seconds: the wall clock moves a
/// little as well.
struct life {
  explicit life(peal::store& kept) : bus{{.capacity = 8, .lane_capacity = 4, .seed = 5}, kept} {}
  void advance(std::chrono::nanoseconds d) { bus.runtime().advance(d); }
  using diary = std::vector<std::pair<std::int64_t, std::int64_t>>;

  shop bus;
  peal::time_point began = bus.runtime().now();
  diary came;
  peal::subscription s = bus.subscribe<reminder>("diary", [this](const reminder& r) {
    const auto since = bus.runtime().now() - began + 500ms;
    came.emplace_back(r.n, std::chrono::duration_cast<std::chrono::seconds>(since).count());
  });
};

}  // namespace

TEST_CASE("durable timers: what was to come in one life comes in the next, once", "[bus][durable][timers][P28]") {
  peal::memory_store kept;
  {
    life first{kept};
    first.bus.publish_after(reminder{1}, 1h);
    first.bus.publish_at(reminder{2}, first.began + 2h);
    first.bus.publish_after(reminder{3}, 10min);
    first.advance(20min);
    CHECK(first.came == life::diary{{3, 600}});
  }
  CHECK(timers_in(kept).size() == 2);
  {
    life second{kept};
    second.advance(59min);
    CHECK(second.came.empty());
    second.advance(1min);
    CHECK(second.came == life::diary{{1, 3600}});
  }
  CHECK(timers_in(kept).size() == 1);
  age(kept, 5h);
  life third{kept};
  third.advance(1ms);
  CHECK(third.came == life::diary{{2, 0}});
  third.advance(5h);
  CHECK(third.came.size() == 1);
  CHECK(timers_in(kept).empty());
}

TEST_CASE("durable timers: cancelled ones do not come back", "[bus][durable][timers][P28]") {
  peal::memory_store kept;
  {
    life first{kept};
    const peal::timer_id once = first.bus.publish_after(reminder{1}, 1h);
    const peal::timer_id beat = first.bus.publish_every(reminder{2}, 1h);
    CHECK(timers_in(kept).empty());
    first.bus.runtime().run();
    CHECK(timers_in(kept).size() == 2);
    CHECK(first.bus.cancel(once) == peal::cancel_result::cancelled);
    CHECK(first.bus.cancel(beat) == peal::cancel_result::cancelled);
    first.bus.runtime().run();
    CHECK(timers_in(kept).empty());
  }
  life second{kept};
  second.advance(5h);
  CHECK(second.came.empty());
}

TEST_CASE("durable timers: numbers of one life are not given again while their timers stand",
          "[bus][durable][timers]") {
  peal::memory_store kept;
  for (std::int64_t n = 0; n != 3; ++n) {
    life l{kept};
    l.bus.publish_after(reminder{n}, 1h);
  }
  CHECK(timers_in(kept).size() == 3);
  life last{kept};
  last.advance(2h);
  CHECK(last.came.size() == 3);
}

TEST_CASE("durable timers: those that stand when the bus ends share the wheel with the journal's own, and go on",
          "[bus][durable][timers][P28]") {
  peal::memory_store kept;
  constexpr int timers = 64;
  {
    life first{kept};
    const peal::subscription orders = first.bus.subscribe<order>("orders", [](const order&) {});
    orders.pause();
    first.bus.publish(order{1});
    first.advance(0ns);  // the order is in the store and waits for its handler: the journal looks again later
    for (int i = 0; i != timers; ++i) first.bus.publish_after(reminder{i}, i * 1ms);
  }
  CHECK(timers_in(kept).size() == timers);
}

TEST_CASE("durable timers: one that repeats goes on on its beat", "[bus][durable][timers][P28]") {
  peal::memory_store kept;
  {
    life first{kept};
    first.bus.publish_every(reminder{1}, 10min);
    first.advance(1min);
    age(kept, 1h);
    first.advance(24min);
    CHECK(timers_in(kept).at(0).due > peal::detail::wall_now());  // each time it is told anew
    CHECK(first.came == life::diary{{1, 600}, {1, 1200}});
  }
  REQUIRE(timers_in(kept).size() == 1);
  {
    life second{kept};
    second.advance(21min);
    CHECK(second.came == life::diary{{1, 600}, {1, 1200}});
  }
  age(kept, 24min);  // due a while ago: it comes at once, and then when it would have come
  life third{kept};
  third.advance(10min);
  const auto rest = 600 - (24 * 60 - 600) % 600;
  CHECK(third.came == life::diary{{1, 0}, {1, rest}});
}

TEST_CASE("durable timers: the event keeps what it belongs to and what caused it", "[bus][durable][timers]") {
  peal::memory_store kept;
  const peal::event_id belongs{1, 2};
  const peal::event_id cause{3, 4};
  {
    life first{kept};
    first.bus.publish_after(reminder{1}, 1h, {belongs, cause, {}});
  }
  shop bus{{.seed = 5}, kept};
  peal::event_id correlation;
  peal::event_id causation;
  auto s = bus.subscribe<reminder>("diary", [&](const reminder&, peal::delivery& d) {
    correlation = d.correlation();
    causation = d.causation();
  });
  bus.runtime().advance(2h);
  CHECK(correlation == belongs);
  CHECK(causation == cause);
}

TEST_CASE("durable timers: those of an event that this program cannot read wait for one that can",
          "[bus][durable][timers]") {
  peal::memory_store kept;
  {
    life first{kept};
    first.bus.publish_after(reminder{1}, 1h);
  }
  {
    peal::testing::stepped_bus<peal::topic<order, peal::durable>> other{{.seed = 5}, kept};
    other.publish_after(order{2}, 1h);
    other.runtime().advance(2h);
  }
  CHECK(timers_in(kept).size() == 1);
  life third{kept};
  third.advance(2h);
  CHECK(third.came == life::diary{{1, 3600}});
}

TEST_CASE("durable timers: a drain says which go on", "[bus][durable][timers][P10]") {
  peal::memory_store kept;
  peal::testing::stepped_bus<peal::topic<reminder, peal::durable>, in_memory> bus{{.seed = 5}, kept};
  bus.publish_after(reminder{1}, 1h);
  bus.publish_after(reminder{2}, 1s);
  const peal::timer_id gone = bus.publish_after(reminder{3}, 1h);
  bus.publish_every(reminder{4}, 1h);
  bus.publish_after(in_memory{5}, 1h);
  bus.runtime().advance(2s);
  CHECK(bus.cancel(gone) == peal::cancel_result::cancelled);
  const auto report = bus.drain(1s);
  CHECK(report.complete);
  CHECK(report.timers == 1);
  CHECK(report.timers_kept == 2);
  CHECK(timers_in(kept).size() == 2);
}

namespace {

/// Judges every commit as if the process ended with it, and lets it end at one.
class judging_store final : public peal::testing::store_wrapper {
 public:
  judging_store(peal::memory_store& kept, std::uint64_t commits) : store_wrapper{&kept}, left_{commits} {}

  void commit(const peal::store_batch& b) override {
    if (left_ == 0 || --left_ == 0) {
      left_ = 0;
      throw peal::store_error(peal::store_errc::io, place(), "commit", "the process has ended");
    }
    for (const peal::stored_event& e : b.events) {
      if (e.name == "shop.reminder") published.insert(peal::decode<reminder>(e.payload).n);
    }
    for (const peal::stored_timer& t : b.timers) waits[t.id] = peal::decode<reminder>(t.event.payload).n;
    for (const std::uint64_t id : b.timers_gone) {
      const auto w = waits.find(id);
      if (w == waits.end()) continue;
      if (published.count(w->second) == 0 && cancelled.count(w->second) == 0)
        wrong = "a timer is gone before its event";
      waits.erase(w);
    }
    for (const peal::stored_cursor& c : b.cursors) {
      for (std::uint64_t p = 0; c.subscription == "planner" && p != c.position; ++p) {
        const auto n = static_cast<std::int64_t>(p);
        bool there = published.count(n) != 0 || cancelled.count(n) != 0;
        for (const auto& w : waits) there = there || w.second == n;
        if (!there) wrong = "an order is handled and its reminder is not there";
      }
    }
    wrapped().commit(b);
  }

  std::map<std::uint64_t, std::int64_t> waits;
  std::set<std::int64_t> published;
  std::set<std::int64_t> cancelled;
  std::string wrong;

 private:
  std::uint64_t left_;
};

}  // namespace

TEST_CASE(
    "durable timers: cut off at any commit, a handled event's timer stands or its event is there, and what stands "
    "comes in the next life",
    "[bus][durable][timers][P28]") {
  constexpr std::int64_t orders = 20;
  std::size_t stood = 0;
  for (std::uint64_t seed = 1; seed != 6; ++seed) {
    for (std::uint64_t cut = 2; cut != 40; ++cut) {
      INFO("seed " << seed << ", cut at commit " << cut);
      peal::memory_store kept;
      judging_store store{kept, cut};
      {
        shop bus{{.capacity = 4, .lane_capacity = 2, .seed = seed}, store};
        const peal::time_point began = bus.runtime().now();  // most come at one moment: more than there is room for
        std::vector<peal::timer_id> ids;
        auto planner = bus.subscribe<order>("planner", [&](const order& o) {
          ids.push_back(bus.publish_at(reminder{o.n}, began + (o.n % 3 == 0 ? 1h : 10ms)));
          if (o.n % 6 == 3 && ids.size() > 3 && bus.cancel(ids[ids.size() - 4]) == peal::cancel_result::cancelled) {
            store.cancelled.insert(o.n - 3);
          }
        });
        auto s = bus.subscribe<reminder>("diary", [](const reminder&) {});
        for (std::int64_t n = 0; n != orders; ++n) {
          (void)bus.try_publish(order{n});
          if (n % 2 == 0) bus.runtime().step();
          if (n % 4 == 0) bus.runtime().advance(1ms);
        }
        bus.runtime().advance(30ms);
      }
      CHECK(store.wrong == "");
      stood += store.waits.size();
      std::set<std::int64_t> came;
      shop bus{{.seed = seed}, kept};
      auto s = bus.subscribe<reminder>(
          "diary", [&](const reminder& r) { came.insert(r.n); }, peal::start_at::beginning());
      bus.runtime().advance(2h);
      for (const auto& w : store.waits) CHECK(came.count(w.second) + store.published.count(w.second) != 0);
      CHECK(timers_in(kept).empty());
    }
  }
  CHECK(stood > 100);
}
