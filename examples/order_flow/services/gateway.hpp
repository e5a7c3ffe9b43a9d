// SPDX-License-Identifier: MIT
// The bank's side of a payment, as far away and as unreliable as they are.
#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "../ledger.hpp"
#include "../trouble.hpp"
#include "outage.hpp"

namespace order_flow {

struct gateway_timeout : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Nobody is there at all; nothing has moved.
struct gateway_down : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Moves money once for each order, however often it is asked to: the caller cannot know whether a call that timed out
/// was lost on its way there or on its way back.
class gateway {
 public:
  gateway(std::string name, ledger& entries, account moved, const trouble& troubles, std::chrono::nanoseconds down = {})
      : name_(std::move(name)), ledger_(entries), moved_(moved), troubles_(troubles), outage_(down) {}

  /// Errors: gateway_down; gateway_timeout: then the money may have moved all the same.
  void move_money(const std::string& order_id, std::int64_t cents, std::uint64_t attempt) {
    if (outage_.meets_call()) throw gateway_down(name_ + ": nobody there");
    if (troubles_.times_out(name_ + " lost", order_id, attempt)) throw gateway_timeout(name_ + ": no answer");
    ledger_.enter({moved_, order_id, {}, cents});
    if (troubles_.times_out(name_ + " answer lost", order_id, attempt)) throw gateway_timeout(name_ + ": no answer");
  }

  const outage& its_outage() const { return outage_; }

 private:
  std::string name_;
  ledger& ledger_;
  account moved_;
  const trouble& troubles_;
  outage outage_;
};

}  // namespace order_flow
