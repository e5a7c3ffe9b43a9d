// SPDX-License-Identifier: MIT
// From rows to orders: all lines of one invoice, wherever they stand in the file, are one event.
#pragma once

#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "events.hpp"
#include "retail_rows.hpp"

namespace order_flow {

using any_order = std::variant<order_placed, order_cancelled>;

inline any_order new_order(const retail_row& first) {
  if (first.invoice.front() == 'C') return order_cancelled{first.invoice, first.country, {}};
  return order_placed{first.invoice, first.country, {}};
}

/// The orders in order of their first line, whose country is theirs. A line that stands there twice counts twice.
inline std::vector<any_order> assemble_orders(const std::vector<retail_row>& rows) {
  std::vector<any_order> orders;
  std::unordered_map<std::string_view, std::size_t> place;
  for (const auto& row : rows) {
    const auto [found, is_new] = place.try_emplace(row.invoice, orders.size());
    if (is_new) orders.push_back(new_order(row));
    const order_line line{row.stock_code, row.quantity, row.unit_cents, row.priced, !row.customer.empty()};
    std::visit([&](auto& event) { event.lines.push_back(line); }, orders[found->second]);
  }
  return orders;
}

}  // namespace order_flow
