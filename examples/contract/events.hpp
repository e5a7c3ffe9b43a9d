// SPDX-License-Identifier: MIT
// Events that are stored: what they were stays readable, and the file events.contract holds the program to it.
#pragma once

#include <peal/codec/upcast.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace shop {

struct order_placed_v1 {
  std::string order_id;
  double total = 0;  // a mistake, stored a million times
  static constexpr peal::event_name name{"shop.order_placed", 1};
  static constexpr auto fields =
      peal::fields(peal::field{"order_id", &order_placed_v1::order_id}, peal::field{"total", &order_placed_v1::total});
};

struct order_placed {
  std::string order_id;
  std::int64_t cents = 0;
  using previous = order_placed_v1;
  static order_placed upcast(order_placed_v1&& old) {
    return {std::move(old.order_id), static_cast<std::int64_t>(old.total * 100 + 0.5)};
  }
  static constexpr peal::event_name name{"shop.order_placed", 2};
  static constexpr auto fields =
      peal::fields(peal::field{"order_id", &order_placed::order_id}, peal::field{"cents", &order_placed::cents});
};

struct order_shipped {
  std::string order_id;
  std::string parcel;
  static constexpr peal::event_name name{"shop.order_shipped", 1};
  static constexpr auto fields =
      peal::fields(peal::field{"order_id", &order_shipped::order_id}, peal::field{"parcel", &order_shipped::parcel});
};

}  // namespace shop
