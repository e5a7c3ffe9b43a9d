// SPDX-License-Identifier: MIT
// What a shop at rest has to say: its books, what must not be, and what its services were at.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "books.hpp"
#include "front_desk.hpp"
#include "ledger.hpp"
#include "report.hpp"
#include "review.hpp"
#include "shop.hpp"
#include "trouble.hpp"

namespace order_flow {

/// What the services say they did.
inline books books_of(const front_desk& desk, const ledger& entries, const review& letters) {
  books found;
  const auto earned = entries.sums(account::earned);
  found.orders_placed = desk.orders_placed();
  found.orders_cancelled = desk.orders_cancelled();
  found.orders_rejected = static_cast<std::int64_t>(letters.rejected.size());
  found.orders_charged = earned.entries;
  found.pieces_reserved = entries.sums(account::reserved).amount();
  found.orders_shipped = entries.in_both(account::goods, account::paid);
  found.mails_sent = entries.sums(account::mailed).entries;
  found.revenue_cents = earned.amounts;
  for (const auto& [country, cents] : entries.sums(account::given_back).amounts) found.revenue_cents[country] += cents;
  return found;
}

/// What must not be and is not in the books.
inline std::vector<std::string> troubles_of(const ledger& entries, const review& letters) {
  std::vector<std::string> result;
  const auto complain = [&](const std::string& what, std::int64_t count) {
    if (count != 0) result.push_back(what + ": " + std::to_string(count));
  };
  complain("dead letters of good orders", static_cast<std::int64_t>(letters.lost));
  const auto whole = entries.in_both(account::goods, account::paid);
  complain("parcels without their goods or their payment",
           entries.sums(account::goods).entries + entries.sums(account::paid).entries - 2 * whole);
  complain("things that were done twice", entries.duplicated());
  const auto moved = entries.sums(account::charged).amount() + entries.sums(account::refunded).amount();
  const auto posted = entries.sums(account::earned).amount() + entries.sums(account::given_back).amount();
  if (moved != posted) result.push_back("the gateway moved " + money(moved) + ", the revenue is " + money(posted));
  return result;
}

/// While its process lives the bus delivers once: nobody whose work cannot fail behind the entry has met one that was there.
inline std::int64_t delivered_again(const ledger& entries) {
  std::int64_t sum = 0;
  for (const auto which : {account::reserved, account::goods, account::paid, account::earned, account::given_back}) {
    sum += entries.again(which);
  }
  return sum;
}

template <class Bus>
std::vector<service_report> services_of(const Bus& bus, const shop_services& services) {
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

template <class Bus>
outage_report outage_of(const Bus& bus, const shop_services& services, const trouble& troubles) {
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

}  // namespace order_flow
