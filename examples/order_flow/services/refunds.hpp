// SPDX-License-Identifier: MIT
// Refunds: gives the money of good cancellations back; one that is not good goes to a person.
#pragma once

#include <peal/bus/subscriber.hpp>

#include "../events.hpp"
#include "../ledger.hpp"
#include "../rules.hpp"
#include "gateway.hpp"
#include "service.hpp"

namespace order_flow {

class refunds {
 public:
  refunds(peal::subscriber<order_cancelled, peal::publishes<payment_returned>> orders, ledger& entries,
          const trouble& troubles)
      : watch_("refunds", troubles, crashes::before_and_after),
        gateway_("refund", entries, account::refunded, troubles),
        subscription_(orders.subscribe(
            "refunds",
            [this](const order_cancelled& cancelled, peal::delivery& delivery) {
              return give_back(cancelled, delivery);
            },
            peal::idempotent{&order_cancelled::order_id}, watch_.middleware(),
            peal::on<invalid_order>(peal::dead_letter), peal::on<gateway_timeout>(try_again),
            peal::otherwise(try_again))) {}

  const watch& watched() const { return watch_; }

 private:
  payment_returned give_back(const order_cancelled& cancelled, const peal::delivery& delivery) {
    require_good(cancelled);
    const auto cents = total_cents(cancelled.lines);
    gateway_.move_money(cancelled.order_id, cents, delivery.attempt());
    return {cancelled.order_id, cancelled.country, cents};
  }

  watch watch_;
  gateway gateway_;
  peal::subscription subscription_;  // last: it stops before what its handler uses is gone
};

}  // namespace order_flow
