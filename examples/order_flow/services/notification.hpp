// SPDX-License-Identifier: MIT
// Notification: tells the customer that the order is on its way.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>

#include <peal/bus/subscriber.hpp>

#include "../events.hpp"
#include "service.hpp"

namespace order_flow {

/// A mail cannot be unsent, so the mail server is asked to send one for each key only, as the gateway is.
class notification {
 public:
  notification(peal::subscriber<order_shipped> orders, const trouble& troubles)
      : watch_("notification", troubles, crashes::before_and_after),
        subscription_(orders.subscribe(
            "notification", [this](const order_shipped& shipped) { sent_.insert(shipped.order_id); },
            watch_.middleware(), peal::otherwise(try_again))) {}

  std::int64_t mails_sent() const { return static_cast<std::int64_t>(sent_.size()); }
  const watch& watched() const { return watch_; }

 private:
  watch watch_;
  std::unordered_set<std::string> sent_;
  peal::subscription subscription_;  // last: it stops before what its handler uses is gone
};

}  // namespace order_flow
