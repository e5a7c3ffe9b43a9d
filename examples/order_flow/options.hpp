// SPDX-License-Identifier: MIT
// What the user may ask of order_flow.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "trouble.hpp"

namespace order_flow {

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

  --workers N          threads of the bus, 1 to 255 (default 2)
  --rate N             publish at most N orders a second (default 0: as fast as it goes)
  --json               print the report as one JSON object
  --help, --version

SIGINT or SIGTERM stops taking orders; those taken are finished and reported.
Exit code: 0 the books balance, 1 they do not, 2 the options or the input cannot be used.
)";

struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The arguments one after the other: `--seed 7` and `--seed=7` alike.
/// Errors: usage_error for a value that is missing, not asked for or out of range.
class argument_reader {
 public:
  explicit argument_reader(const std::vector<std::string>& arguments) : arguments_(arguments) {}

  bool next() {
    if (at_ == arguments_.size()) return false;
    const auto& argument = arguments_[at_++];
    const auto equals = argument.find('=');
    name_ = argument.substr(0, equals);
    attached_ = equals == std::string::npos ? std::nullopt : std::optional{argument.substr(equals + 1)};
    return true;
  }

  bool is(std::string_view name) const { return name_ == name; }
  const std::string& name() const { return name_; }

  bool flag() const {
    if (attached_) throw usage_error(name_ + " takes no value");
    return true;
  }

  std::string text() {
    if (attached_) return *attached_;
    if (at_ == arguments_.size()) throw usage_error(name_ + " needs a value");
    return arguments_[at_++];
  }

  template <class Number>
  Number number(Number least, Number most, const std::string& range) {
    const auto written = text();
    Number value{};
    const auto [end, error] = std::from_chars(written.data(), written.data() + written.size(), value);
    const bool all_of_it = error == std::errc{} && end == written.data() + written.size();
    if (all_of_it && least <= value && value <= most) return value;
    throw usage_error(name_ + " takes a number from " + range + ", not \"" + written + "\"");
  }

  double probability() { return number(0.0, 1.0, "0 to 1"); }
  std::uint64_t count() { return number<std::uint64_t>(0, UINT64_MAX, "0 to 2^64-1"); }

 private:
  const std::vector<std::string>& arguments_;
  std::size_t at_ = 0;
  std::string name_;
  std::optional<std::string> attached_;
};

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
