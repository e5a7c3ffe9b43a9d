// SPDX-License-Identifier: MIT
// The store in SQLite: by the contract, and what only it does.
#include <peal/adapters/sqlite/sqlite_store.hpp>
#include <peal/testing/contract/store_contract.hpp>
#include <peal/testing/contract/store_kill_test.hpp>
#include <peal/testing/store_wrapper.hpp>

#include <sqlite3.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/store_checks.hpp"
#include "support/stress_options.hpp"
#include "support/temporary_folder.hpp"

namespace {

namespace contract = peal::testing;
using peal::open_mode;
using peal::store_batch;
using peal::store_errc;

using peal_test::append;
using peal_test::count;
using peal_test::event;
using sqlite_place = peal_test::file_place<peal::sqlite::store, peal::sqlite::options>;

std::pair<store_errc, std::string> refused(const std::string& path, const peal::sqlite::options& o = {}) {
  return peal_test::refused_opening<peal::sqlite::store>(path, o);
}

/// Another program's look at a database.
class shell {
 public:
  explicit shell(const std::string& path) { REQUIRE(sqlite3_open(path.c_str(), &db_) == SQLITE_OK); }
  shell(const shell&) = delete;
  shell& operator=(const shell&) = delete;
  ~shell() { sqlite3_close(db_); }

  /// The rows as the sqlite3 shell prints them.
  std::vector<std::string> run(const std::string& sql) { return run(db_, sql); }
  static std::vector<std::string> run(sqlite3* db, const std::string& sql) {
    std::vector<std::string> rows;
    char* problem = nullptr;
    const auto add = [](void* all, int columns, char** values, char**) {
      std::string row;
      for (int i = 0; i < columns; ++i) row.append(i == 0 ? "" : "|").append(values[i] == nullptr ? "" : values[i]);
      static_cast<std::vector<std::string>*>(all)->push_back(row);
      return 0;
    };
    if (sqlite3_exec(db, sql.c_str(), add, &rows, &problem) != SQLITE_OK) {
      const std::string what = problem;
      sqlite3_free(problem);
      throw std::runtime_error(what);
    }
    return rows;
  }

 private:
  sqlite3* db_ = nullptr;
};

}  // namespace

TEST_CASE("sqlite: keeps the contract", "[adapters][sqlite][contract]") { peal_test::keeps_contract<sqlite_place>(); }

TEST_CASE("sqlite: kill -9 at any moment loses nothing that was acknowledged and tears no batch",
          "[adapters][sqlite][contract][P30]") {
  peal_test::survives_kills<sqlite_place>();
}

TEST_CASE("kill_test: a store that breaks its word when it is killed is noticed", "[contract][P30]") {
  struct in_two_parts final : peal::testing::store_wrapper {
    using store_wrapper::store_wrapper;
    void commit(const store_batch& b) override {
      store_batch events;
      events.events = b.events;
      wrapped().commit(events);
      store_batch rest = b;
      rest.events.clear();
      wrapped().commit(rest);
    }
  };
  struct owner final : peal::testing::store_wrapper {
    explicit owner(std::unique_ptr<peal::store> s) : store_wrapper{&parts}, kept{std::move(s)}, parts{kept.get()} {}
    std::unique_ptr<peal::store> kept;
    in_two_parts parts;
  };
  struct tearing_place final : contract::store_place {
    std::unique_ptr<peal::store> open() override { return std::make_unique<owner>(files.open()); }
    sqlite_place files{peal::sync::full};
  };
  struct forgetting_place final : contract::store_place {
    std::unique_ptr<peal::store> open() override { return ::getpid() == parent ? after.open() : before.open(); }
    const ::pid_t parent = ::getpid();
    sqlite_place before;
    sqlite_place after;
  };
  tearing_place tearing;
  forgetting_place forgetting;
  const auto what = [](contract::store_place& p) -> std::string {
    try {
      return to_string(contract::kill_test(p, {.seed = peal_test::seed(), .kills = 1'000}));
    } catch (const contract::contract_violation& e) {
      return e.what();
    }
  };
  CHECK_THAT(what(tearing), peal_test::contains_text("torn=1") && peal_test::contains_text("lost=0"));
  CHECK_THAT(what(forgetting), !peal_test::contains_text("lost=0"));
}

TEST_CASE("sqlite: a handler's own tables and the batch change together or not at all", "[adapters][sqlite][P32]") {
  sqlite_place place;
  peal::sqlite::store s{place.path()};
  const auto books = [&] { return shell{place.path()}.run("select * from books"); };
  {
    auto t = s.transaction();
    shell::run(t.handle(), "create table books (entry text)");
    t.commit({});
  }
  store_batch b;
  b.cursors = {{"books", "shop.orders", 1}};
  b.claims = {{"books", "o-1", peal::claim_state::committed, 1}};

  SECTION("both happen") {
    auto t = s.transaction();
    shell::run(t.handle(), "insert into books values ('paid o-1')");
    CHECK(books().empty());  // nobody else sees it yet
    t.commit(b);
    CHECK(books() == std::vector<std::string>{"paid o-1"});
    CHECK_THROWS_AS(t.commit(b), peal::store_error);
  }
  SECTION("a handler that throws leaves nothing") {
    CHECK_THROWS_AS(
        [&] {
          auto t = s.transaction();
          shell::run(t.handle(), "insert into books values ('paid o-1')");
          throw std::runtime_error("the gateway is gone");
        }(),
        std::runtime_error);
    CHECK(books().empty());
  }
  SECTION("a batch that is refused takes the handler's writes with it") {
    b.events = {event(7, "gap")};
    auto t = s.transaction();
    shell::run(t.handle(), "insert into books values ('paid o-1')");
    try {
      t.commit(b);
      FAIL("a gap was accepted");
    } catch (const peal::store_error& e) {
      CHECK(e.code() == store_errc::conflict);
      CHECK_THAT(e.what(), peal_test::contains_text("append to shop.orders at 7"));
    }
    CHECK(books().empty());
    CHECK(shell{place.path()}.run("select * from peal_cursors").empty());
  }
  append(s, 0);
  CHECK(count(s) == 1);
}

TEST_CASE("sqlite: inside a transaction its thread reads what it wrote and may not begin another",
          "[adapters][sqlite]") {
  sqlite_place place;
  peal::sqlite::store s{place.path()};
  auto t = s.transaction();
  CHECK(s.range("shop.orders") == peal::topic_range{});
  try {
    s.commit({});
    FAIL("a commit inside a transaction");
  } catch (const peal::store_error& e) {
    CHECK_THAT(e.what(), peal_test::contains_text("this thread has a transaction open"));
  }
  store_batch b;
  b.events = {event(0, "x")};
  t.commit(b);
  CHECK(count(s) == 1);
}

TEST_CASE("sqlite: people read it with the sqlite3 shell while it is open", "[adapters][sqlite]") {
  sqlite_place place;
  peal::sqlite::store s{place.path()};
  store_batch b;
  b.events = {event(0, "first"), event(1, "second")};
  b.events[1].key = "o-1";
  b.events[1].published = 1'700'000'000'000'000'000;
  b.cursors = {{"billing", "shop.orders", 1}};
  b.pending = {{"billing", "shop.orders", 0, 3, 0}};
  b.claims = {{"billing", "o-1", peal::claim_state::committed, 0}};
  peal::stored_letter l;
  l.subscription = "billing";
  l.number = 4;
  l.event = event(0, "first");
  l.cause = peal::dead_cause::crashed;
  l.attempts = 3;
  b.letters = {l};
  peal::stored_timer t;
  t.id = 9;
  t.period = 1'500'000'000;
  t.event = event(0, "later");
  b.timers = {t};
  s.commit(b);

  shell look{place.path()};
  using rows = std::vector<std::string>;
  CHECK(look.run("select topic, position, type, version, key, published, bytes, payload from peal_events") ==
        rows{"shop.orders|0|shop.order|1||1970-01-01 00:00:00|5|first",
             "shop.orders|1|shop.order|1|o-1|2023-11-14 22:13:20|6|second"});
  CHECK(look.run("select id, correlation, causation from peal_events where position = 1") ==
        rows{"00000000000000010000000000000001|00000000000000010000000000000001|"});
  CHECK(look.run("select * from peal_cursors") == rows{"billing|shop.orders|1|1"});
  CHECK(look.run("select * from peal_pending") == rows{"billing|shop.orders|0|3|1970-01-01 00:00:00"});
  CHECK(look.run("select * from peal_keys") == rows{"billing|o-1|committed|1970-01-01 00:00:00"});
  CHECK(look.run("select topic, number, subscription, cause, attempts, type from peal_dead_letters") ==
        rows{"shop.orders|4|billing|crashed|3|shop.order"});
  CHECK(look.run("select number, topic, due, period_seconds from peal_timers") ==
        rows{"9|shop.orders|1970-01-01 00:00:00|1.5"});
}

TEST_CASE("sqlite: what is not a store, or a newer one, is refused and left as it is", "[adapters][sqlite][P38]") {
  sqlite_place place;
  const std::string path = place.path();
  SECTION("a text") {
    const std::string text = std::string(10'000, 't');
    std::ofstream{path} << text;
    CHECK(refused(path).first == store_errc::not_a_store);
    CHECK(std::filesystem::file_size(path) == text.size());
  }
  SECTION("another program's database") {
    shell{path}.run("create table orders (id integer)");
    const auto [code, what] = refused(path);
    CHECK(code == store_errc::not_a_store);
    CHECK_THAT(what, peal_test::contains_text(path));
    CHECK(shell{path}.run("select name from sqlite_schema") == std::vector<std::string>{"orders"});
  }
  SECTION("nothing, for a reader") {
    CHECK(refused(path, {.mode = peal::open_mode::read}).first == store_errc::io);
    CHECK_FALSE(std::filesystem::exists(path));
  }
  SECTION("a newer major version; a newer minor one is read") {
    append(*place.open(), 0);
    shell{path}.run("pragma user_version = 2000");
    const auto [code, what] = refused(path);
    CHECK(code == store_errc::newer_format);
    CHECK_THAT(what, peal_test::contains_text("its format is 2, this program knows up to 1"));
    CHECK(refused(path, {.mode = peal::open_mode::read}).first == store_errc::newer_format);
    shell{path}.run("pragma user_version = 1999");
    CHECK(count(*place.open()) == 1);
  }
}

TEST_CASE("sqlite: a full store says no_space, keeps what it has, and goes on when there is room",
          "[adapters][sqlite][P35]") {
  sqlite_place place;
  peal::sqlite::store s{place.path(), {.max_bytes = 1U << 20}};
  std::uint64_t kept = 0;
  bool full = false;
  while (!full) {
    try {
      append(s, kept, std::string(20'000, 'x'));
      ++kept;
    } catch (const peal::store_error& e) {
      full = e.code() == store_errc::no_space;
      REQUIRE(full);
    }
  }
  CHECK(kept > 20);
  CHECK(count(s) == kept);
  CHECK(s.trim("shop.orders", kept - 1) == kept - 1);
  append(s, kept, std::string(20'000, 'x'));
  CHECK(count(s) == 2);
}

TEST_CASE("sqlite: a payload that rotted on the disk is an error that names its position", "[adapters][sqlite][P34]") {
  sqlite_place place;
  {
    const auto s = place.open();
    for (std::uint64_t i = 0; i < 50; ++i) append(*s, i, "needle " + std::to_string(i) + std::string(100, 'x'));
  }
  std::string bytes;
  {
    std::ifstream in{place.path(), std::ios::binary};
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  const std::size_t at = bytes.find("needle 30");
  REQUIRE(at != std::string::npos);
  bytes[at + 20] = static_cast<char>(bytes[at + 20] ^ 4);
  std::ofstream{place.path(), std::ios::binary} << bytes;
  const auto s = place.open();
  std::uint64_t seen = 0;
  try {
    s->read("shop.orders", 0, 100, [&](const peal::stored_event&) { ++seen; });
    FAIL("not noticed");
  } catch (const peal::store_error& e) {
    CHECK(e.code() == store_errc::corrupt);
    CHECK_THAT(e.what(), peal_test::contains_text("read shop.orders at 30"));
  }
  CHECK(seen == 30);
  CHECK(s->read("shop.orders", 31, 100, [&](const peal::stored_event&) { ++seen; }) ==
        50);  // reading goes on behind it
}
