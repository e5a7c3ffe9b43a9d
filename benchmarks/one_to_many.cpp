// SPDX-License-Identifier: MIT
// What does a delivery cost when 1, 3 or 10 subscriptions hear the same event?
//
//                ┌▶ subscription 1
//   producer ──▶ [ topic ] ──▶ …
//                └▶ subscription S
//
// peal stores an event once; the rivals copy it into a queue and a sleeping thread for each subscriber, as they must where
// one subscriber may not hold up another. The row of one queue and a list of functions gives that up.
// Checked: every subscription handled every event once, in order.
#include <functional>
#include <memory>
#include <utility>

#include "rivals/all.hpp"
#include "support/drive.hpp"
#include "support/peal_contestants.hpp"
#include "topologies.hpp"

namespace bench {
namespace {

using event_type = event<24>;

double publish_to_all(std::uint64_t events, auto&& publish, auto&& finish) {
  const auto start = clock::now();
  event_type e{};
  for (std::uint64_t i = 1; i <= events; ++i) {
    e.value = stamp(0, i);
    publish(e);
  }
  finish();
  return seconds_since(start);
}

double peal_to_all(unsigned workers, unsigned subscriptions, std::uint64_t events) {
  std::vector<ledger> ledgers(subscriptions);
  double seconds = 0;
  {
    peal::bus<event_type> bus{{.workers = workers}};
    std::vector<peal::subscription> all;
    for (ledger& mine : ledgers) {
      all.push_back(
          bus.subscribe<event_type>("s" + std::to_string(all.size()), [&mine](const event_type& e) { mine(e); }));
    }
    seconds = publish_to_all(
        events, [&](const event_type& e) { bus.publish(event_type{e}); }, [&] { bus.settle(); });
  }
  for (const ledger& one : ledgers) check({one}, 1, events);
  return seconds;
}

/// A lane for each subscriber.
template <class X>
double queue_each(unsigned subscriptions, std::uint64_t events) {
  using lane_type = typename X::template lane<event_type, ledger>;
  std::vector<std::vector<ledger>> ledgers(subscriptions, std::vector<ledger>(1));
  double seconds = 0;
  {
    std::vector<std::unique_ptr<lane_type>> lanes;
    for (auto& mine : ledgers) lanes.push_back(std::make_unique<lane_type>(shape{}, mine));
    std::vector<std::unique_ptr<typename lane_type::producer>> out;
    for (auto& lane : lanes) out.push_back(std::make_unique<typename lane_type::producer>(lane->make_producer()));
    seconds = publish_to_all(
        events,
        [&](const event_type& e) {
          for (auto& one : out) one->publish(event_type{e});
        },
        [&] {
          out.clear();
          for (auto& lane : lanes) lane->finish();
        });
  }
  for (const auto& one : ledgers) check(one, 1, events);
  return seconds;
}

/// One lane, whose consumer calls one function after the other.
struct call_all {
  std::vector<std::function<void(const event_type&)>> handlers;
  void operator()(const event_type& e) const {
    for (const auto& handler : handlers) handler(e);
  }
};
double one_queue(unsigned subscriptions, std::uint64_t events) {
  std::vector<ledger> ledgers(subscriptions);
  std::vector<call_all> sinks(1);
  for (ledger& mine : ledgers) sinks.front().handlers.emplace_back([&mine](const event_type& e) { mine(e); });
  double seconds = 0;
  {
    rivals::swapped_vector::lane<event_type, call_all> lane{{}, sinks};
    auto out = lane.make_producer();
    seconds = publish_to_all(
        events, [&](const event_type& e) { out.publish(event_type{e}); }, [&] { lane.finish(); });
  }
  for (const ledger& one : ledgers) check({one}, 1, events);
  return seconds;
}

std::string column_of(unsigned subscriptions) {
  return std::to_string(subscriptions) + (subscriptions == 1 ? " subscription" : " subscriptions");
}

}  // namespace

void one_to_many(suite& s) {
  table& t = s.add("one_to_many", "24 byte events, cost of one delivery", unit::nanoseconds);
  std::vector<std::string> queue_each_rows;
  for (const unsigned subscriptions : {1U, 3U, 10U}) {
    const std::string column = column_of(subscriptions);
    const auto rounded = [subscriptions](std::uint64_t deliveries) { return deliveries / subscriptions + 1; };
    t.time("peal", column, [=](std::uint64_t n) { return peal_to_all(1, subscriptions, rounded(n)); });
    t.time("peal, a worker a core", column,
           [=](std::uint64_t n) { return peal_to_all(core_count(), subscriptions, rounded(n)); });
    each(rivals::sleeping{}, [&]<class X>(std::type_identity<X>) {
      const std::string row = std::string(X::about.name) + ", one each";
      if (subscriptions == 1) queue_each_rows.push_back(row);
      t.describe(row, X::about.lacks);
      t.time(row, column, [=](std::uint64_t n) { return queue_each<X>(subscriptions, rounded(n)); });
    });
    t.describe("swapped vector + list of functions", "a slow handler holds up the others");
    t.time("swapped vector + list of functions", column,
           [=](std::uint64_t n) { return one_queue(subscriptions, rounded(n)); });
  }
  s.require("one_to_many cost of a delivery falls", "1 > 3 > 10 subscriptions", [&t]() -> std::optional<judged> {
    const auto one = t.at("peal", column_of(1));
    const auto three = t.at("peal", column_of(3));
    const auto ten = t.at("peal", column_of(10));
    if (!one || !three || !ten) return std::nullopt;
    return judged{said(one->median) + " > " + said(three->median) + " > " + said(ten->median) + " ns",
                  one->median > three->median && three->median > ten->median};
  });
  for (const unsigned subscriptions : {3U, 10U}) {
    s.require_times("one_to_many " + column_of(subscriptions) + " vs a queue each", t, column_of(subscriptions),
                    queue_each_rows, 5);
  }
}

}  // namespace bench
