// SPDX-License-Identifier: MIT
// A ledger in tables of its own, in the file that the events are in, as SQL people have it.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include <peal/adapters/sqlite/sqlite_store.hpp>

#include "ledger.hpp"

namespace order_flow {

/// What was done is a sum that grows: done twice it would be wrong. It grows in one transaction with the entry that
/// says so, and only when that is new.
/// Errors: store_error; std::runtime_error with SQLite's text.
/// Example: `sqlite3 shop.db "select * from shop_sums"`
class sqlite_ledger final : public ledger {
 public:
  explicit sqlite_ledger(peal::sqlite::store& kept) : kept_{kept} {
    auto t = kept_.transaction();
    statement{t.handle(),
              "create table if not exists shop_entries (account text, order_id text, amount integer not null, "
              "primary key (account, order_id)) without rowid"}
        .run();
    statement{t.handle(),
              "create table if not exists shop_sums (account text, country text, entries integer not null, amount "
              "integer not null, primary key (account, country)) without rowid"}
        .run();
    t.commit({});
  }

  bool has(account where, std::string_view order_id) const override {
    auto t = kept_.transaction();
    statement s{t.handle(), "select 1 from shop_entries where account = ? and order_id = ?"};
    return s.bind(name_of(where)).bind(order_id).next();
  }
  account_sums sums(account where) const override {
    auto t = kept_.transaction();
    statement s{t.handle(), "select country, entries, amount from shop_sums where account = ?"};
    s.bind(name_of(where));
    account_sums result;
    while (s.next()) {
      result.entries += s.number(1);
      result.amounts[s.text(0)] += s.number(2);
    }
    return result;
  }
  std::int64_t in_both(account one, account other) const override {
    auto t = kept_.transaction();
    statement s{t.handle(),
                "select count(*) from shop_entries a join shop_entries b using (order_id) where a.account = ? and "
                "b.account = ?"};
    s.bind(name_of(one)).bind(name_of(other)).next();
    return s.number(0);
  }
  std::int64_t duplicated() const override {
    auto t = kept_.transaction();
    statement s{t.handle(),
                "select coalesce(sum(entries), 0) - (select count(*) from shop_entries), coalesce(sum(amount), 0) - "
                "(select coalesce(sum(amount), 0) from shop_entries) from shop_sums"};
    s.next();
    return s.number(0) != 0 ? s.number(0) : s.number(1) != 0 ? 1 : 0;
  }

 private:
  /// As much of SQLite as a ledger needs.
  class statement {
   public:
    statement(::sqlite3* db, const char* sql) : db_{db} {
      if (::sqlite3_prepare_v2(db, sql, -1, &it_, nullptr) != SQLITE_OK) fail();
    }
    statement(const statement&) = delete;
    statement& operator=(const statement&) = delete;
    ~statement() { ::sqlite3_finalize(it_); }

    statement& bind(std::string_view text) {
      const auto size = static_cast<int>(text.size());
      if (::sqlite3_bind_text(it_, ++bound_, text.empty() ? "" : text.data(), size, SQLITE_TRANSIENT) != SQLITE_OK)
        fail();
      return *this;
    }
    statement& bind(std::int64_t number) {
      if (::sqlite3_bind_int64(it_, ++bound_, number) != SQLITE_OK) fail();
      return *this;
    }
    bool next() {
      const int result = ::sqlite3_step(it_);
      if (result != SQLITE_ROW && result != SQLITE_DONE) fail();
      return result == SQLITE_ROW;
    }
    void run() { (void)next(); }
    std::int64_t number(int column) { return ::sqlite3_column_int64(it_, column); }
    std::string text(int column) {
      return reinterpret_cast<const char*>(::sqlite3_column_text(it_, column));  // NOLINT: SQLite's own type for text
    }

   private:
    [[noreturn]] void fail() const { throw std::runtime_error(std::string{"ledger: "} + ::sqlite3_errmsg(db_)); }

    ::sqlite3* db_;
    ::sqlite3_stmt* it_ = nullptr;
    int bound_ = 0;
  };

  bool write(const entry& one) override {
    auto t = kept_.transaction();  // ends with this function, and undoes what was not committed
    statement{t.handle(), "insert or ignore into shop_entries values (?, ?, ?)"}
        .bind(name_of(one.where))
        .bind(one.order_id)
        .bind(one.amount)
        .run();
    if (::sqlite3_changes(t.handle()) == 0) return false;
    statement{t.handle(),
              "insert into shop_sums values (?, ?, 1, ?) on conflict (account, country) do update set entries = "
              "entries + 1, amount = amount + excluded.amount"}
        .bind(name_of(one.where))
        .bind(one.country)
        .bind(one.amount)
        .run();
    t.commit({});
    return true;
  }

  peal::sqlite::store& kept_;
};

}  // namespace order_flow
