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

#include "books.hpp"
#include "front_desk.hpp"
#include "options.hpp"
#include "order_source.hpp"
#include "orders.hpp"
#include "report.hpp"
#include "review.hpp"
#include "shop.hpp"
#include "trouble.hpp"

namespace order_flow {

/// What the services say they did.
inline books books_of(const front_desk& desk, const shop_services& services, const review& letters) {
  books found;
  found.orders_placed = desk.orders_placed();
  found.orders_cancelled = desk.orders_cancelled();
  found.orders_rejected = static_cast<std::int64_t>(letters.rejected.size());
  found.orders_charged = services.money.orders_charged();
  found.pieces_reserved = services.stock.pieces_reserved();
  found.orders_shipped = services.parcels.orders_shipped();
  found.mails_sent = services.mails.mails_sent();
  found.revenue_cents = services.money.cents_by_country();
  return found;
}

/// What must not be and is not in the books.
inline std::vector<std::string> troubles_of(const shop_services& services, const review& letters) {
  std::vector<std::string> result;
  if (letters.lost != 0) result.push_back("dead letters of good orders: " + std::to_string(letters.lost));
  if (services.parcels.waiting() != 0) {
    result.push_back("parcels without their goods or their payment: " + std::to_string(services.parcels.waiting()));
  }
  std::int64_t posted = 0;
  for (const auto& [country, cents] : services.money.cents_by_country()) posted += cents;
  if (const auto moved = services.payments.cents() + services.refund.cents(); moved != posted) {
    result.push_back("the gateway moved " + money(moved) + ", the revenue is " + money(posted));
  }
  return result;
}

inline std::vector<service_report> services_of(const shop_bus& bus, const shop_services& services) {
  std::vector<service_report> result;
  const auto statistics = bus.statistics();
  const auto add = [&](const watch& watched) {
    for (const auto& of : statistics.subscriptions) {
      if (of.name != watched.name()) continue;
      result.push_back({of.name, of.accepted, of.handled, of.retries, of.deduplicated, of.dead, watched.latency()});
    }
  };
  add(services.stock.watched());
  add(services.payments.watched());
  add(services.refund.watched());
  add(services.parcels.watched());
  add(services.mails.watched());
  add(services.money.watched());
  return result;
}

inline outage_report outage_of(const shop_bus& bus, const shop_services& services, const trouble& troubles) {
  outage_report result;
  result.length = troubles.outage();
  result.recovery = services.payments.gateway_outage().recovery();
  for (const auto& of : bus.statistics().subscriptions) {
    result.breaker_opened += of.breaker_opened;
    result.breaker_open += of.breaker_open_time;
    result.retries_put_off += of.throttled;
  }
  return result;
}

/// Who looks on while the shop runs, and may close it.
class onlooker {
 public:
  virtual ~onlooker() = default;
  virtual void input_read(const retail_rows& /*rows*/, std::uint64_t /*orders_in_all*/) {}
  virtual bool go_on(std::uint64_t /*orders_taken*/) { return true; }
};

/// Waits until all orders are through, however long that takes while `go_on()`; then the bus is closed.
template <std::predicate GoOn>
peal::settle_report finish(shop_bus& bus, GoOn go_on) {
  constexpr std::chrono::milliseconds look_up{100};
  constexpr std::chrono::seconds patience{25};
  auto settled = bus.settle_for(look_up);
  while (!settled && go_on()) settled = bus.settle_for(look_up);
  if (!settled) settled = bus.settle_for(patience);
  bus.drain(patience);
  return settled;
}

/// Runs the shop on all orders of the source, or until the onlooker has seen enough: what was taken is finished.
/// Errors: input_error, before anything was published.
inline run_report run_shop(const options& chosen, onlooker& watcher) {
  run_report report;
  const trouble troubles{chosen.troubles};
  shop_bus bus{{.workers = chosen.workers,
                .max_dead_letters = std::numeric_limits<std::size_t>::max(),  // nothing is lost while a person reads
                .overload_after = std::chrono::minutes{1},  // slow machines and sanitizers are no reason for a letter
                .retries = {.ratio = 2, .per_second = 2000, .burst = 1000},
                .seed = chosen.troubles.seed}};
  shop_services services{bus, troubles};
  front_desk desk{bus, bus, troubles, chosen.rate};

  order_source source{chosen};
  auto input = source.next();
  const auto start = std::chrono::steady_clock::now();
  for (; input && !report.interrupted; input = source.next()) {
    auto orders = assemble_orders(input->rows);
    const auto taken_before = desk.orders_taken();
    const auto in_all = taken_before + orders.size() + source.orders_left();
    watcher.input_read(*input, in_all);
    desk.take(std::move(orders), [&] { return watcher.go_on(desk.orders_taken()); });
    report.interrupted = desk.orders_taken() != in_all - source.orders_left();
    report.unparsed_lines += input->unparsed.size();
    report.expected += expected_books(input->rows, desk.orders_taken() - taken_before);
  }
  const auto settled = finish(bus, [&] { return watcher.go_on(desk.orders_taken()); });
  report.took = std::chrono::steady_clock::now() - start;

  const auto letters = read_letters(bus);
  report.found = books_of(desk, services, letters);
  report.troubles = troubles_of(services, letters);
  report.troubles.insert(report.troubles.end(), settled.waiting_for.begin(), settled.waiting_for.end());
  report.services = services_of(bus, services);
  report.outage = outage_of(bus, services, troubles);
  report.letters = letters.letters;
  report.duplicates_published = desk.duplicates_published();
  for (const auto& topic : bus.statistics().topics) report.events += topic.accepted;
  return report;
}

}  // namespace order_flow
