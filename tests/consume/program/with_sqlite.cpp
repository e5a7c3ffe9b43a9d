// SPDX-License-Identifier: MIT
// A user's program with a store in SQLite.
#include <peal/adapters/sqlite/sqlite_store.hpp>

#include <cstdio>

int main() {
  peal::sqlite::store kept{"consumer.db"};
  peal::store_batch batch;
  batch.cursors = {{"billing", "shop.orders", 1}};
  kept.commit(batch);
  kept.cursors([](const peal::stored_cursor& c) { std::printf("%d\n", static_cast<int>(c.position)); });
}
