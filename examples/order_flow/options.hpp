// SPDX-License-Identifier: MIT
// What the user may ask of order_flow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../support/argument_reader.hpp"
#include "trouble.hpp"

namespace order_flow {

using example::argument_reader;
using example::usage_error;

struct options {
  std::optional<std::string> input;
  std::uint64_t orders = 10'000;
  trouble::options troubles;  ///< its seed makes the orders as well
  unsigned workers = 2;
  std::uint64_t rate = 0;  ///< orders a second; 0: as fast as it goes
  bool json = false;
  bool help = false;
  bool version = false;
};

inline constexpr std::string_view usage =
    R"(order_flow: a shop on one peal bus; its books must balance, whatever goes wrong.

usage: order_flow [options]

  --input FILE.csv     read orders in the retail format: the columns InvoiceNo, StockCode, Description, Quantity,
                       UnitPrice, CustomerID, Country in any order, with others among them
  --orders N           without --input: make N orders (default 10000)
  --seed S             what is made and what goes wrong follows from S (default 1)

  --duplicate P        publish an order again with probability P
  --flaky P            let a call of the payment gateway time out with probability P
  --crash-handler P    let a handler throw something unexpected with probability P
  --outage TIME        let the payment gateway be down for TIME, from its 20th call on: 5s, 300ms

  --workers N          threads of the bus, 1 to 255 (default 2)
  --rate N             publish at most N orders a second (default 0: as fast as it goes)
  --json               print the report as one JSON object
  --help, --version

SIGINT or SIGTERM stops taking orders; those taken are finished and reported.
Exit code: 0 the books balance, 1 they do not, 2 the options or the input cannot be used.
)";

/// Errors: usage_error, also for an option that is unknown.
inline options parse_options(const std::vector<std::string>& arguments) {
  options result;
  std::optional<std::uint64_t> orders;
  argument_reader reader{arguments};
  while (reader.next()) {
    if (reader.is("--input")) {
      result.input = reader.text();
    } else if (reader.is("--orders")) {
      orders = reader.count();
    } else if (reader.is("--seed")) {
      result.troubles.seed = reader.count();
    } else if (reader.is("--duplicate")) {
      result.troubles.duplicate = reader.probability();
    } else if (reader.is("--flaky")) {
      result.troubles.flaky = reader.probability();
    } else if (reader.is("--crash-handler")) {
      result.troubles.crash = reader.probability();
    } else if (reader.is("--outage")) {
      result.troubles.outage = reader.time();
    } else if (reader.is("--workers")) {
      result.workers = reader.number<unsigned>(1, 255, "1 to 255");
    } else if (reader.is("--rate")) {
      result.rate = reader.number<std::uint64_t>(0, 1'000'000, "0 to 1000000");
    } else if (reader.is("--json")) {
      result.json = reader.flag();
    } else if (reader.is("--help") || reader.is("-h")) {
      result.help = reader.flag();
    } else if (reader.is("--version")) {
      result.version = reader.flag();
    } else {
      throw usage_error("there is no option " + reader.name());
    }
  }
  if (result.input && orders) throw usage_error("--orders makes orders, --input reads them: choose one");
  result.orders = orders.value_or(result.orders);
  return result;
}

}  // namespace order_flow
