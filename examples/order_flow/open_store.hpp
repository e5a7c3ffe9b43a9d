// SPDX-License-Identifier: MIT
// The store that the user asks for, with its ledger, among those that this program was built with.
#pragma once

#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <peal/store/store.hpp>

#include "ledger.hpp"
#include "options.hpp"
#if ORDER_FLOW_HAS_SQLITE
#include "sqlite_ledger.hpp"
#endif
#if ORDER_FLOW_HAS_LMDB
#include <peal/adapters/lmdb/lmdb_store.hpp>

#include "stream_ledger.hpp"
#endif

namespace order_flow {

struct opened_store {
  std::unique_ptr<peal::store> kept;
  std::unique_ptr<ledger> entries;  ///< in it
};

/// Without a word about the kind it is what the file says, and for a new one SQLite where that is built.
inline store_kind kind_of(const options& chosen) {
  constexpr std::string_view sqlite_begins = "SQLite format 3";
  if (chosen.kind) return *chosen.kind;
  if (std::ifstream in{*chosen.store, std::ios::binary}) {
    std::string begin(sqlite_begins.size(), ' ');
    if (in.read(begin.data(), static_cast<std::streamsize>(begin.size()))) {
      return begin == sqlite_begins ? store_kind::sqlite : store_kind::lmdb;
    }
  }
#if ORDER_FLOW_HAS_LMDB && !ORDER_FLOW_HAS_SQLITE
  return store_kind::lmdb;
#else
  return store_kind::sqlite;
#endif
}

/// Errors: usage_error when it is not built in; store_error.
inline opened_store open_store(const options& chosen) {
  if (kind_of(chosen) == store_kind::sqlite) {
#if ORDER_FLOW_HAS_SQLITE
    auto kept = std::make_unique<peal::sqlite::store>(*chosen.store, peal::sqlite::options{.durability = chosen.sync});
    auto entries = std::make_unique<sqlite_ledger>(*kept);
    return {std::move(kept), std::move(entries)};
#else
    throw usage_error("this order_flow was built without SQLite (Debian: libsqlite3-dev)");
#endif
  }
#if ORDER_FLOW_HAS_LMDB
  auto kept = std::make_unique<peal::lmdb::store>(*chosen.store, peal::lmdb::options{.durability = chosen.sync});
  auto entries = std::make_unique<stream_ledger>(*kept);
  return {std::move(kept), std::move(entries)};
#else
  throw usage_error("this order_flow was built without LMDB (Debian: liblmdb-dev)");
#endif
}

}  // namespace order_flow
