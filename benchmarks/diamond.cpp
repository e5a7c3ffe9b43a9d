// SPDX-License-Identifier: MIT
// What does it cost when two handlers hear each event and a third hears what both make of it?
//
//                     ┌▶ left  ──▶┐
//   producer ──▶ [ source ]       [ halves ] ──▶ join
//                     └▶ right ──▶┘
//
// In peal both halves share a topic, so that one handler hears them in one order. The rivals need a queue for each arrow.
// Where peal's time goes: as in pipeline, two outputs an event with their envelopes; and both sides claim in one topic,
// which is what lets one handler hear them in one order.
// Checked: the join heard both halves of every event, each side's in order.
#include <memory>
#include <utility>

#include "rivals/all.hpp"
#include "support/drive.hpp"
#include "support/peal_contestants.hpp"
#include "topologies.hpp"

namespace bench {
namespace {

using event_type = event<24>;
struct source : event_type {};
template <unsigned Side>
struct half : event_type {};

template <unsigned Side>
half<Side> half_of(const event_type& e) {
  half<Side> result{e};
  result.value |= stamp(Side, 0);
  return result;
}

double through_peal(std::uint64_t events) {
  std::vector<ledger> seen(1);
  double seconds = 0;
  {
    peal::bus<source, peal::topic<half<0>, half<1>>> bus{{.workers = core_count()}};
    auto left = bus.subscribe<source>("left", [](const source& e) { return half_of<0>(e); });
    auto right = bus.subscribe<source>("right", [](const source& e) { return half_of<1>(e); });
    auto join = bus.subscribe<half<0>, half<1>>("join", [&](const auto& e) { seen.front()(e); });
    const auto start = clock::now();
    for (std::uint64_t i = 1; i <= events; ++i) bus.publish(source{{stamp(0, i), {}}});
    bus.settle();
    seconds = seconds_since(start);
  }
  check(seen, 2, events);
  return seconds;
}

template <class Producer>
struct side {
  Producer* out;
  unsigned number;
  void operator()(const event_type& e) const {
    event_type mine{e};
    mine.value |= stamp(number, 0);
    out->publish(std::move(mine));
  }
};

template <class X>
double through(std::uint64_t events) {
  using join_type = typename X::template lane<event_type, ledger>;
  using join_producer = typename join_type::producer;
  using side_type = typename X::template lane<event_type, side<join_producer>>;

  std::vector<ledger> seen(1);
  double seconds = 0;
  {
    join_type join{{.producers = 2}, seen};
    std::vector<std::unique_ptr<join_producer>> to_join;
    std::vector<std::vector<side<join_producer>>> sinks;
    for (unsigned i = 0; i < 2; ++i) {
      to_join.push_back(std::make_unique<join_producer>(join.make_producer()));
      sinks.push_back({{to_join.back().get(), i}});
    }
    side_type left{{}, sinks[0]};
    side_type right{{}, sinks[1]};
    const auto start = clock::now();
    {
      auto to_left = left.make_producer();
      auto to_right = right.make_producer();
      event_type e{};
      for (std::uint64_t i = 1; i <= events; ++i) {
        e.value = stamp(0, i);
        to_left.publish(event_type{e});
        to_right.publish(event_type{e});
      }
    }
    left.finish();
    right.finish();
    to_join.clear();
    join.finish();
    seconds = seconds_since(start);
  }
  check(seen, 2, events);
  return seconds;
}

}  // namespace

void diamond(suite& s) {
  table& t = s.add("diamond", "24 byte events, each heard twice and joined", unit::millions_per_second);
  t.time("peal", "diamond", through_peal);
  each(rivals::sleeping{}, [&]<class X>(std::type_identity<X>) {
    t.describe(X::about.name, X::about.lacks);
    t.time(X::about.name, "diamond", through<X>);
  });
}

}  // namespace bench
