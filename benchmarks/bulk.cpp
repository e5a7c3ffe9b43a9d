// SPDX-License-Identifier: MIT
// How fast do events travel that are published 32 at once?
//
//   producer ══32══▶ [ topic ] ──▶ handler
//
// Checked: every event handled once, in order.
#include "rivals/all.hpp"
#include "support/drive.hpp"
#include "support/peal_contestants.hpp"
#include "topologies.hpp"

namespace bench {
namespace {

#if PEAL_BENCH_HAS_BOOST
using with_spsc = contestants<rivals::boost_spsc_all>;
#else
using with_spsc = contestants<>;
#endif

}  // namespace

void bulk(suite& s) {
  table& t = s.add("bulk", "24 byte events, 32 at once, by the room that bounded ones have", unit::millions_per_second);
  for (const std::size_t capacity : {std::size_t{4'096}, std::size_t{65'536}}) {
    const std::string column = capacity == 4'096 ? "room 4,096" : "room 65,536";
    each(contestants<peal_bus, peal_ring, rivals::swapped_vector>{} + rivals::with_moodycamel{} + with_spsc{},
         [&]<class X>(std::type_identity<X>) {
           t.describe(X::about.name, X::about.lacks);
           t.time(X::about.name, column,
                  [capacity](std::uint64_t n) { return drive<X, event<24>, 32>({.capacity = capacity}, n); });
         });
    s.require_times("bulk " + column + " vs moodycamel", t, column, {"moodycamel"}, 1);
    s.require_times("bulk " + column + " vs swapped vector", t, column, {"mutex + swapped vector"}, 0.7);
  }
}

}  // namespace bench
