// SPDX-License-Identifier: MIT
// What the example says at the end, and how its options are read.
#include "../../examples/order_flow/report.hpp"

#include <chrono>
#include <string>
#include <vector>

#include "../../examples/order_flow/options.hpp"
#include "support/catch.hpp"

namespace {

using namespace order_flow;
using namespace std::chrono_literals;

run_report balanced() {
  run_report run;
  run.found.orders_placed = 1200;
  run.found.orders_charged = 1100;
  run.found.orders_rejected = 100;
  run.found.revenue_cents = {{"EIRE", -250}, {"France", 123456789}};
  run.expected = run.found;
  run.services.push_back({"payment", 1300, 1100, 20, 90, 110, {}});
  run.services.push_back({"inventory", 1300, 1100, 3, 90, 0, {}});
  run.services[0].latency.add(1500ns);
  run.letters = {{"a line without a customer", 110}};
  run.outage = {500ms, 3, 450ms, 7, 12ms};
  run.unparsed_lines = 2;
  run.duplicates_published = 100;
  run.events = 5000;
  run.took = 500ms;
  return run;
}

}  // namespace

TEST_CASE("report: the JSON has the keys that were promised, in one line", "[examples][report]") {
  CHECK(report_json(balanced()) ==
        R"({"orders_placed":1200,"orders_cancelled":0,"orders_rejected":100,"orders_charged":1100,"unparsed_lines":2,)"
        R"("duplicates_published":100,"deduplicated":180,"retries":23,)"
        R"("retries_put_off":7,"breaker_opened":3,"breaker_open_seconds":0.450000,"recovery_seconds":0.012000,)"
        R"("dead_letters":110,)"
        R"("revenue_cents":{"EIRE":-250,"France":123456789},"books_balance":true,"events":5000,"seconds":0.500000})");
}

TEST_CASE("report: a JSON string is valid whatever the input was", "[examples][report]") {
  CHECK(json_string("a\"b\\c\n") == R"("a\"b\\c\u000a")");
  CHECK(json_string("C\xC3\xB4te") == "\"C\xC3\xB4te\"");
  CHECK(json_string("C\xF4te") == R"("C\u00f4te")");
  CHECK(json_string("\xED\xA0\x80") == R"("\u00ed\u00a0\u0080")");
  CHECK(json_string("\xF0\x9F\x98\x80") == "\"\xF0\x9F\x98\x80\"");
  CHECK(json_string("\xC3") == R"("\u00c3")");
}

TEST_CASE("report: people read tables, the richest country first, and the verdict last", "[examples][report]") {
  const auto text = report_text(balanced());
  CHECK_THAT(text, peal_test::contains_text("  payment        1,300     1,100        20             90    110   1.5"));
  CHECK_THAT(text, peal_test::contains_text("  France    1,234,567.89\n  EIRE             -2.50\n"));
  CHECK_THAT(text, peal_test::contains_text("  a line without a customer"));
  CHECK_THAT(text, peal_test::contains_text("5,000 events in 500 ms, 10,000 events/s"));
  CHECK_THAT(text, peal_test::contains_text("the gateway was down for"));
  CHECK_THAT(text, peal_test::contains_text("recovered after"));
  CHECK_THAT(text, peal_test::contains_text("12.0 ms"));
  CHECK(text.substr(text.size() - 15) == "\nbooks balance\n");
}

TEST_CASE("report: what does not balance is said", "[examples][report]") {
  auto run = balanced();
  ++run.found.orders_charged;
  run.troubles.push_back("a parcel waits for its payment");
  const auto text = report_text(run);
  CHECK_THAT(text, peal_test::contains_text("books do not balance:\n  orders charged: 1100 expected, 1101 found\n"
                                            "  a parcel waits for its payment\n"));
  CHECK_THAT(report_json(run), peal_test::contains_text(R"("books_balance":false)"));
}

TEST_CASE("report: numbers, money and durations are written for people", "[examples][report]") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1'000) == "1,000");
  CHECK(grouped(1'234'567) == "1,234,567");
  CHECK(money(0) == "0.00");
  CHECK(money(-5) == "-0.05");
  CHECK(money(100'000) == "1,000.00");
  CHECK(money(INT64_MIN) == "-92,233,720,368,547,758.08");
  CHECK(duration_text(870ns) == "870 ns");
  CHECK(duration_text(1234ns) == "1.23 us");
  CHECK(duration_text(45600us) == "45.6 ms");
  CHECK(duration_text(90s) == "90.0 s");
}

TEST_CASE("latency: quantiles are right to three per cent", "[examples][report]") {
  latency_histogram histogram;
  CHECK(histogram.quantile(0.5) == 0ns);
  for (const auto exact : {0ns, 1ns, 31ns, 32ns, 63ns}) {
    latency_histogram one;
    one.add(exact);
    CHECK(one.quantile(0.5) == exact);
  }
  for (int i = 1; i <= 100'000; ++i) histogram.add(std::chrono::nanoseconds{i});
  for (const auto share : {0.01, 0.5, 0.9, 0.99, 1.0}) {
    CAPTURE(share);
    const auto exact = share * 100'000;
    const auto found = static_cast<double>(histogram.quantile(share).count());
    CHECK(found >= exact);
    CHECK(found <= exact * 1.032);
  }
  histogram.add(-5ns);
  histogram.add(std::chrono::nanoseconds::max());
  CHECK(histogram.count() == 100'002);
  latency_histogram twice;
  twice.add(histogram);
  twice.add(histogram);
  CHECK(twice.count() == 200'004);
  CHECK(twice.quantile(0.5) == histogram.quantile(0.5));
}

TEST_CASE("options: are read with their values behind a blank or an equals sign", "[examples][options]") {
  const auto chosen =
      parse_options({"--orders", "25", "--seed=7", "--duplicate", "0.2", "--flaky=0.3", "--crash-handler", "1",
                     "--json", "--workers", "4", "--rate", "100", "--outage", "5s"});
  CHECK(chosen.orders == 25);
  CHECK(chosen.troubles.seed == 7);
  CHECK(chosen.troubles.duplicate == 0.2);
  CHECK(chosen.troubles.flaky == 0.3);
  CHECK(chosen.troubles.crash == 1.0);
  CHECK(chosen.troubles.outage == 5s);
  CHECK(parse_options({"--outage=300ms"}).troubles.outage == 300ms);
  CHECK(chosen.json);
  CHECK(chosen.workers == 4);
  CHECK(chosen.rate == 100);
  CHECK_FALSE(chosen.input);
  CHECK(parse_options({"--input", "a=b.csv"}).input == "a=b.csv");
  CHECK(parse_options({"--input=a=b.csv"}).input == "a=b.csv");
  CHECK(parse_options({}).orders == 10'000);
  CHECK(parse_options({"-h"}).help);
}

TEST_CASE("options: every mistake is a usage error", "[examples][options]") {
  using wrong = std::vector<std::string>;
  for (const auto& arguments :
       {wrong{"--seed"}, wrong{"--seed", "x"}, wrong{"--seed", "1x"}, wrong{"--seed", "-1"}, wrong{"--seed="},
        wrong{"--flaky", "1.1"}, wrong{"--flaky", "-0.1"}, wrong{"--flaky", "nan"}, wrong{"--outage", "5"},
        wrong{"--outage", "5h"}, wrong{"--outage", "-5s"}, wrong{"--outage", "3601s"}, wrong{"--outage", ""},
        wrong{"--workers", "0"}, wrong{"--json=1"}, wrong{"--nonsense"}, wrong{"file.csv"},
        wrong{"--input", "a.csv", "--orders", "5"}, wrong{"--orders", "99999999999999999999"}}) {
    CAPTURE(arguments);
    CHECK_THROWS_AS(parse_options(arguments), usage_error);
  }
  CHECK_THROWS_WITH(parse_options({"--duplicate", "2"}), "--duplicate takes a number from 0 to 1, not \"2\"");
}
