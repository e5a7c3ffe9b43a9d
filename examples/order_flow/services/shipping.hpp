// SPDX-License-Identifier: MIT
// Shipping: sends an order when its goods are there and its payment is, whichever comes first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include <peal/bus/subscriber.hpp>
#include <peal/core/overloaded.hpp>

#include "../events.hpp"
#include "service.hpp"

namespace order_flow {

/// Both events are of one topic and so in one order: one overload set serves them, one at a time, without a lock.
class shipping {
 public:
  shipping(peal::subscriber<stock_reserved, payment_taken, peal::publishes<order_shipped>> orders,
           const trouble& troubles)
      : watch_("shipping", troubles, crashes::before),
        subscription_(orders.subscribe(
            "shipping",
            peal::overloaded{
                [this](const stock_reserved& reserved) { return arrived(reserved.order_id, half::goods); },
                [this](const payment_taken& taken) { return arrived(taken.order_id, half::payment); },
            },
            watch_.middleware(), peal::otherwise(try_again))) {}

  std::int64_t orders_shipped() const { return shipped_; }
  std::size_t waiting() const { return waiting_.size(); }
  const watch& watched() const { return watch_; }

 private:
  enum class half { goods, payment };

  std::optional<order_shipped> arrived(const std::string& order_id, half which) {
    const auto [found, first] = waiting_.try_emplace(order_id, which);
    if (first || found->second == which) return std::nullopt;
    order_shipped shipped{order_id};
    waiting_.erase(found);
    ++shipped_;
    return shipped;
  }

  watch watch_;
  std::unordered_map<std::string, half> waiting_;  // for their other half
  std::int64_t shipped_ = 0;
  peal::subscription subscription_;  // last: it stops before what its handler uses is gone
};

}  // namespace order_flow
