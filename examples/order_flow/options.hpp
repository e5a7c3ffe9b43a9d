// SPDX-License-Identifier: MIT
// What the user may ask of order_flow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <peal/store/open_options.hpp>

#include "../support/argument_reader.hpp"
#include "trouble.hpp"

namespace order_flow {

using example::argument_reader;
using example::usage_error;

enum class store_kind { sqlite, lmdb };

struct options {
  std::optional<std::string> input;
  std::uint64_t orders = 10'000;
  trouble::options troubles;  ///< its seed makes the orders as well
  unsigned workers = 2;
  std::uint64_t rate = 0;            ///< orders a second; 0: as fast as it goes
  std::optional<std::string> store;  ///< where the shop is kept; none: it ends with the process
  std::optional<store_kind> kind;
  peal::sync sync = peal::sync::full;
  std::optional<std::string> acknowledge;  ///< a file for what is safe
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

  --store PATH         keep everything there: after kill -9, at any moment, start it again with the same options and
                       it goes on where it was
  --store-kind KIND    sqlite: readable with sqlite3; lmdb: faster (default: what is there, else sqlite)
  --sync full|os       a commit waits for the disk, or for the operating system alone (default full)
  --acknowledge FILE   append a line for each order that is safe in the store

  --workers N          threads of the bus, 1 to 255 (default 2)
  --rate N             publish at most N orders a second (default 0: as fast as it goes)
  --json               print the report as one JSON object
  --help, --version

SIGINT or SIGTERM stops taking orders; those taken are finished and reported.
Exit code: 0 the books balance, 1 they do not, 2 the options, the input or the store cannot be used.
)";

/// One of two words.
template <class T>
T one_of(argument_reader& reader, std::string_view word, T value, std::string_view other_word, T other_value) {
  const auto written = reader.text();
  if (written == word) return value;
  if (written == other_word) return other_value;
  throw usage_error(reader.name() + " takes " + std::string{word} + " or " + std::string{other_word} + ", not \"" +
                    written + "\"");
}

/// False: the argument is not about the store.
inline bool read_store_option(argument_reader& reader, options& result) {
  if (reader.is("--store")) {
    result.store = reader.text();
  } else if (reader.is("--store-kind")) {
    result.kind = one_of(reader, "sqlite", store_kind::sqlite, "lmdb", store_kind::lmdb);
  } else if (reader.is("--sync")) {
    result.sync = one_of(reader, "full", peal::sync::full, "os", peal::sync::os);
  } else if (reader.is("--acknowledge")) {
    result.acknowledge = reader.text();
  } else {
    return false;
  }
  return true;
}

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
    } else if (read_store_option(reader, result)) {
      continue;
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
  if (!result.store && (result.kind || result.acknowledge)) throw usage_error("there is no --store to keep it in");
  result.orders = orders.value_or(result.orders);
  return result;
}

}  // namespace order_flow
