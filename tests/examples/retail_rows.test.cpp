// SPDX-License-Identifier: MIT
// The example's input: columns by name, lines that mean nothing, errors that name what is missing.
#include "../../examples/order_flow/retail_rows.hpp"

#include <cstddef>
#include <string>

#include "support/catch.hpp"

namespace {

using order_flow::input_error;
using order_flow::parse_retail;

const std::string header = "InvoiceNo,StockCode,Description,Quantity,UnitPrice,CustomerID,Country\n";

std::string error_of(const std::string& text) {
  try {
    parse_retail(text, "shop.csv");
  } catch (const input_error& error) {
    return error.what();
  }
  return {};
}

std::string reason_of(const std::string& line) {
  const auto parsed = parse_retail(header + line + "\n536365,A,,1,1,1,UK\n", "shop.csv");
  CHECK(parsed.rows.size() + parsed.unparsed.size() == 2);
  CHECK(parsed.rows.back().stock_code == "A");
  return parsed.unparsed.empty() ? "" : std::to_string(parsed.unparsed[0].line) + ": " + parsed.unparsed[0].reason;
}

}  // namespace

TEST_CASE("retail_rows: a line is read by the names of its columns", "[examples][input]") {
  const auto parsed =
      parse_retail(header + "536365,85123A,\"HEART, WHITE\",6,2.555,17850,United Kingdom\n", "shop.csv");
  REQUIRE(parsed.rows.size() == 1);
  const auto& row = parsed.rows[0];
  CHECK(row.line == 2);
  CHECK(row.invoice == "536365");
  CHECK(row.stock_code == "85123A");
  CHECK(row.quantity == 6);
  CHECK(row.unit_cents == 256);
  CHECK(row.priced);
  CHECK(row.customer == "17850");
  CHECK(row.country == "United Kingdom");
}

TEST_CASE("retail_rows: other orders, other columns and a byte order mark change nothing", "[examples][input]") {
  const auto parsed = parse_retail(
      "\xEF\xBB\xBF\"Country\",InvoiceDate, CustomerID ,UnitPrice,Quantity,Note,Description,StockCode,InvoiceNo\r\n"
      "EIRE,2010-12-01 08:26:00,17850.0,-0.10,-6.0,,\"two\nlines\",POST, C536379 \r\n"
      "EIRE,,,0.001,2,,,,7\r\n",
      "shop.csv");
  REQUIRE(parsed.rows.size() == 2);
  CHECK(parsed.rows[0].invoice == "C536379");
  CHECK(parsed.rows[0].quantity == -6);
  CHECK(parsed.rows[0].unit_cents == -10);
  CHECK_FALSE(parsed.rows[0].priced);
  CHECK(parsed.rows[0].customer == "17850.0");
  CHECK(parsed.rows[0].country == "EIRE");
  CHECK(parsed.rows[1].line == 4);
  CHECK(parsed.rows[1].customer.empty());
  CHECK(parsed.rows[1].unit_cents == 0);
  CHECK(parsed.rows[1].priced);
  CHECK(parsed.unparsed.empty());
}

TEST_CASE("retail_rows: a line that means nothing is named with its number and stops nothing", "[examples][input]") {
  CHECK(reason_of("536365,X,,1,2.5,1,UK").empty());
  CHECK(reason_of(",X,,1,2.5,1,UK") == "2: no InvoiceNo");
  CHECK(reason_of("  ,X,,1,2.5,1,UK") == "2: no InvoiceNo");
  CHECK(reason_of("536365,X,,,2.5,1,UK") == "2: Quantity \"\" is no number");
  CHECK(reason_of("536365,X,,six,2.5,1,UK") == "2: Quantity \"six\" is no number");
  CHECK(reason_of("536365,X,,6.5,2.5,1,UK") == "2: Quantity \"6.5\" is no whole number of pieces");
  CHECK(reason_of("536365,X,,6,\"2,5\",1,UK") == "2: UnitPrice \"2,5\" is no number");
  CHECK(reason_of("536365,X,,99999999999999999999,0,1,UK") ==
        "2: Quantity \"99999999999999999999\" is no whole number of pieces");
  CHECK(reason_of("536365,X,,10000000000,10000000000,1,UK") ==
        "2: Quantity \"10000000000\" times UnitPrice \"10000000000\" is too much");
  CHECK(reason_of("536365,X,,1,1e30,1,UK") == "2: Quantity \"1\" times UnitPrice \"1e30\" is too much");
  CHECK(reason_of("536365,X") == "2: 2 fields instead of 7");
  CHECK(reason_of("536365,X,,1,2.5,1,UK,more") == "2: 8 fields instead of 7");
  CHECK(reason_of("536365,X,\"Y,1,2.5,1,UK") == "2: a quote that is never closed");
  CHECK(reason_of("536365,X,\"Y\"Z,1,2.5,1,UK") == "2: text behind a closing quote");
  CHECK(reason_of("536365,X,,\"a\x01\nb\",2.5,1,UK") == "2: Quantity \"a??b\" is no number");
}

TEST_CASE("retail_rows: a missing column is named, with the file and the columns that are there", "[examples][input]") {
  CHECK(error_of("InvoiceNo,StockCode,Description,Quantity,Price,CustomerID,Country\n") ==
        "shop.csv: no column UnitPrice; found \"InvoiceNo\", \"StockCode\", \"Description\", \"Quantity\", \"Price\", "
        "\"CustomerID\", \"Country\"");
  CHECK(error_of("InvoiceNo;StockCode\n") ==
        "shop.csv: no column InvoiceNo, StockCode, Description, Quantity, UnitPrice, CustomerID, Country; found "
        "\"InvoiceNo;StockCode\"");
  CHECK(error_of("Country," + header).find("more than one column Country") != std::string::npos);
  CHECK(error_of("") == "shop.csv: empty, a first line with column names was expected");
  CHECK(error_of("\"InvoiceNo,StockCode\n") == "shop.csv: the line with column names has a quote that is never closed");
  CHECK(error_of(header).empty());
}

TEST_CASE("retail_rows: a file that is not there is named, with the reason", "[examples][input]") {
  CHECK_THROWS_WITH(order_flow::read_retail_file("no/such.csv"), "no/such.csv: No such file or directory");
  CHECK_THROWS_WITH(order_flow::read_retail_file("/"), "/: Is a directory");
}
