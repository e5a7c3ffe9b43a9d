// SPDX-License-Identifier: MIT
// The shop: one bus, and the services wired to it. Here alone everything is known.
#pragma once

#include <peal/bus/bus.hpp>

#include "events.hpp"
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

/// Each service takes from the bus what it may hear and what it may publish, and no more.
struct shop_services {
  shop_services(shop_bus& bus, const trouble& troubles)
      : stock(bus, troubles),
        payments(bus, troubles),
        refund(bus, troubles),
        parcels(bus, troubles),
        mails(bus, troubles),
        money(bus, troubles) {}

  inventory stock;
  payment payments;
  refunds refund;
  shipping parcels;
  notification mails;
  revenue money;
};

}  // namespace order_flow
