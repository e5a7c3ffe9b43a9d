// SPDX-License-Identifier: MIT
// The books of a day: what the services say they did, and what the input says they should have done.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "retail_rows.hpp"

namespace order_flow {

struct books {
  std::int64_t orders_placed = 0;
  std::int64_t orders_cancelled = 0;
  std::int64_t orders_rejected = 0;  ///< of both kinds
  std::int64_t orders_charged = 0;
  std::int64_t pieces_reserved = 0;
  std::int64_t orders_shipped = 0;
  std::int64_t mails_sent = 0;
  std::map<std::string, std::int64_t> revenue_cents;  ///< by country
};

/// The books as they must be, straight from the rows and by none of the code that the services run.
/// Only the first `invoices` of them count: a run that was interrupted did not accept more.
inline books expected_books(const std::vector<retail_row>& rows,
                            std::size_t invoices = std::numeric_limits<std::size_t>::max()) {
  struct invoice {
    std::string_view country;
    bool cancellation = false;
    bool good = true;
    std::int64_t pieces = 0;
    std::int64_t cents = 0;
  };
  std::unordered_map<std::string_view, invoice> all;
  for (const auto& row : rows) {
    auto found = all.find(row.invoice);
    if (found == all.end()) {
      if (all.size() == invoices) continue;
      found = all.emplace(row.invoice, invoice{row.country, row.invoice[0] == 'C'}).first;
    }
    auto& sum = found->second;
    const bool right_way = sum.cancellation ? row.quantity < 0 : row.quantity > 0;
    sum.good = sum.good && !row.customer.empty() && row.priced && right_way;
    sum.pieces += row.quantity;
    sum.cents += row.quantity * row.unit_cents;
  }

  books result;
  for (const auto& [id, sum] : all) {
    ++(sum.cancellation ? result.orders_cancelled : result.orders_placed);
    if (!sum.good) {
      ++result.orders_rejected;
      continue;
    }
    result.revenue_cents[std::string{sum.country}] += sum.cents;
    if (sum.cancellation) continue;
    ++result.orders_charged;
    result.pieces_reserved += sum.pieces;
  }
  result.orders_shipped = result.mails_sent = result.orders_charged;
  return result;
}

/// Adds the books of other orders.
inline books& operator+=(books& sum, const books& more) {
  sum.orders_placed += more.orders_placed;
  sum.orders_cancelled += more.orders_cancelled;
  sum.orders_rejected += more.orders_rejected;
  sum.orders_charged += more.orders_charged;
  sum.pieces_reserved += more.pieces_reserved;
  sum.orders_shipped += more.orders_shipped;
  sum.mails_sent += more.mails_sent;
  for (const auto& [country, cents] : more.revenue_cents) sum.revenue_cents[country] += cents;
  return sum;
}

/// What differs, a line each; nothing when the books balance.
inline std::vector<std::string> differences(const books& expected, const books& found) {
  std::vector<std::string> result;
  const auto compare = [&](const std::string& what, std::int64_t should, std::int64_t is) {
    if (should != is)
      result.push_back(what + ": " + std::to_string(should) + " expected, " + std::to_string(is) + " found");
  };
  compare("orders placed", expected.orders_placed, found.orders_placed);
  compare("orders cancelled", expected.orders_cancelled, found.orders_cancelled);
  compare("orders rejected", expected.orders_rejected, found.orders_rejected);
  compare("orders charged", expected.orders_charged, found.orders_charged);
  compare("pieces reserved", expected.pieces_reserved, found.pieces_reserved);
  compare("orders shipped", expected.orders_shipped, found.orders_shipped);
  compare("mails sent", expected.mails_sent, found.mails_sent);

  auto countries = expected.revenue_cents;
  countries.insert(found.revenue_cents.begin(), found.revenue_cents.end());
  const auto of = [](const books& side, const std::string& country) {
    const auto at = side.revenue_cents.find(country);
    return at == side.revenue_cents.end() ? 0 : at->second;
  };
  for (const auto& [country, ignored] : countries) {
    compare("revenue of " + country + " in cents", of(expected, country), of(found, country));
  }
  return result;
}

}  // namespace order_flow
