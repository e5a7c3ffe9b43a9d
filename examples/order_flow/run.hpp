// SPDX-License-Identifier: MIT
// One day of the shop: orders in, books out.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <peal/pattern/event_streams.hpp>

#include "acknowledgements.hpp"
#include "books.hpp"
#include "front_desk.hpp"
#include "ledger.hpp"
#include "options.hpp"
#include "order_source.hpp"
#include "orders.hpp"
#include "report.hpp"
#include "results.hpp"
#include "review.hpp"
#include "shop.hpp"
#include "trouble.hpp"

namespace order_flow {

/// Who looks on while the shop runs, and may close it.
class onlooker {
 public:
  virtual ~onlooker() = default;
  virtual void input_read(const retail_rows& /*rows*/, std::uint64_t /*orders_in_all*/) {}
  virtual bool go_on(std::uint64_t /*orders_taken*/) { return true; }
};

inline peal::bus_options bus_options_of(const options& chosen) {
  return {.workers = chosen.workers,
          .max_dead_letters = std::numeric_limits<std::size_t>::max(),  // nothing is lost while a person reads
          .max_crashes = 1'000,                       // who kills this program at random means none of its events
          .overload_after = std::chrono::minutes{1},  // slow machines and sanitizers are no reason for a letter
          .retries = {.ratio = 2, .per_second = 2000, .burst = 1000},
          .seed = chosen.troubles.seed};
}

/// Waits until all orders are through, however long that takes while `go_on()`; then the bus is closed.
template <class Bus, std::predicate GoOn>
peal::settle_report finish(Bus& bus, GoOn go_on) {
  constexpr std::chrono::milliseconds look_up{100};
  constexpr std::chrono::seconds patience{25};
  auto settled = bus.settle_for(look_up);
  while (!settled && go_on()) settled = bus.settle_for(look_up);
  if (!settled) settled = bus.settle_for(patience);
  bus.drain(patience);
  return settled;
}

/// Publishes all orders of the source, or until the onlooker has seen enough.
template <class Published>
void take_orders(order_source& source, front_desk& desk, onlooker& watcher, Published& published, run_report& report) {
  for (auto input = source.next(); input && !report.interrupted; input = source.next()) {
    auto orders = assemble_orders(input->rows);
    const auto taken_before = desk.orders_taken();
    const auto in_all = taken_before + orders.size() + source.orders_left();
    watcher.input_read(*input, in_all);
    desk.take(
        std::move(orders), [&] { return watcher.go_on(desk.orders_taken()); }, published);
    report.interrupted = desk.orders_taken() != in_all - source.orders_left();
    report.unparsed_lines += input->unparsed.size();
    report.expected += expected_books(input->rows, desk.orders_taken() - taken_before);
  }
  published.flush();
}

/// Runs the shop on one bus until what was taken is finished.
template <class Bus, class Published>
run_report run_on(Bus& bus, ledger& entries, const options& chosen, onlooker& watcher, order_source& source,
                  std::uint64_t accepted, Published published) {
  run_report report;
  report.accepted_before = accepted;
  const trouble troubles{chosen.troubles};
  shop_services services{bus, entries, troubles};
  front_desk desk{bus, bus, troubles, chosen.rate, accepted};

  const auto start = std::chrono::steady_clock::now();
  take_orders(source, desk, watcher, published, report);
  const auto settled = finish(bus, [&] { return watcher.go_on(desk.orders_taken()); });
  report.took = std::chrono::steady_clock::now() - start;

  const auto letters = read_letters(bus);
  report.found = books_of(desk, entries, letters);
  report.troubles = troubles_of(entries, letters);
  report.troubles.insert(report.troubles.end(), settled.waiting_for.begin(), settled.waiting_for.end());
  report.services = services_of(bus, services);
  report.outage = outage_of(bus, services, troubles);
  report.letters = letters.letters;
  report.duplicates_published = desk.duplicates_published();
  for (const auto& topic : bus.statistics().topics) report.events += topic.accepted;
  return report;
}

/// What this store was begun with.
struct input_known {
  std::string description;

  static constexpr peal::event_name name{"shop.input.known", 1};
  static constexpr auto fields = peal::fields(peal::field{"description", &input_known::description});
};

/// Where the input was is known by counting, which needs the same input.
/// Errors: input_error when it is another one.
inline void require_same_input(peal::store& kept, const options& chosen, const order_source& source) {
  const input_known mine{source.description() + ", seed " + std::to_string(chosen.troubles.seed) + ", duplicates " +
                         std::to_string(chosen.troubles.duplicate)};
  peal::event_streams<input_known> known{kept, "shop.input"};
  if (known.version("input") == 0) known.append("input", peal::no_stream, mine);
  known.read("input", [&](const input_known& first) {
    if (first.description == mine.description) return;
    throw input_error(std::string{kept.place()} + ": this store was begun with " + first.description + ", not with " +
                      mine.description);
  });
}

/// Runs the shop on a store: it goes on where its last process, however that ended, left it.
///
/// How many orders were accepted is how many the store has: the front desk alone publishes them. What the services do goes
/// into the ledger once; all else is delivered at least once.
/// Errors: input_error, before anything was published; store_error.
inline run_report run_shop_on(peal::store& kept, ledger& entries, const options& chosen, onlooker& watcher) {
  order_source source{chosen};
  require_same_input(kept, chosen, source);
  durable_shop_bus bus{bus_options_of(chosen), kept};
  const auto accepted = kept.range("shop.orders").next;
  return run_on(bus, entries, chosen, watcher, source, accepted,
                acknowledgements<durable_shop_bus>{bus, chosen.acknowledge});
}

/// Runs the shop in memory.
/// Errors: input_error, before anything was published.
inline run_report run_shop(const options& chosen, onlooker& watcher) {
  order_source source{chosen};
  memory_ledger entries;
  shop_bus bus{bus_options_of(chosen)};
  auto report = run_on(bus, entries, chosen, watcher, source, 0, no_acknowledgements{});
  if (const auto again = delivered_again(entries); again != 0) {
    report.troubles.push_back("events that were delivered twice: " + std::to_string(again));
  }
  return report;
}

}  // namespace order_flow
