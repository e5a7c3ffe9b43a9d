// SPDX-License-Identifier: MIT
// What do several threads on both sides cost, also where they outnumber the cores?
//
//   producer 1 ──▶┐             ┌▶ consumer thread 1
//      …          ├▶ [ topic ] ─┤     …
//   producer P ──▶┘             └▶ consumer thread C
//
// One subscription: peal handles its events in their one order, on one worker at a time; rivals with several consumer
// threads handle them in any order.
// Checked: every event handled once, by peal each producer's in order.
#include "rivals/all.hpp"
#include "support/drive.hpp"
#include "support/peal_contestants.hpp"
#include "topologies.hpp"

namespace bench {
namespace {

std::string column_of(unsigned threads) { return std::to_string(threads) + "P/" + std::to_string(threads) + "C"; }

}  // namespace

void many_to_many(suite& s) {
  table& t = s.add("many_to_many", "24 byte events from P threads to one subscription served by C threads",
                   unit::millions_per_second);
  for (const unsigned threads : {1U, 2U, 4U}) {
    const std::string column = column_of(threads);
    each(contestants<peal_bus>{} + rivals::all{}, [&]<class X>(std::type_identity<X>) {
      const shape how{.producers = threads, .consumers = threads};
      if (!X::about.fits(how)) return;
      t.describe(X::about.name, X::about.lacks);
      t.time(X::about.name, column, [how](std::uint64_t n) { return drive<X, event<24>>(how, n); });
    });
    if (threads == 1) continue;
    s.require_times("many_to_many " + column + " vs rivals in one order", t, column, rivals::in_one_order, 1);
    s.require_times("many_to_many " + column + " vs moodycamel", t, column, {"moodycamel"}, 0.6);
  }
  s.require("many_to_many without collapse", "at least 0.5x its own 1P/1C", [&t]() -> std::optional<judged> {
    const auto alone = t.at("peal", column_of(1));
    const auto two = t.at("peal", column_of(2));
    const auto four = t.at("peal", column_of(4));
    if (!alone || !two || !four) return std::nullopt;
    const double worst = std::min(two->median, four->median) / alone->median;
    return judged{said(worst) + "x", worst >= 0.5};
  });
}

}  // namespace bench
