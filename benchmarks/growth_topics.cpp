// SPDX-License-Identifier: MIT
// How does peal grow with topics?
//
//                ┌▶ [ topic 1 ] ──▶ handler
//   producer ──▶ …
//                └▶ [ topic N ] ──▶ handler
//
// One thread publishes to all topics in turn, each has a subscription, one worker serves them all.
// Every topic is a type and costs about a second to compile: the largest count is an option of the build,
// PEAL_BENCH_TOPICS.
// Checked: every event handled once, in order.
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <peal/bus/bus.hpp>

#include "support/drive.hpp"
#include "topologies.hpp"

namespace bench {
namespace {

template <int Number>
struct numbered : event<24> {};

template <class Numbers>
struct wired;
template <int... Numbers>
struct wired<std::integer_sequence<int, Numbers...>> {
  using bus_type = peal::bus<numbered<Numbers>...>;
  static constexpr std::size_t count = sizeof...(Numbers);

  static double run(std::uint64_t events) {
    std::vector<ledger> ledgers(count);
    const std::uint64_t each = events / count + 1;
    double seconds = 0;
    {
      bus_type bus{{.workers = 1}};
      std::vector<peal::subscription> all;
      (all.push_back(bus.template subscribe<numbered<Numbers>>(
           std::to_string(Numbers), [&mine = ledgers[Numbers]](const numbered<Numbers>& e) { mine(e); })),
       ...);
      const auto start = clock::now();
      for (std::uint64_t i = 1; i <= each; ++i) (bus.publish(numbered<Numbers>{{stamp(0, i), {}}}), ...);
      bus.settle();
      seconds = seconds_since(start);
    }
    for (const ledger& one : ledgers) check({one}, 1, each);
    return seconds;
  }
};

template <int Count>
void add(table& t) {
  if constexpr (Count <= PEAL_BENCH_TOPICS) {
    t.time("peal", std::to_string(Count), wired<std::make_integer_sequence<int, Count>>::run);
    add<Count * 4>(t);
  }
}

}  // namespace

void growth_topics(suite& s) {
  add<1>(s.add("growth_topics", "one producer to N topics in turn, one worker, 24 byte events",
               unit::millions_per_second));
}

}  // namespace bench
