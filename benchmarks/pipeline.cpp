// SPDX-License-Identifier: MIT
// How many events a second pass three handlers, each of which makes the next one's event?
//
//   producer ──▶ [ first ] ──▶ handler ──▶ [ second ] ──▶ handler ──▶ [ third ] ──▶ handler
//
// In peal a handler returns the next event: it goes out when its delivery is recorded, with correlation and causation.
// The rivals' handlers publish into the next queue. Every stage has a thread of its own; peal has a worker a core.
// Where peal's time goes: an event of three deliveries and two outputs is 1,070 instructions, 300 of them an output (its
// envelope, the claim beside others, the count that settle() relies on), and each output moves 48 bytes of envelope beside
// its slot of 32, where a rival moves 24 bytes and records nothing. On two cores three stages and a producer take turns.
// Checked: every event came through once, in order.
#include <memory>
#include <utility>

#include "rivals/all.hpp"
#include "support/drive.hpp"
#include "support/peal_contestants.hpp"
#include "topologies.hpp"

namespace bench {
namespace {

using event_type = event<24>;
template <int Stage>
struct staged : event_type {};

double through_peal(std::uint64_t events) {
  std::vector<ledger> seen(1);
  double seconds = 0;
  {
    peal::bus<staged<1>, staged<2>, staged<3>> bus{{.workers = core_count()}};
    auto first = bus.subscribe<staged<1>>("first", [](const staged<1>& e) { return staged<2>{e}; });
    auto second = bus.subscribe<staged<2>>("second", [](const staged<2>& e) { return staged<3>{e}; });
    auto third = bus.subscribe<staged<3>>("third", [&](const staged<3>& e) { seen.front()(e); });
    const auto start = clock::now();
    for (std::uint64_t i = 1; i <= events; ++i) bus.publish(staged<1>{{stamp(0, i), {}}});
    bus.settle();
    seconds = seconds_since(start);
  }
  check(seen, 1, events);
  return seconds;
}

template <class Producer>
struct relay {
  Producer* out;
  void operator()(const event_type& e) const { out->publish(event_type{e}); }
};

template <class X>
double through(std::uint64_t events) {
  using third_type = typename X::template lane<event_type, ledger>;
  using second_sink = relay<typename third_type::producer>;
  using second_type = typename X::template lane<event_type, second_sink>;
  using first_sink = relay<typename second_type::producer>;
  using first_type = typename X::template lane<event_type, first_sink>;

  std::vector<ledger> seen(1);
  double seconds = 0;
  {
    third_type third{{}, seen};
    auto to_third = std::make_unique<typename third_type::producer>(third.make_producer());
    std::vector<second_sink> second_sinks{{to_third.get()}};
    second_type second{{}, second_sinks};
    auto to_second = std::make_unique<typename second_type::producer>(second.make_producer());
    std::vector<first_sink> first_sinks{{to_second.get()}};
    first_type first{{}, first_sinks};
    const auto start = clock::now();
    {
      auto out = first.make_producer();
      publish_all<1, event_type>(out, 0, events);
    }
    first.finish();
    to_second.reset();
    second.finish();
    to_third.reset();
    third.finish();
    seconds = seconds_since(start);
  }
  check(seen, 1, events);
  return seconds;
}

}  // namespace

void pipeline(suite& s) {
  table& t = s.add("pipeline", "24 byte events through three stages", unit::millions_per_second);
  t.time("peal", "three stages", through_peal);
  each(rivals::sleeping{}, [&]<class X>(std::type_identity<X>) {
    t.describe(X::about.name, X::about.lacks);
    t.time(X::about.name, "three stages", through<X>);
  });
}

}  // namespace bench
