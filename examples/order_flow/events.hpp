// SPDX-License-Identifier: MIT
// What happens in the shop, as plain values: all that its services know of each other. Their names and fields are what
// a store keeps them by.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <peal/codec/fields.hpp>
#include <peal/core/event_name.hpp>

namespace order_flow {

struct order_line {
  std::string stock_code;
  std::int64_t quantity = 0;
  std::int64_t unit_cents = 0;
  bool priced = true;        ///< false: the price is zero or less
  bool has_customer = true;  ///< false: nobody to send it to

  static constexpr auto fields =
      peal::fields(peal::field{"stock_code", &order_line::stock_code}, peal::field{"quantity", &order_line::quantity},
                   peal::field{"unit_cents", &order_line::unit_cents}, peal::field{"priced", &order_line::priced},
                   peal::field{"has_customer", &order_line::has_customer});
};

struct order_placed {
  std::string order_id;
  std::string country;
  std::vector<order_line> lines;

  static constexpr peal::event_name name{"shop.order.placed", 1};
  static constexpr auto fields =
      peal::fields(peal::field{"order_id", &order_placed::order_id}, peal::field{"country", &order_placed::country},
                   peal::field{"lines", &order_placed::lines});
};

struct order_cancelled {
  std::string order_id;
  std::string country;
  std::vector<order_line> lines;  ///< with negative quantities

  static constexpr peal::event_name name{"shop.order.cancelled", 1};
  static constexpr auto fields =
      peal::fields(peal::field{"order_id", &order_cancelled::order_id},
                   peal::field{"country", &order_cancelled::country}, peal::field{"lines", &order_cancelled::lines});
};

struct stock_reserved {
  std::string order_id;
  std::int64_t pieces = 0;

  static constexpr peal::event_name name{"shop.stock.reserved", 1};
  static constexpr auto fields =
      peal::fields(peal::field{"order_id", &stock_reserved::order_id}, peal::field{"pieces", &stock_reserved::pieces});
};

struct payment_taken {
  std::string order_id;
  std::string country;
  std::int64_t cents = 0;

  static constexpr peal::event_name name{"shop.payment.taken", 1};
  static constexpr auto fields =
      peal::fields(peal::field{"order_id", &payment_taken::order_id}, peal::field{"country", &payment_taken::country},
                   peal::field{"cents", &payment_taken::cents});
};

struct payment_returned {
  std::string order_id;
  std::string country;
  std::int64_t cents = 0;  ///< negative

  static constexpr peal::event_name name{"shop.payment.returned", 1};
  static constexpr auto fields =
      peal::fields(peal::field{"order_id", &payment_returned::order_id},
                   peal::field{"country", &payment_returned::country}, peal::field{"cents", &payment_returned::cents});
};

struct order_shipped {
  std::string order_id;

  static constexpr peal::event_name name{"shop.order.shipped", 1};
  static constexpr auto fields = peal::fields(peal::field{"order_id", &order_shipped::order_id});
};

}  // namespace order_flow
