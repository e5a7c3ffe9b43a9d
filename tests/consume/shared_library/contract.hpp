// SPDX-License-Identifier: MIT
// What the program and the library that it loads have agreed on: two events and the handles the library works with.
#pragma once

#include <peal/peal.hpp>

#include <string>

struct order {
  std::string id;
  int cents = 0;
};
struct reply {
  std::string id;
  int step = 0;
};

/// How many events each side publishes; far more than a ring holds.
inline constexpr int orders_of_each = 500;
/// A ring so small that a handler which publishes has to go through the lane.
inline constexpr std::size_t small_ring = 4;

struct plugin_parts {
  peal::subscriber<order, peal::publishes<reply>> orders_in;
  peal::publisher<order> orders_out;
  peal::publisher<reply> replies_out;
};

struct plugin_counts {
  int handled = 0;
  int failed = 0;
};

// The library's only visible functions.
extern "C" {
using plugin_start_function = void (*)(const plugin_parts&);  ///< subscribes and publishes its orders
using plugin_stop_function = plugin_counts (*)();             ///< stops its subscription
}
