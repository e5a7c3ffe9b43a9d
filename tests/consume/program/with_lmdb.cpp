// SPDX-License-Identifier: MIT
// A user's program with a store in LMDB.
#include <peal/adapters/lmdb/lmdb_store.hpp>

#include <cstdio>

int main() {
  peal::lmdb::store kept{"consumer.lmdb"};
  peal::store_batch batch;
  batch.cursors = {{"billing", "shop.orders", 1}};
  kept.commit(batch);
  kept.cursors([](const peal::stored_cursor& c) { std::printf("%d\n", static_cast<int>(c.position)); });
}
