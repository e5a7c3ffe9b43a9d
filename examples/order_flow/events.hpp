// SPDX-License-Identifier: MIT
// What happens in the shop, as plain values: all that its services know of each other.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace order_flow {

struct order_line {
  std::string stock_code;
  std::int64_t quantity = 0;
  std::int64_t unit_cents = 0;
  bool priced = true;        ///< false: the price is zero or less
  bool has_customer = true;  ///< false: nobody to send it to
};

struct order_placed {
  std::string order_id;
  std::string country;
  std::vector<order_line> lines;
};

struct order_cancelled {
  std::string order_id;
  std::string country;
  std::vector<order_line> lines;  ///< with negative quantities
};

struct stock_reserved {
  std::string order_id;
  std::int64_t pieces = 0;
};

struct payment_taken {
  std::string order_id;
  std::string country;
  std::int64_t cents = 0;
};

struct payment_returned {
  std::string order_id;
  std::string country;
  std::int64_t cents = 0;  ///< negative
};

struct order_shipped {
  std::string order_id;
};

}  // namespace order_flow
