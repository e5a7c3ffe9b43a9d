// SPDX-License-Identifier: MIT
// Payment: charges good orders through the gateway; an order that is not good goes to a person.
#pragma once

#include <chrono>

#include <peal/bus/subscriber.hpp>
#include <peal/policy/breaker.hpp>

#include "../events.hpp"
#include "../ledger.hpp"
#include "../rules.hpp"
#include "gateway.hpp"
#include "service.hpp"

namespace order_flow {

class payment {
 public:
  payment(peal::subscriber<order_placed, peal::publishes<payment_taken>> orders, ledger& entries,
          const trouble& troubles)
      : watch_("payment", troubles, crashes::before_and_after),
        gateway_("charge", entries, account::charged, troubles, troubles.outage()),
        subscription_(orders.subscribe(
            "payment",
            [this](const order_placed& placed, peal::delivery& delivery) { return charge(placed, delivery); },
            peal::ordered_by{&order_placed::order_id}, peal::idempotent{&order_placed::order_id}, watch_.middleware(),
            peal::on<invalid_order>(peal::dead_letter), spare_the_gateway.counting<gateway_down>(),
            peal::otherwise(try_again))) {}

  const outage& gateway_outage() const { return gateway_.its_outage(); }
  const watch& watched() const { return watch_; }

 private:
  /// While nobody is there, two calls every now and then are enough; a call that timed out is another matter.
  static constexpr peal::breaker spare_the_gateway{
      .window = {.runs = 20}, .minimum = 5, .open_for = std::chrono::milliseconds{50}, .probes = 2};

  payment_taken charge(const order_placed& placed, const peal::delivery& delivery) {
    require_good(placed);
    const auto cents = total_cents(placed.lines);
    gateway_.move_money(placed.order_id, cents, delivery.attempt());
    return {placed.order_id, placed.country, cents};
  }

  watch watch_;
  gateway gateway_;
  peal::subscription subscription_;  // last: it stops before what its handler uses is gone
};

}  // namespace order_flow
