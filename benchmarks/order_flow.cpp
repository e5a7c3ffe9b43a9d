// SPDX-License-Identifier: MIT
// How many deliveries a second does the example's shop handle, its services with retries, idempotency and outputs?
//
//   front desk ──▶ [ orders ] ──▶ inventory, payment ──▶ [ steps ] ──▶ shipping, revenue ──▶ [ shipped ] ──▶ notification
//
// Orders are made and parsed while the clock stands; two workers, no trouble.
// Checked: the shop's books are those computed straight from the rows.
#include "../examples/order_flow/run.hpp"

#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "support/drive.hpp"
#include "topologies.hpp"

namespace bench {
namespace {

/// Orders that are ready to be taken, and what their books must say.
struct prepared {
  std::vector<std::vector<order_flow::any_order>> orders;
  order_flow::books expected;
};

/// The next slices of the input; at most ten at once, so that they all fit into memory.
prepared prepare(order_flow::order_source& source) {
  prepared next;
  while (next.orders.size() < 10) {
    const auto input = source.next();
    if (!input) break;
    next.orders.push_back(order_flow::assemble_orders(input->rows));
    next.expected += order_flow::expected_books(input->rows);
  }
  return next;
}

/// Deliveries and orders, in millions a second.
std::vector<double> run_day(std::uint64_t orders) {
  order_flow::options chosen;
  chosen.orders = orders;
  order_flow::order_source source{chosen};
  const order_flow::trouble untroubled{{}};
  order_flow::shop_bus bus{{.workers = 2, .max_dead_letters = std::numeric_limits<std::size_t>::max()}};
  order_flow::memory_ledger entries;
  const order_flow::shop_services services{bus, entries, untroubled};
  order_flow::no_acknowledgements unasked;
  order_flow::front_desk desk{bus, bus, untroubled, 0};
  order_flow::books expected;
  double seconds = 0;
  for (prepared next = prepare(source); !next.orders.empty(); next = prepare(source)) {
    const auto start = clock::now();
    const auto to_the_end = [] { return true; };
    for (auto& slice : next.orders) desk.take(std::move(slice), to_the_end, unasked);
    bus.settle();
    seconds += seconds_since(start);
    expected += next.expected;
  }
  const auto found = order_flow::books_of(desk, entries, order_flow::read_letters(bus));
  for (const std::string& difference : order_flow::differences(expected, found)) throw wrong_result(difference);
  std::uint64_t deliveries = 0;
  for (const auto& one : bus.statistics().subscriptions) deliveries += one.handled + one.dead;
  return {static_cast<double>(deliveries) / seconds / 1e6, static_cast<double>(orders) / seconds / 1e6};
}

}  // namespace

void order_flow_rate(suite& s) {
  table& t =
      s.add("order_flow", "the example's shop, two workers, no trouble, parsing excluded", unit::millions_per_second);
  t.measure_once("peal", {"deliveries", "orders"},
                 [](const effort& e) { return run_day(e.quick ? 60'000 : 1'000'000); });
  s.require("order_flow deliveries", "at least 1 M/s", [&t]() -> std::optional<judged> {
    const auto rate = t.at("peal", "deliveries");
    if (!rate) return std::nullopt;
    return judged{said(rate->median) + " M/s", rate->median >= 1};
  });
}

}  // namespace bench
