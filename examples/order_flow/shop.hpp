// SPDX-License-Identifier: MIT
// The shop: one bus, and the services wired to it. Here alone everything is known.
#pragma once

#include <peal/bus/bus.hpp>
#include <peal/bus/durable.hpp>

#include "events.hpp"
#include "ledger.hpp"
#include "services/inventory.hpp"
#include "services/notification.hpp"
#include "services/payment.hpp"
#include "services/refunds.hpp"
#include "services/revenue.hpp"
#include "services/shipping.hpp"
#include "trouble.hpp"

namespace order_flow {

/// Events of one topic keep their order among each other, and one handler at a time can serve them all.
using shop_bus = peal::bus<peal::topic<order_placed, order_cancelled, peal::timed>,
                           peal::topic<stock_reserved, payment_taken, payment_returned, peal::timed>,
                           peal::topic<order_shipped, peal::timed>>;

/// The same shop, which goes on where it was when its process is no more: one word a topic.
using durable_shop_bus =
    peal::bus<peal::topic<order_placed, order_cancelled, peal::timed, peal::durable_as<"shop.orders">>,
              peal::topic<stock_reserved, payment_taken, payment_returned, peal::timed, peal::durable_as<"shop.work">>,
              peal::topic<order_shipped, peal::timed, peal::durable_as<"shop.parcels">>>;

/// Each service takes from the bus what it may hear and what it may publish, and no more.
struct shop_services {
  template <class Bus>
  shop_services(Bus& bus, ledger& entries, const trouble& troubles)
      : stock(bus, entries, troubles),
        payments(bus, entries, troubles),
        refund(bus, entries, troubles),
        parcels(bus, entries, troubles),
        mails(bus, entries, troubles),
        money(bus, entries, troubles) {}

  inventory stock;
  payment payments;
  refunds refund;
  shipping parcels;
  notification mails;
  revenue money;
};

}  // namespace order_flow
