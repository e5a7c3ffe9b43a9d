// SPDX-License-Identifier: MIT
// Revenue: a read model, the money of each country after every payment and every refund.
#pragma once

#include <peal/bus/subscriber.hpp>
#include <peal/core/overloaded.hpp>

#include "../events.hpp"
#include "../ledger.hpp"
#include "service.hpp"

namespace order_flow {

/// Adds up what it is told.
class revenue {
 public:
  revenue(peal::subscriber<payment_taken, payment_returned> money, ledger& entries, const trouble& troubles)
      : watch_("revenue", troubles, crashes::before),
        subscription_(money.subscribe(
            "revenue",
            peal::overloaded{
                [&entries](const payment_taken& taken) {
                  entries.enter({account::earned, taken.order_id, taken.country, taken.cents});
                },
                [&entries](const payment_returned& returned) {
                  entries.enter({account::given_back, returned.order_id, returned.country, returned.cents});
                },
            },
            watch_.middleware(), peal::otherwise(try_again))) {}

  const watch& watched() const { return watch_; }

 private:
  watch watch_;
  peal::subscription subscription_;  // last: it stops before what its handler uses is gone
};

}  // namespace order_flow
