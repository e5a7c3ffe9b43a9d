// SPDX-License-Identifier: MIT
// What do several publishing threads cost, also where they outnumber the cores?
//
//   producer 1 ──▶┐
//      …          ├▶ [ topic ] ──▶ handler
//   producer P ──▶┘
//
// Checked: every event handled once, each producer's in order.
#include "rivals/all.hpp"
#include "support/drive.hpp"
#include "support/peal_contestants.hpp"
#include "topologies.hpp"

namespace bench {
namespace {

constexpr unsigned most_producers = 8;

std::string column_of(unsigned producers) {
  return std::to_string(producers) + (producers == 1 ? " producer" : " producers");
}

}  // namespace

void many_to_one(suite& s) {
  table& t = s.add("many_to_one", "24 byte events from P threads to one handler", unit::millions_per_second);
  for (unsigned producers = 1; producers <= most_producers; producers *= 2) {
    const std::string column = column_of(producers);
    each(contestants<peal_bus>{} + rivals::all{}, [&]<class X>(std::type_identity<X>) {
      const shape how{.producers = producers};
      if (!X::about.fits(how)) return;
      t.describe(X::about.name, X::about.lacks);
      t.time(X::about.name, column, [how](std::uint64_t n) { return drive<X, event<24>>(how, n); });
    });
    if (producers == 1) continue;
    s.require_times("many_to_one " + column + " vs rivals in one order", t, column, rivals::in_one_order, 1);
    s.require_times("many_to_one " + column + " vs moodycamel", t, column, {"moodycamel"}, 0.6);
  }
  s.require("many_to_one without collapse", "at least 0.5x its own rate with one producer",
            [&t]() -> std::optional<judged> {
              const auto alone = t.at("peal", column_of(1));
              if (!alone) return std::nullopt;
              double worst = 1;
              for (unsigned producers = 2; producers <= most_producers; producers *= 2) {
                const auto many = t.at("peal", column_of(producers));
                if (!many) return std::nullopt;
                worst = std::min(worst, many->median / alone->median);
              }
              return judged{said(worst) + "x", worst >= 0.5};
            });
}

}  // namespace bench
