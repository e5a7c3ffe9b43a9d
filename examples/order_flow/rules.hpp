// SPDX-License-Identifier: MIT
// When an order is good, and what it costs: the rules that inventory, payment and refunds share.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "events.hpp"

namespace order_flow {

enum class direction { out, back };  ///< goods that leave the shop, or come back to it

/// Why a person has to look at these lines; empty if they are good.
inline std::string_view objection(const std::vector<order_line>& lines, direction goods) {
  for (const auto& line : lines) {
    if (!line.has_customer) return "a line without a customer";
    if (!line.priced) return "a line without a price";
    if (goods == direction::out && line.quantity <= 0) return "a line that orders nothing";
    if (goods == direction::back && line.quantity >= 0) return "a line that returns nothing";
  }
  return {};
}

inline std::string_view objection(const order_placed& order) { return objection(order.lines, direction::out); }
inline std::string_view objection(const order_cancelled& order) { return objection(order.lines, direction::back); }

/// Trying again would not help: a person has to look at the order.
struct invalid_order : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class Order>
void require_good(const Order& any) {
  if (const auto reason = objection(any); !reason.empty()) throw invalid_order(std::string{reason});
}

inline std::int64_t total_cents(const std::vector<order_line>& lines) {
  std::int64_t sum = 0;
  for (const auto& line : lines) sum += line.quantity * line.unit_cents;
  return sum;
}

}  // namespace order_flow
