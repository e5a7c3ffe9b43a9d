// SPDX-License-Identifier: MIT
// The example's CSV reader against RFC 4180 and what real files do to it.
#include "../../examples/order_flow/csv_reader.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"

namespace {

using order_flow::csv_reader;
using order_flow::csv_record;
using fields = std::vector<std::string>;

std::vector<csv_record> all(std::string_view text) {
  std::vector<csv_record> records;
  csv_reader reader{text};
  for (csv_record record; reader.next(record);) records.push_back(record);
  return records;
}

}  // namespace

TEST_CASE("csv_reader: fields are split at commas and empty ones are kept", "[examples][csv]") {
  const auto records = all("a,b,c\n,,\nlast,,line");
  REQUIRE(records.size() == 3);
  CHECK(records[0].fields == fields{"a", "b", "c"});
  CHECK(records[1].fields == fields{"", "", ""});
  CHECK(records[2].fields == fields{"last", "", "line"});
  CHECK(records[2].line == 3);
}

TEST_CASE("csv_reader: a quoted field may hold commas, quotes and line ends", "[examples][csv]") {
  const auto records = all("\"a,b\",\"9\"\" frame\",\"\"\r\n\"two\r\nlines\",x,y\r\nz,z,z\r\n");
  REQUIRE(records.size() == 3);
  CHECK(records[0].fields == fields{"a,b", "9\" frame", ""});
  CHECK(records[1].fields == fields{"two\r\nlines", "x", "y"});
  CHECK(records[1].line == 2);
  CHECK(records[2].line == 4);
}

TEST_CASE("csv_reader: a quote inside an unquoted field is a character", "[examples][csv]") {
  CHECK(all("5\" PLATE,1")[0].fields == fields{"5\" PLATE", "1"});
}

TEST_CASE("csv_reader: LF, CRLF and CR end a line, with or without one at the end of the file", "[examples][csv]") {
  for (const auto* text : {"a,b\nc,d", "a,b\nc,d\n", "a,b\r\nc,d\r\n", "a,b\rc,d\r", "a,b\r\nc,d\n"}) {
    CAPTURE(text);
    const auto records = all(text);
    REQUIRE(records.size() == 2);
    CHECK(records[0].fields == fields{"a", "b"});
    CHECK(records[1].fields == fields{"c", "d"});
    CHECK(records[1].line == 2);
  }
}

TEST_CASE("csv_reader: a byte order mark is no part of the first field, even of a quoted one", "[examples][csv]") {
  CHECK(all("\xEF\xBB\xBF"
            "a,b")[0]
            .fields == fields{"a", "b"});
  CHECK(all("\xEF\xBB\xBF\"a\",b")[0].fields == fields{"a", "b"});
}

TEST_CASE("csv_reader: blank lines are no records but are counted as lines", "[examples][csv]") {
  const auto records = all("\n\r\na\n\n\nb\n\n");
  REQUIRE(records.size() == 2);
  CHECK(records[0].line == 3);
  CHECK(records[1].line == 6);
  CHECK(all("").empty());
  CHECK(all("\n\n").empty());
  CHECK(all("\"\"\n").size() == 1);
}

TEST_CASE("csv_reader: a quote that is never closed costs its own line only", "[examples][csv]") {
  const auto records = all("a,\"b\nc,d\ne,f\n");
  REQUIRE(records.size() == 3);
  CHECK(records[0].trouble == "a quote that is never closed");
  CHECK(records[0].line == 1);
  CHECK(records[1].trouble.empty());
  CHECK(records[1].fields == fields{"c", "d"});
  CHECK(records[2].line == 3);
}

TEST_CASE("csv_reader: an open quote that meets the quote of a later line costs its own line only", "[examples][csv]") {
  const auto records = all("a,\"b,c\nd,\"e, f\",g\nh,i,j");
  REQUIRE(records.size() == 3);
  CHECK(records[0].trouble == "text behind a closing quote");
  CHECK(records[1].fields == fields{"d", "e, f", "g"});
  CHECK(records[2].fields == fields{"h", "i", "j"});
}
