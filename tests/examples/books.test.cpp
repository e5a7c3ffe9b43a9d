// SPDX-License-Identifier: MIT
// The example's orders and its expected books, and the made input that both are tried on.
#include "../../examples/order_flow/books.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "../../examples/order_flow/generator.hpp"
#include "../../examples/order_flow/orders.hpp"
#include "../../examples/order_flow/rules.hpp"
#include "../../examples/order_flow/trouble.hpp"
#include "support/catch.hpp"

namespace {

using namespace order_flow;

const std::string header = "InvoiceNo,StockCode,Description,Quantity,UnitPrice,CustomerID,Country\n";

std::vector<retail_row> rows(const std::string& lines) { return parse_retail(header + lines, "shop.csv").rows; }

// A mixed day: 1 and C2 are good, 3 to 6 and C7 are not, each for a reason of its own.
const std::string day =
    "1,A,,2,1.50,9,France\n"
    "C2,A,,-1,1.50,9,France\n"
    "3,A,,1,1.50,,France\n"
    "4,A,,1,0,9,France\n"
    "1,A,,2,1.50,9,Spain\n"  // far from the first line of 1, equal to it but for the country
    "5,A,,0,1.50,9,France\n"
    "6,A,,1,1.50,9,Norway\n"
    "C7,A,,1,1.50,9,France\n"
    "1,B,,1,0.001,9,France\n"
    "6,B,,-1,1.50,9,Norway\n"
    "1,A,,2,1.50,9,France\n"
    "8,A,,1,2.005,9,Norway\n";

}  // namespace

TEST_CASE("orders: all lines of an invoice are one order, wherever they stand, doubled ones too",
          "[examples][orders]") {
  const auto orders = assemble_orders(rows(day));
  REQUIRE(orders.size() == 8);
  const auto& first = std::get<order_placed>(orders[0]);
  CHECK(first.order_id == "1");
  CHECK(first.country == "France");
  REQUIRE(first.lines.size() == 4);
  CHECK(first.lines[2].stock_code == "B");
  CHECK(first.lines[2].priced);
  CHECK(total_cents(first.lines) == 900);
  CHECK(std::get<order_cancelled>(orders[1]).order_id == "C2");
  CHECK(std::get<order_placed>(orders[7]).order_id == "8");
}

TEST_CASE("rules: each kind of bad line makes its whole order bad", "[examples][orders]") {
  std::map<std::string, std::string> found;
  for (const auto& order : assemble_orders(rows(day))) {
    std::visit([&](const auto& event) { found[event.order_id] = std::string{objection(event)}; }, order);
  }
  CHECK(found == std::map<std::string, std::string>{{"1", ""},
                                                    {"C2", ""},
                                                    {"3", "a line without a customer"},
                                                    {"4", "a line without a price"},
                                                    {"5", "a line that orders nothing"},
                                                    {"6", "a line that orders nothing"},
                                                    {"C7", "a line that returns nothing"},
                                                    {"8", ""}});
}

TEST_CASE("books: the expected books of a mixed day", "[examples][books]") {
  const auto found = expected_books(rows(day));
  CHECK(found.orders_placed == 6);
  CHECK(found.orders_cancelled == 2);
  CHECK(found.orders_rejected == 5);
  CHECK(found.orders_charged == 2);
  CHECK(found.pieces_reserved == 8);
  CHECK(found.orders_shipped == 2);
  CHECK(found.mails_sent == 2);
  CHECK(found.revenue_cents == std::map<std::string, std::int64_t>{{"France", 750}, {"Norway", 201}});
}

TEST_CASE("books: an interrupted run is held to the orders that it accepted", "[examples][books]") {
  const auto found = expected_books(rows(day), 2);
  CHECK(found.orders_placed == 1);
  CHECK(found.orders_cancelled == 1);
  CHECK(found.orders_rejected == 0);
  CHECK(found.revenue_cents == std::map<std::string, std::int64_t>{{"France", 750}});
  CHECK(expected_books(rows(day), 0).orders_placed == 0);
}

TEST_CASE("books: what differs is said line by line, and nothing is said when they balance", "[examples][books]") {
  const auto expected = expected_books(rows(day));
  CHECK(differences(expected, expected).empty());
  auto found = expected;
  ++found.orders_charged;
  found.revenue_cents.erase("Norway");
  found.revenue_cents["Spain"] = 1;
  CHECK(differences(expected, found) == std::vector<std::string>{"orders charged: 2 expected, 3 found",
                                                                 "revenue of Norway in cents: 201 expected, 0 found",
                                                                 "revenue of Spain in cents: 0 expected, 1 found"});
}

TEST_CASE("generator: the same seed makes the same file, another seed another", "[examples][generator]") {
  CHECK(retail_generator{7}.make(50) == retail_generator{7}.make(50));
  CHECK(retail_generator{7}.make(50) != retail_generator{8}.make(50));
}

TEST_CASE("books: the books of two files are those of both together", "[examples][books]") {
  retail_generator generator{3};
  const auto first = parse_retail(generator.make(100), "made").rows;
  const auto second = parse_retail(generator.make(100), "made").rows;
  auto both = first;
  both.insert(both.end(), second.begin(), second.end());
  auto sum = expected_books(first);
  sum += expected_books(second);
  CHECK(sum.orders_placed + sum.orders_cancelled == 200);
  CHECK(differences(expected_books(both), sum) == std::vector<std::string>{});
}

TEST_CASE("generator: makes so many orders, with every kind of dirt among them", "[examples][generator]") {
  const auto parsed = parse_retail(retail_generator{1}.make(2000), "made");
  const auto orders = assemble_orders(parsed.rows);
  CHECK(orders.size() == 2000);

  std::set<std::string> objections;
  for (const auto& order : orders) {
    std::visit([&](const auto& event) { objections.emplace(objection(event)); }, order);
  }
  CHECK(objections.size() == 5);
  std::set<std::string> reasons;
  for (const auto& line : parsed.unparsed) reasons.insert(line.reason);
  CHECK(reasons.size() >= 5);

  std::set<std::string> equal_rows;
  for (const auto& row : parsed.rows) {
    equal_rows.insert(row.invoice + "," + row.stock_code + "," + std::to_string(row.quantity) + "," +
                      std::to_string(row.unit_cents));
  }
  CHECK(equal_rows.size() < parsed.rows.size());
  const auto expected = expected_books(parsed.rows);
  CHECK(expected.orders_rejected > 200);
  CHECK(expected.orders_rejected < 400);
  CHECK(expected.revenue_cents.size() > 5);
}

TEST_CASE("generator: services' rules and expected books agree on many made days", "[examples][generator]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    const auto parsed = parse_retail(retail_generator{seed}.make(300), "made");
    books found;
    for (const auto& order : assemble_orders(parsed.rows)) {
      const bool placed = std::holds_alternative<order_placed>(order);
      ++(placed ? found.orders_placed : found.orders_cancelled);
      std::visit(
          [&](const auto& event) {
            if (!objection(event).empty()) {
              ++found.orders_rejected;
              return;
            }
            found.revenue_cents[event.country] += total_cents(event.lines);
            if (!placed) return;
            ++found.orders_charged;
            for (const auto& line : event.lines) found.pieces_reserved += line.quantity;
          },
          order);
    }
    found.orders_shipped = found.mails_sent = found.orders_charged;
    CHECK(differences(expected_books(parsed.rows), found) == std::vector<std::string>{});
  }
}

TEST_CASE("trouble: strikes the share that was asked for, and the same places every time", "[examples][trouble]") {
  const trouble some{{.duplicate = 0.2, .flaky = 0.3, .crash = 0.1, .seed = 5}};
  const trouble same{{.duplicate = 0.2, .flaky = 0.3, .crash = 0.1, .seed = 5}};
  int twice = 0, late = 0, crashed = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto id = std::to_string(i);
    twice += some.duplicates(id) ? 1 : 0;
    late += some.times_out("charge", id, 1) ? 1 : 0;
    try {
      some.may_crash("mail", id, 1);
    } catch (...) {
      ++crashed;
    }
    CHECK(some.times_out("charge", id, 2) == same.times_out("charge", id, 2));
  }
  CHECK(std::abs(twice - 2000) < 200);
  CHECK(std::abs(late - 3000) < 200);
  CHECK(std::abs(crashed - 1000) < 200);
}

TEST_CASE("trouble: none happens unless asked for", "[examples][trouble]") {
  const trouble none{{}};
  for (int i = 0; i < 1000; ++i) {
    const auto id = std::to_string(i);
    CHECK_FALSE(none.duplicates(id));
    CHECK_FALSE(none.times_out("charge", id, 1));
    CHECK_NOTHROW(none.may_crash("mail", id, 1));
  }
}
