// SPDX-License-Identifier: MIT
// Notification: tells the customer that the order is on its way.
#pragma once

#include <peal/bus/subscriber.hpp>

#include "../events.hpp"
#include "../ledger.hpp"
#include "service.hpp"

namespace order_flow {

/// A mail cannot be unsent, so the mail server is asked to send one for each order only, as the gateway is.
class notification {
 public:
  notification(peal::subscriber<order_shipped> orders, ledger& entries, const trouble& troubles)
      : watch_("notification", troubles, crashes::before_and_after),
        subscription_(orders.subscribe(
            "notification",
            [&entries](const order_shipped& shipped) {
              entries.enter({account::mailed, shipped.order_id});
            },
            watch_.middleware(), peal::otherwise(try_again))) {}

  const watch& watched() const { return watch_; }

 private:
  watch watch_;
  peal::subscription subscription_;  // last: it stops before what its handler uses is gone
};

}  // namespace order_flow
