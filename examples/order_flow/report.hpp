// SPDX-License-Identifier: MIT
// What a run has come to, for people and for programs.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../support/text_table.hpp"
#include "books.hpp"
#include "json.hpp"
#include "latency.hpp"

namespace order_flow {

using example::duration_text;
using example::grouped;
using example::money;
using example::text_table;

/// The line of one service.
struct service_report {
  std::string name;
  std::uint64_t accepted = 0;
  std::uint64_t handled = 0;
  std::uint64_t retried = 0;
  std::uint64_t deduplicated = 0;
  std::uint64_t dead = 0;
  latency_histogram latency;
};

/// How the shop came through an outage of the gateway.
struct outage_report {
  std::chrono::nanoseconds length{0};
  std::uint64_t breaker_opened = 0;
  std::chrono::nanoseconds breaker_open{0};
  std::uint64_t retries_put_off = 0;                   ///< by the budget of the bus, of all services
  std::optional<std::chrono::nanoseconds> recovery{};  ///< from its end to the first charge
};

struct run_report {
  books found;
  books expected;
  std::vector<std::string> troubles;  ///< anything else that must not be, a line each
  std::vector<service_report> services;
  outage_report outage;
  std::map<std::string, std::uint64_t> letters;  ///< dead letters by their reason
  std::uint64_t unparsed_lines = 0;
  std::uint64_t duplicates_published = 0;
  std::uint64_t accepted_before = 0;  ///< publications that the store had from former lives
  std::uint64_t events = 0;           ///< of all types, those that services published too
  std::chrono::nanoseconds took{};
  bool interrupted = false;
};

/// Why the books do not balance, a line each; empty when they do.
inline std::vector<std::string> complaints(const run_report& run) {
  auto result = differences(run.expected, run.found);
  result.insert(result.end(), run.troubles.begin(), run.troubles.end());
  return result;
}

inline double seconds(std::chrono::nanoseconds took) { return std::chrono::duration<double>(took).count(); }

inline std::uint64_t letter_count(const run_report& run) {
  std::uint64_t sum = 0;
  for (const auto& [reason, count] : run.letters) sum += count;
  return sum;
}

inline std::string services_text(const run_report& run) {
  text_table table;
  table.add({"service", "accepted", "handled", "retried", "deduplicated", "dead", "p50", "p99"});
  for (const auto& service : run.services) {
    table.add({service.name, grouped(service.accepted), grouped(service.handled), grouped(service.retried),
               grouped(service.deduplicated), grouped(service.dead), duration_text(service.latency.quantile(0.5)),
               duration_text(service.latency.quantile(0.99))});
  }
  return table.text();
}

inline std::string revenue_text(const books& found) {
  std::vector<std::pair<std::string, std::int64_t>> sorted{found.revenue_cents.begin(), found.revenue_cents.end()};
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  text_table table;
  table.add({"country", "revenue"});
  for (const auto& [country, cents] : sorted) table.add({country.empty() ? "(none)" : country, money(cents)});
  return table.text();
}

inline std::string letters_text(const run_report& run) {
  text_table table;
  table.add({"for a person to look at", "letters"});
  for (const auto& [reason, count] : run.letters) table.add({reason, grouped(count)});
  return table.text();
}

inline std::string totals_text(const run_report& run) {
  const auto count = [](std::int64_t number) { return grouped(static_cast<std::uint64_t>(number)); };
  text_table table;
  table.add({"orders placed", count(run.found.orders_placed)});
  table.add({"orders cancelled", count(run.found.orders_cancelled)});
  table.add({"orders charged", count(run.found.orders_charged)});
  table.add({"orders rejected", count(run.found.orders_rejected)});
  table.add({"lines not understood", grouped(run.unparsed_lines)});
  table.add({"orders published twice", grouped(run.duplicates_published)});
  return table.text();
}

/// From publish to handled, over all services.
inline std::string speed_text(const run_report& run) {
  latency_histogram all;
  for (const auto& service : run.services) all.add(service.latency);
  const auto rate = run.took.count() == 0 ? 0.0 : static_cast<double>(run.events) / seconds(run.took);
  return grouped(run.events) + " events in " + duration_text(run.took) + ", " +
         grouped(static_cast<std::uint64_t>(rate)) + " events/s; publish to handled: p50 " +
         duration_text(all.quantile(0.5)) + ", p99 " + duration_text(all.quantile(0.99)) + "\n";
}

inline std::string outage_text(const outage_report& outage) {
  if (outage.length.count() == 0 && outage.breaker_opened == 0) return {};
  text_table table;
  table.add({"the gateway was down for", duration_text(outage.length)});
  table.add({"its breaker opened", grouped(outage.breaker_opened) + " times"});
  table.add({"and was open for", duration_text(outage.breaker_open)});
  table.add({"retries put off by the budget", grouped(outage.retries_put_off)});
  table.add({"recovered after", outage.recovery ? duration_text(*outage.recovery) : "(not yet)"});
  return table.text() + "\n";
}

inline std::string complaints_text(const run_report& run) {
  std::string result;
  for (const auto& complaint : complaints(run)) result += "  " + complaint + "\n";
  return result.empty() ? "books balance\n" : "books do not balance:\n" + result;
}

inline std::string report_text(const run_report& run) {
  std::string result = totals_text(run) + "\n" + services_text(run) + "\n" + revenue_text(run.found) + "\n";
  if (!run.letters.empty()) result += letters_text(run) + "\n";
  result += outage_text(run.outage) + speed_text(run);
  if (run.accepted_before != 0) result += "went on behind " + grouped(run.accepted_before) + " orders in the store\n";
  if (run.interrupted) result += "interrupted: the report is of the orders taken until then\n";
  return result + complaints_text(run);
}

inline std::string report_json(const run_report& run) {
  std::uint64_t deduplicated = 0;
  std::uint64_t retries = 0;
  for (const auto& service : run.services) {
    deduplicated += service.deduplicated;
    retries += service.retried;
  }
  json_object revenue;
  for (const auto& [country, cents] : run.found.revenue_cents) revenue.add(country, std::to_string(cents));
  return json_object{}
      .add("orders_placed", std::to_string(run.found.orders_placed))
      .add("orders_cancelled", std::to_string(run.found.orders_cancelled))
      .add("orders_rejected", std::to_string(run.found.orders_rejected))
      .add("orders_charged", std::to_string(run.found.orders_charged))
      .add("unparsed_lines", std::to_string(run.unparsed_lines))
      .add("duplicates_published", std::to_string(run.duplicates_published))
      .add("deduplicated", std::to_string(deduplicated))
      .add("retries", std::to_string(retries))
      .add("retries_put_off", std::to_string(run.outage.retries_put_off))
      .add("breaker_opened", std::to_string(run.outage.breaker_opened))
      .add("breaker_open_seconds", std::to_string(seconds(run.outage.breaker_open)))
      .add("recovery_seconds", run.outage.recovery ? std::to_string(seconds(*run.outage.recovery)) : "null")
      .add("dead_letters", std::to_string(letter_count(run)))
      .add("revenue_cents", revenue.text())
      .add("books_balance", complaints(run).empty() ? "true" : "false")
      .add("events", std::to_string(run.events))
      .add("seconds", std::to_string(seconds(run.took)))
      .text();
}

}  // namespace order_flow
