// SPDX-License-Identifier: MIT
// Shipping: sends an order when its goods are there and its payment is, whichever comes first.
#pragma once

#include <optional>
#include <string>

#include <peal/bus/subscriber.hpp>
#include <peal/core/overloaded.hpp>

#include "../events.hpp"
#include "../ledger.hpp"
#include "service.hpp"

namespace order_flow {

/// Both events are of one topic and so in one order: one overload set serves them, one at a time, without a lock.
class shipping {
 public:
  shipping(peal::subscriber<stock_reserved, payment_taken, peal::publishes<order_shipped>> orders, ledger& entries,
           const trouble& troubles)
      : watch_("shipping", troubles, crashes::before),
        ledger_(entries),
        subscription_(orders.subscribe(
            "shipping",
            peal::overloaded{
                [this](const stock_reserved& reserved) {
                  return arrived(reserved.order_id, account::goods, account::paid);
                },
                [this](const payment_taken& taken) { return arrived(taken.order_id, account::paid, account::goods); },
            },
            watch_.middleware(), peal::otherwise(try_again))) {}

  const watch& watched() const { return watch_; }

 private:
  /// Told again after a crash it says again that the order is shipped: whoever crashed may not have said so.
  std::optional<order_shipped> arrived(const std::string& order_id, account half, account other) {
    ledger_.enter({half, order_id});
    if (!ledger_.has(other, order_id)) return std::nullopt;
    return order_shipped{order_id};
  }

  watch watch_;
  ledger& ledger_;
  peal::subscription subscription_;  // last: it stops before what its handler uses is gone
};

}  // namespace order_flow
