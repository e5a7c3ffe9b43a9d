// SPDX-License-Identifier: MIT
// The store in LMDB: by the contract, and what only it does.
#include <peal/adapters/lmdb/lmdb_store.hpp>
#include <peal/testing/contract/store_place.hpp>

#include <lmdb.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "support/catch.hpp"
#include "support/store_checks.hpp"
#include "support/temporary_folder.hpp"

namespace {

namespace contract = peal::testing;
using peal::open_mode;
using peal::store_batch;
using peal::store_errc;

using peal_test::append;
using peal_test::count;
using peal_test::event;
using lmdb_place = peal_test::file_place<peal::lmdb::store, peal::lmdb::options>;

std::pair<store_errc, std::string> refused(const std::string& path, const peal::lmdb::options& o = {}) {
  return peal_test::refused_opening<peal::lmdb::store>(path, o);
}

/// Another program's LMDB file: lets `f` write in its unnamed and named databases.
template <class F>
void as_another_program(const std::string& path, const char* name, F f) {
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  MDB_dbi dbi{};
  REQUIRE(mdb_env_create(&env) == 0);
  REQUIRE(mdb_env_set_maxdbs(env, 4) == 0);
  REQUIRE(mdb_env_open(env, path.c_str(), MDB_NOSUBDIR, 0664) == 0);
  REQUIRE(mdb_txn_begin(env, nullptr, 0, &txn) == 0);
  REQUIRE(mdb_dbi_open(txn, name, MDB_CREATE, &dbi) == 0);
  f(txn, dbi);
  REQUIRE(mdb_txn_commit(txn) == 0);
  mdb_env_close(env);
}

void put(MDB_txn* txn, MDB_dbi dbi, std::string key, std::string value) {
  MDB_val k{key.size(), key.data()};
  MDB_val v{value.size(), value.data()};
  REQUIRE(mdb_put(txn, dbi, &k, &v, 0) == 0);
}

}  // namespace

TEST_CASE("lmdb: keeps the contract", "[adapters][lmdb][contract]") { peal_test::keeps_contract<lmdb_place>(); }

TEST_CASE("lmdb: kill -9 at any moment loses nothing that was acknowledged and tears no batch",
          "[adapters][lmdb][contract][P30]") {
  peal_test::survives_kills<lmdb_place>();
}

TEST_CASE("lmdb: what is not a store, or a newer one, is refused and left as it is", "[adapters][lmdb][P38]") {
  lmdb_place place;
  const std::string path = place.path();
  SECTION("a text") {
    const std::string text(10'000, 't');
    std::ofstream{path} << text;
    CHECK(refused(path).first == store_errc::not_a_store);
    CHECK(std::filesystem::file_size(path) == text.size());
  }
  SECTION("another program's environment") {
    as_another_program(path, nullptr, [](MDB_txn* txn, MDB_dbi dbi) { put(txn, dbi, "meta", "mine"); });
    CHECK(refused(path).first == store_errc::not_a_store);
  }
  SECTION("another program's environment with a database of the same name") {
    as_another_program(path, "meta", [](MDB_txn* txn, MDB_dbi dbi) { put(txn, dbi, "is", "mine"); });
    CHECK(refused(path).first == store_errc::not_a_store);
    CHECK(refused(path, {.mode = open_mode::read}).first == store_errc::not_a_store);
  }
  SECTION("nothing, for a reader") { CHECK(refused(path, {.mode = open_mode::read}).first == store_errc::io); }
  SECTION("a newer major version; a newer minor one is read") {
    append(*place.open(), 0);
    const auto set = [&](std::uint64_t version) {
      as_another_program(path, "meta", [version](MDB_txn* txn, MDB_dbi dbi) {
        std::string bytes(8, '\0');
        for (unsigned i = 0; i < 8; ++i) bytes[i] = static_cast<char>(version >> (8 * i));
        put(txn, dbi, "format", bytes);
      });
    };
    set(2'000);
    const auto [code, what] = refused(path);
    CHECK(code == store_errc::newer_format);
    CHECK_THAT(what, peal_test::contains_text("its format is 2, this program knows up to 1"));
    set(1'999);
    CHECK(count(*place.open()) == 1);
  }
}

TEST_CASE("lmdb: a full store says no_space, keeps what it has, and goes on when there is room",
          "[adapters][lmdb][P35]") {
  lmdb_place place;
  peal::lmdb::store s{place.path(), {.max_bytes = 1U << 20}};
  std::uint64_t kept = 0;
  for (int times = 0; times < 3; ++times) {
    for (bool full = false; !full;) {
      try {
        append(s, kept, std::string(20'000, 'x'));
        ++kept;
      } catch (const peal::store_error& e) {
        INFO(e.what());
        full = e.code() == store_errc::no_space;
        REQUIRE(full);
      }
    }
    const auto range = s.range("shop.orders");
    CHECK(range.next == kept);
    CHECK(range.next - range.first > 20);
    CHECK(count(s) == range.next - range.first);
    CHECK(s.trim("shop.orders", kept - 1) == range.next - range.first - 1);
    CHECK(count(s) == 1);
  }
  CHECK(std::filesystem::file_size(place.path()) < (1U << 21));
}

TEST_CASE("lmdb: a payload that rotted on the disk is an error that names its position", "[adapters][lmdb][P34]") {
  lmdb_place place;
  {
    const auto s = place.open();
    for (std::uint64_t i = 0; i < 50; ++i) append(*s, i, "needle " + std::to_string(i) + std::string(100, 'x'));
  }
  std::string bytes;
  {
    std::ifstream in{place.path(), std::ios::binary};
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  // Every copy of the page that is in the file: the old ones are free.
  for (auto at = bytes.find("needle 30"); at != std::string::npos; at = bytes.find("needle 30", at + 1)) {
    bytes[at + 20] = static_cast<char>(bytes[at + 20] ^ 4);
  }
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
  CHECK(s->read("shop.orders", 31, 100, [&](const peal::stored_event&) { ++seen; }) == 50);
}

TEST_CASE("lmdb: a reader in the process that writes is refused, since LMDB's locks are the process's",
          "[adapters][lmdb]") {
  lmdb_place place;
  auto s = place.open();
  append(*s, 0);
  const auto [code, what] = refused(place.path(), {.mode = open_mode::read});
  CHECK(code == store_errc::locked);
  CHECK_THAT(what, peal_test::contains_text("this process has it open"));
  s.reset();
  CHECK(count(*place.open_for_reading()) == 1);
}

TEST_CASE("lmdb: more topics than it was told of are refused, and nothing else of the batch is kept",
          "[adapters][lmdb]") {
  lmdb_place place;
  peal::lmdb::store s{place.path(), {.max_topics = 2}};
  int kept = 0;
  for (bool full = false; !full; ++kept) {
    store_batch b;
    const std::string topic = "topic." + std::to_string(kept);
    b.events = {event(0, "x")};
    b.events[0].topic = topic;
    b.cursors = {{"billing", topic, 1}};
    try {
      s.commit(b);
    } catch (const peal::store_error& e) {
      CHECK(e.code() == store_errc::too_large);
      full = true;
    }
    REQUIRE(kept < 20);
  }
  int cursors = 0;
  s.cursors([&](const peal::stored_cursor&) { ++cursors; });
  CHECK(cursors == kept - 1);
}
