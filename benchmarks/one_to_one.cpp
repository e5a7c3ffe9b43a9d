// SPDX-License-Identifier: MIT
// How fast do one thread's events, published one at a time, reach a typed handler on another thread that sleeps when idle?
//
//   producer ──▶ [ topic ] ──▶ handler
//
// Checked: every event handled once, in order.
#include "rivals/all.hpp"
#include "support/drive.hpp"
#include "support/peal_contestants.hpp"
#include "topologies.hpp"

namespace bench {
namespace {

template <std::size_t Bytes>
void add_column(table& t, const std::string& column) {
  each(contestants<peal_bus, peal_single_producer, peal_ring>{} + rivals::all{}, [&]<class X>(std::type_identity<X>) {
    t.describe(X::about.name, X::about.lacks);
    t.time(X::about.name, column, [](std::uint64_t n) { return drive<X, event<Bytes>>({}, n); });
  });
}

}  // namespace

void one_to_one(suite& s) {
  table& t = s.add("one_to_one", "one thread's events, one at a time, to a handler on another thread",
                   unit::millions_per_second);
  add_column<8>(t, "8 B");
  add_column<64>(t, "64 B");
  for (const std::string column : {"8 B", "64 B"}) {
    const std::string name = "one_to_one " + column + " vs ";
    s.require_times(name + "packaged queues", t, column, rivals::packaged_queues, 2);
    s.require_times(name + "swapped vector", t, column, {"mutex + swapped vector"}, 2);
    s.require_times(name + "deque of functions", t, column, {"mutex + deque of functions"}, 8);
    s.require_times(name + "asio post", t, column, {"asio post"}, 12);
  }
  s.require_times("single_producer 8 B vs spsc_queue", t, "8 B", {"boost spsc_queue"}, 0.7, "peal single_producer");
}

}  // namespace bench
