// SPDX-License-Identifier: MIT
// Revenue: a read model, the money of each country after every payment and every refund.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <peal/bus/subscriber.hpp>
#include <peal/core/overloaded.hpp>

#include "../events.hpp"
#include "service.hpp"

namespace order_flow {

/// Adds up what it is told, once: that it is told once is what peal promises.
class revenue {
 public:
  revenue(peal::subscriber<payment_taken, payment_returned> money, const trouble& troubles)
      : watch_("revenue", troubles, crashes::before),
        subscription_(money.subscribe(
            "revenue",
            peal::overloaded{
                [this](const payment_taken& taken) {
                  cents_[taken.country] += taken.cents;
                  ++orders_charged_;
                },
                [this](const payment_returned& returned) { cents_[returned.country] += returned.cents; },
            },
            watch_.middleware(), peal::otherwise(try_again))) {}

  std::int64_t orders_charged() const { return orders_charged_; }
  const std::map<std::string, std::int64_t>& cents_by_country() const { return cents_; }
  const watch& watched() const { return watch_; }

 private:
  watch watch_;
  std::map<std::string, std::int64_t> cents_;
  std::int64_t orders_charged_ = 0;
  peal::subscription subscription_;  // last: it stops before what its handler uses is gone
};

}  // namespace order_flow
