// SPDX-License-Identifier: MIT
// Inventory: takes the goods of a good order from the shelf.
#pragma once

#include <cstdint>

#include <peal/bus/subscriber.hpp>

#include "../events.hpp"
#include "../ledger.hpp"
#include "../rules.hpp"
#include "service.hpp"

namespace order_flow {

class inventory {
 public:
  inventory(peal::subscriber<order_placed, peal::publishes<stock_reserved>> orders, ledger& entries,
            const trouble& troubles)
      : watch_("inventory", troubles, crashes::before),
        ledger_(entries),
        subscription_(orders.subscribe(
            "inventory", [this](const order_placed& placed) { return reserve(placed); },
            peal::filter{[](const order_placed& placed) { return objection(placed).empty(); }},
            peal::idempotent{&order_placed::order_id}, watch_.middleware(), peal::otherwise(try_again))) {}

  const watch& watched() const { return watch_; }

 private:
  stock_reserved reserve(const order_placed& placed) {
    stock_reserved reserved{placed.order_id};
    for (const auto& line : placed.lines) reserved.pieces += line.quantity;
    ledger_.enter({account::reserved, placed.order_id, {}, reserved.pieces});
    return reserved;
  }

  watch watch_;
  ledger& ledger_;
  peal::subscription subscription_;  // last: it stops before what its handler uses is gone
};

}  // namespace order_flow
