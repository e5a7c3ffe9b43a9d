// SPDX-License-Identifier: MIT
// Stores as earlier versions wrote them, kept as files: today's code must read them.
#pragma once

#include <peal/store/store.hpp>
#include <peal/testing/contract/detail/store_probe.hpp>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

namespace peal_test {

namespace golden {

namespace cases = peal::testing::contract_cases;

inline std::filesystem::path folder() {
  return std::filesystem::path(__FILE__).parent_path().parent_path() / "adapters" / "golden";
}

inline cases::lines lines_of(const std::filesystem::path& file) {
  cases::lines all;
  std::ifstream in{file};
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

inline peal::stored_letter letter(std::uint64_t number, peal::dead_cause cause) {
  peal::stored_letter l;
  l.subscription = "billing";
  l.number = number;
  l.event = cases::event_at("shop.orders", 100 + number, "dead", "o-3", number);
  l.cause = cause;
  l.attempts = 5;
  l.cycles = 1;
  l.died = 1'700'000'001'000'000'000;
  l.blocked_by = number - 1;
  l.errors = cases::bytes_of("\x91\xa8it broke");
  return l;
}

/// Everything that a store of format 1 knows, in three commits and a trim.
inline void fill(peal::store& s) {
  peal::store_batch b;
  b.types = {{"shop.order.placed", 2, "{id:str,cents:i64}"}, {"shop.refund", 1, "{id:str}"}};
  b.events = {cases::event_at("shop.orders", 0, "trimmed"),
              cases::event_at("shop.orders", 1, "first", "o-1", 1),
              cases::event_at("shop.orders", 2, "second", "o-1", 2),
              cases::event_at("shop.orders", 3, std::string_view("\0\xff", 2), "o-2", 1),
              cases::event_at("shop.orders", 4, "", "o-2"),
              cases::event_at("shop.refunds", 0, "refund", "o-1", 1)};
  b.events[3].correlation = b.events[3].id;
  b.events[3].causation = {};
  b.events[5].name = "shop.refund";
  b.events[5].version = 1;
  b.cursors = {{"billing", "shop.orders", 2}, {"ledger", "shop.refunds", 1}};
  b.pending = {{"billing", "shop.orders", 1, 3, 1'700'000'002'000'000'000}, {"billing", "shop.orders", 0, 1, 0}};
  b.claims = {{"billing", "o-1", peal::claim_state::claimed, 7}, {"billing", "o-2", peal::claim_state::claimed, 8}};
  b.letters = {letter(1, peal::dead_cause::crashed), letter(2, peal::dead_cause::blocked_by)};
  peal::stored_timer t;
  t.id = 9;
  t.due = 1'700'000'003'000'000'000;
  t.period = 60'000'000'000;
  t.event = cases::event_at("shop.refunds", 0, "later", "o-2");
  b.timers = {t};
  s.commit(b);
  b.clear();
  b.cursors = {{"billing", "shop.orders", 4}};
  b.pending = {{"billing", "shop.orders", 0, 0, 0}};
  b.claims = {{"billing", "o-1", peal::claim_state::committed, 9}};
  s.commit(b);
  const std::string long_one(200, 'l');
  s.trim("shop.orders", 1);
  b.clear();
  b.events = {cases::event_at("shop.orders", 5, long_one, "o-3", 1)};
  s.commit(b);
}

/// What format 1.1 knows beside it.
inline void fill_deadlines(peal::store& s) {
  peal::store_batch b;
  b.events = {cases::event_at("shop.refunds", 1, "in time"), cases::event_at("shop.refunds", 2, "whenever")};
  b.events[0].deadline = 1'700'000'004'000'000'000;
  s.commit(b);
}

}  // namespace golden

using opener = std::unique_ptr<peal::store> (*)(const std::string& path, peal::open_mode mode);

/// A copy of a golden file is read, written to, and read again.
inline void reads_golden(const std::string& file, const std::string& expected, opener open) {
  namespace cases = peal::testing::contract_cases;
  const temporary_folder here;
  const std::string path = here.path("store");
  std::filesystem::copy_file(golden::folder() / file, path);
  cases::lines lines = golden::lines_of(golden::folder() / expected);
  REQUIRE(lines.size() > 20);
  for (const auto mode : {peal::open_mode::read, peal::open_mode::write}) {
    const std::unique_ptr<peal::store> s = open(path, mode);
    cases::expect("everything in " + file, cases::everything(*s), lines);
  }
  const auto s = open(path, peal::open_mode::write);
  const std::uint64_t next = s->range("shop.orders").next;
  cases::append(*s, cases::event_at("shop.orders", next, "today", "o-1", 3));
  CHECK(cases::stream_of(*s, "shop.orders", "o-1").size() == 3);
  CHECK(cases::everything(*s).size() == lines.size() + 2);  // in its topic and in its stream
  peal::stored_event dated = cases::event_at("shop.orders", next + 1, "tomorrow");
  dated.deadline = 1'700'000'005'000'000'000;
  cases::append(*s, dated);
  CHECK(cases::events_of(*s, "shop.orders", next + 1).at(0) == cases::shown(dated));
  std::printf("  %s: %llu lines as expected\n", file.c_str(), static_cast<unsigned long long>(lines.size()));
}

/// By hand, for a new format: makes what is not there yet. What is there stays as it is. `pack(from, to)` copies a store.
template <class Pack>
void makes_golden(const std::string& file, const std::string& expected, opener open, Pack pack) {
  const temporary_folder here;
  const std::string path = here.path("store");
  if (std::filesystem::exists(golden::folder() / file)) return;
  {
    const auto s = open(path, peal::open_mode::write);
    golden::fill(*s);
    golden::fill_deadlines(*s);
  }
  pack(path, (golden::folder() / file).string());
  if (std::filesystem::exists(golden::folder() / expected)) return;
  std::ofstream out{golden::folder() / expected};
  for (const std::string& line : golden::cases::everything(*open(path, peal::open_mode::read))) out << line << '\n';
}

}  // namespace peal_test
