// SPDX-License-Identifier: MIT
// Streams and projections in SQLite: rows of a read model, events and positions together or not at all.
#include <peal/adapters/sqlite/sqlite_store.hpp>
#include <peal/core/overloaded.hpp>
#include <peal/pattern/projection.hpp>
#include <peal/testing/contract/detail/child.hpp>

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

#include "pattern/stream_property.hpp"
#include "support/catch.hpp"
#include "support/stress_options.hpp"
#include "support/temporary_folder.hpp"

using namespace bank;

namespace {

namespace cases = peal::testing::contract_cases;
using transaction = peal::sqlite::store::transaction_scope;

void sql(::sqlite3* db, const std::string& text) {
  char* said = nullptr;
  if (::sqlite3_exec(db, text.c_str(), nullptr, nullptr, &said) != SQLITE_OK) throw std::runtime_error(said);
}
std::int64_t number(peal::sqlite::store& kept, const char* query) {
  std::int64_t n = 0;
  const auto take = [](void* to, int, char** values, char**) {
    *static_cast<std::int64_t*>(to) = values[0] == nullptr ? 0 : std::stoll(values[0]);
    return 0;
  };
  const auto t = kept.transaction();
  if (::sqlite3_exec(t.handle(), query, take, &n, nullptr) != SQLITE_OK) throw std::runtime_error(query);
  return n;
}

/// Totals by account, as rows; a deposit of `refuses` cents is not taken.
struct totals {
  explicit totals(peal::sqlite::store& s, std::size_t batch = 4) : kept{s}, options{.name = "totals"} {
    options.topics = {"bank.accounts"};
    options.batch = batch;
    auto t = kept.transaction();
    sql(t.handle(), "create table if not exists totals (account text primary key, cents integer, changes integer)");
    t.commit({});
  }
  static void add(transaction& t, std::string_view key, std::int64_t cents) {
    const std::string amount = std::to_string(cents);
    sql(t.handle(), "insert into totals values ('" + std::string(key) + "', " + amount +
                        ", 1) on conflict (account) do update set cents = cents + " + amount +
                        ", changes = changes + 1");
  }
  peal::projection<opened, deposited, withdrawn> projection() {
    return {kept, options,
            peal::overloaded{
                [](const opened& e) { CHECK(!e.owner.empty()); },
                [this](const deposited& e, const peal::replayed_event& about, transaction& t) {
                  add(t, about.key(), e.cents);
                  if (e.cents == refuses) throw std::runtime_error("not this one");
                },
                [](const withdrawn& e, const peal::replayed_event& about, auto& t) { add(t, about.key(), -e.cents); }},
            peal::on_rebuild{[](transaction& t) { sql(t.handle(), "delete from totals"); }}};
  }
  peal::sqlite::store& kept;
  peal::projection_options options;
  std::int64_t refuses = 0;
};

}  // namespace

TEST_CASE("sqlite: states of streams are folds of their first events", "[adapters][sqlite][streams]") {
  peal_test::temporary_folder folder;
  peal::sqlite::store kept{folder.path("bank.db"), {.durability = peal::sync::os}};
  states_are_folds_of_prefixes(kept, 100);
}

TEST_CASE("sqlite: events of a stream and one's own rows are kept together or not at all",
          "[adapters][sqlite][streams]") {
  peal_test::temporary_folder folder;
  peal::sqlite::store kept{folder.path("bank.db")};
  accounts all{kept, "bank.accounts"};
  totals rows{kept};
  {
    auto t = kept.transaction();
    totals::add(t, "a", 5);
    CHECK(all.commit(t, "a", peal::no_stream, deposited{5}) == peal::appended{1, 0});
  }
  CHECK_THROWS_AS(
      [&] {
        auto t = kept.transaction();
        totals::add(t, "a", 6);
        all.commit(t, "a", peal::no_stream, deposited{6});
      }(),
      peal::version_conflict);
  CHECK(number(kept, "select cents from totals") == 5);
  CHECK(story(all, "a") == "1@0 +5");
}

TEST_CASE("sqlite: a projection's rows and its position are one commit", "[adapters][sqlite][projection][P32]") {
  peal_test::temporary_folder folder;
  peal::sqlite::store kept{folder.path("bank.db")};
  accounts all{kept, "bank.accounts"};
  for (int i = 1; i <= 10; ++i) all.append("a", peal::any_version, deposited{i});
  all.append("b", peal::any_version, opened{"Bob"}, withdrawn{3});
  totals rows{kept};
  rows.refuses = 7;
  auto p = rows.projection();
  CHECK_THROWS_AS(p.catch_up(), std::runtime_error);
  CHECK_THROWS_AS(p.catch_up(), std::runtime_error);
  CHECK(p.position("bank.accounts") == 6);
  CHECK(number(kept, "select cents from totals") == 21);
  rows.refuses = 0;
  auto other = rows.projection();
  CHECK(p.catch_up().handled == 6);
  CHECK(other.catch_up().handled == 0);  // of the same name, and it looks before it writes
  all.append("a", peal::any_version, deposited{100});
  CHECK(other.catch_up().handled == 1);
  CHECK(p.catch_up().handled == 0);
  CHECK(number(kept, "select cents from totals where account = 'a'") == 155);
  CHECK(p.rebuild().handled == 13);
  CHECK(number(kept, "select sum(cents) from totals") == 152);
  CHECK(number(kept, "select sum(changes) from totals") == 12);
}

TEST_CASE("sqlite: killed at any moment, a projection has folded each event once",
          "[adapters][sqlite][projection][P31][P32]") {
  const std::uint64_t kills = peal_test::scaled(40);
  std::mt19937_64 random{peal_test::seed()};
  peal_test::temporary_folder folder;
  const std::string path = folder.path("bank.db");
  std::uint64_t handled = 0;
  for (std::uint64_t i = 0; i < kills; ++i) {
    cases::channel rounds;
    cases::child process{[&] {
      peal::sqlite::store kept{path, {.durability = peal::sync::os}};
      accounts all{kept, "bank.accounts"};
      totals rows{kept, 3};
      auto p = rows.projection();
      for (std::uint64_t n = 0; rounds.write(&n, sizeof n); n += p.catch_up().handled) {
        for (int k = 0; k < 7; ++k) all.append(std::to_string(k % 3), peal::any_version, deposited{1}, withdrawn{2});
      }
    }};
    rounds.close_writing();
    std::uint64_t heard = 0;
    for (std::uint64_t n = 1 + random() % 8; n != 0 && rounds.read(&heard, sizeof heard) == sizeof heard; --n) continue;
    const auto moment = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 2'000);
    while (std::chrono::steady_clock::now() < moment) std::this_thread::yield();
    process.kill();
    REQUIRE(process.was_killed());
    handled += heard;
  }
  peal::sqlite::store kept{path};
  totals rows{kept, 3};
  auto p = rows.projection();
  const std::uint64_t left = p.catch_up().handled;
  const auto events = static_cast<std::int64_t>(kept.range("bank.accounts").next);
  const std::int64_t folded = number(kept, "select sum(changes) from totals");
  std::printf("projection killed: seed=%llu kills=%llu events=%lld folded=%lld left for the last=%llu twice=%lld\n",
              static_cast<unsigned long long>(peal_test::seed()), static_cast<unsigned long long>(kills),
              static_cast<long long>(events), static_cast<long long>(folded), static_cast<unsigned long long>(left),
              static_cast<long long>(folded - events));
  CHECK(handled > 0);
  CHECK(folded == events);
  CHECK(2 * number(kept, "select sum(cents) from totals") == -events);
}
