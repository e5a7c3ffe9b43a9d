// SPDX-License-Identifier: MIT
// The outbox in SQLite: one's own rows and the event together or not at all, and one effect an event whatever is killed.
#include <peal/adapters/sqlite/sqlite_store.hpp>
#include <peal/pattern/outbox_relay.hpp>

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>

#include "support/catch.hpp"
#include "support/outbox_kills.hpp"
#include "support/sqlite_rows.hpp"
#include "support/temporary_folder.hpp"

namespace {

using peal_test::number;
using peal_test::sql;
using namespace std::chrono_literals;

using peal_test::order;

/// A service: its orders are rows, their events go through the outbox, and shipping keeps what it does in rows, too.
class service {
 public:
  explicit service(const std::string& path) : kept_{path, {.durability = peal::sync::os}} {
    auto t = kept_.transaction();
    sql(t.handle(), "create table if not exists orders (id integer primary key)");
    sql(t.handle(), "create table if not exists shipped (id integer primary key, deliveries integer not null)");
    t.commit({});
    shipping_ = bus_.subscribe<order>("shipping", [this](const order& o) { ship(o.id); });
    relay_.start();
  }

  /// The row and the event, in one commit.
  std::int64_t place_order() {
    auto t = kept_.transaction();
    sql(t.handle(), "insert into orders default values");
    const std::int64_t id = ::sqlite3_last_insert_rowid(t.handle());
    out_.commit(t, order{id});
    return id;
  }
  void finish() {
    while (relay_.position() != kept_.range(out_.topic()).next) std::this_thread::yield();
  }
  peal_test::order_books books() {
    const auto look = [this](const char* query) { return number(kept_.transaction().handle(), query); };
    return {.orders = look("select count(*) from orders"),
            .shipped = look("select count(*) from shipped"),
            .lost = look("select count(*) from orders where id not in (select id from shipped)"),
            .strangers = look("select count(*) from shipped where id not in (select id from orders)"),
            .twice = look("select count(*) - count(distinct id) from shipped"),
            .again = look("select sum(deliveries - 1) from shipped")};
  }

 private:
  /// The effect happens once; that its event came again is counted in the same row.
  void ship(std::int64_t id) {
    auto t = kept_.transaction();
    sql(t.handle(), "insert into shipped values (" + std::to_string(id) +
                        ", 1) on conflict (id) do update set deliveries = deliveries + 1");
    t.commit({});
  }

  peal::sqlite::store kept_;
  peal::outbox<order> out_{kept_};
  peal::bus<order> bus_{{.workers = 1}};
  peal::subscription shipping_{};
  peal::outbox_relay<peal::bus<order>, order> relay_{out_, bus_, {.window = 16, .patience = 1ms}};
};

}  // namespace

TEST_CASE("sqlite: a row and its event are kept together or not at all", "[adapters][sqlite][outbox][P32]") {
  peal_test::temporary_folder folder;
  peal::sqlite::store kept{folder.path("shop.db")};
  peal::outbox<order> out{kept};
  {
    auto t = kept.transaction();
    sql(t.handle(), "create table orders (id integer primary key)");
    t.commit({});
  }
  SECTION("both") {
    auto t = kept.transaction();
    sql(t.handle(), "insert into orders values (1)");
    CHECK(out.commit(t, order{1}) == 0);
  }
  SECTION("neither") {
    CHECK_THROWS_AS(
        [&] {
          auto t = kept.transaction();
          sql(t.handle(), "insert into orders values (1)");
          throw std::runtime_error("out of stock");
        }(),
        std::runtime_error);
  }
  const auto rows = number(kept.transaction().handle(), "select count(*) from orders");
  CHECK(kept.range("outbox").next == static_cast<std::uint64_t>(rows));
}

TEST_CASE("sqlite: killed at any moment, each order that was placed is shipped once",
          "[adapters][sqlite][outbox][P31][P32]") {
  peal_test::ships_once_whatever_is_killed<service>("sqlite");
}
