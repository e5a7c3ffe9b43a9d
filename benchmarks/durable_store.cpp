// SPDX-License-Identifier: MIT
// What does a store cost beside the library that it is made of, and how fast do events come back?
//
//   batch of 1,000 events of 200 bytes ──▶ store.commit ──▶ synced
//   store.read ──▶ visitor
//
// The bare rows do by hand what the library offers: one table, or one database, of a position and 200 bytes, prepared
// statements or appending puts, 1,000 a transaction, synced, all in one thread. A store keeps besides whose event it is, its
// type, time, correlation, and a checksum that is compared when it is read.
// Checked: what was read back, by number and content.
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "support/drive.hpp"
#include "support/folder.hpp"
#include "topologies.hpp"

#ifdef PEAL_BENCH_HAS_SQLITE
#include <peal/adapters/sqlite/sqlite_store.hpp>
#endif
#ifdef PEAL_BENCH_HAS_LMDB
#include <peal/adapters/lmdb/lmdb_store.hpp>
#endif

namespace bench {
namespace {

constexpr std::uint64_t in_batch = 1'000;
constexpr std::uint64_t replayed = 100'000;
using payload_type = std::array<char, 200>;

payload_type payload_of(std::uint64_t position) {
  payload_type p;
  p.fill('x');
  std::memcpy(p.data(), &position, sizeof position);
  return p;
}

/// Reads everything as often as `n` events ask for; `round` gives each payload to what it is called with.
template <class Round>
[[maybe_unused]] double replay_time(std::uint64_t n, Round round) {
  double seconds = 0;
  std::uint64_t rounds = 0;
  for (; rounds * replayed < n; ++rounds) {
    std::uint64_t right = 0;
    std::uint64_t seen = 0;
    const auto start = clock::now();
    round([&](const void* payload, std::size_t size) {
      right += size == sizeof(payload_type) && std::memcmp(payload, &seen, sizeof seen) == 0 ? 1U : 0U;
      ++seen;
    });
    seconds += seconds_since(start);
    if (seen != replayed || right != replayed) {
      throw wrong_result("read " + std::to_string(seen) + " events, not all right");
    }
  }
  return seconds * static_cast<double>(n) / static_cast<double>(rounds * replayed);
}

/// Through peal.
template <class Store>
class through {
 public:
  double commit(std::uint64_t n) {
    std::vector<payload_type> payloads(in_batch, payload_of(0));
    peal::store_batch batch;
    const auto start = clock::now();
    for (std::uint64_t left = n; left != 0;) {
      const std::uint64_t some = std::min(left, in_batch);
      batch.events.clear();
      for (std::uint64_t i = 0; i < some; ++i) {
        std::memcpy(payloads[i].data(), &next_, sizeof next_);
        peal::stored_event e;
        e.topic = "shop.orders";
        e.position = next_;
        e.name = "shop.order.placed";
        e.id = e.correlation = {0x1122334455667788U, next_++};
        e.published = 1'700'000'000'000'000'000;
        e.payload = std::as_bytes(std::span{payloads[i]});
        batch.events.push_back(e);
      }
      store_.commit(batch);
      left -= some;
    }
    return seconds_since(start);
  }

  double replay(std::uint64_t n) {
    if (next_ < replayed) commit(replayed - next_);
    return replay_time(n, [this](auto show) {
      store_.read("shop.orders", 0, replayed,
                  [&](const peal::stored_event& e) { show(e.payload.data(), e.payload.size()); });
    });
  }

 private:
  folder folder_;
  Store store_{folder_.file()};
  std::uint64_t next_ = 0;
};

#ifdef PEAL_BENCH_HAS_SQLITE
class bare_sqlite {
 public:
  bare_sqlite() {
    ::sqlite3_open(folder_.file().c_str(), &db_);
    run("pragma journal_mode = wal");
    run("pragma synchronous = full");
    run("create table events (position integer primary key, payload blob not null)");
    ::sqlite3_prepare_v2(db_, "insert into events values (?, ?)", -1, &insert_, nullptr);
    ::sqlite3_prepare_v2(db_, "select position, payload from events where position >= 0 order by position limit 100000",
                         -1, &select_, nullptr);
  }
  bare_sqlite(const bare_sqlite&) = delete;
  bare_sqlite& operator=(const bare_sqlite&) = delete;
  ~bare_sqlite() {
    ::sqlite3_finalize(insert_);
    ::sqlite3_finalize(select_);
    ::sqlite3_close(db_);
  }

  double commit(std::uint64_t n) {
    payload_type payload = payload_of(0);
    const auto start = clock::now();
    for (std::uint64_t left = n; left != 0;) {
      const std::uint64_t some = std::min(left, in_batch);
      run("begin immediate");
      for (std::uint64_t i = 0; i < some; ++i, ++next_) {
        std::memcpy(payload.data(), &next_, sizeof next_);
        ::sqlite3_bind_int64(insert_, 1, static_cast<std::int64_t>(next_));
        ::sqlite3_bind_blob(insert_, 2, payload.data(), static_cast<int>(payload.size()), SQLITE_STATIC);
        if (::sqlite3_step(insert_) != SQLITE_DONE) throw wrong_result(::sqlite3_errmsg(db_));
        ::sqlite3_reset(insert_);
      }
      run("commit");
      left -= some;
    }
    return seconds_since(start);
  }

  double replay(std::uint64_t n) {
    if (next_ < replayed) commit(replayed - next_);
    return replay_time(n, [this](auto show) {
      while (::sqlite3_step(select_) == SQLITE_ROW) {
        const void* const payload = ::sqlite3_column_blob(select_, 1);
        show(payload, static_cast<std::size_t>(::sqlite3_column_bytes(select_, 1)));
      }
      ::sqlite3_reset(select_);
    });
  }

 private:
  void run(const char* sql) {
    if (::sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) throw wrong_result(::sqlite3_errmsg(db_));
  }
  folder folder_;
  ::sqlite3* db_ = nullptr;
  ::sqlite3_stmt* insert_ = nullptr;
  ::sqlite3_stmt* select_ = nullptr;
  std::uint64_t next_ = 0;
};
#endif

#ifdef PEAL_BENCH_HAS_LMDB
class bare_lmdb {
 public:
  bare_lmdb() {
    run(::mdb_env_create(&env_));
    run(::mdb_env_set_mapsize(env_, std::size_t{8} << 30));
    run(::mdb_env_open(env_, folder_.file().c_str(), MDB_NOSUBDIR, 0664));
    ::MDB_txn* txn = nullptr;
    run(::mdb_txn_begin(env_, nullptr, 0, &txn));
    run(::mdb_dbi_open(txn, nullptr, MDB_INTEGERKEY, &events_));
    run(::mdb_txn_commit(txn));
  }
  bare_lmdb(const bare_lmdb&) = delete;
  bare_lmdb& operator=(const bare_lmdb&) = delete;
  ~bare_lmdb() { ::mdb_env_close(env_); }

  double commit(std::uint64_t n) {
    payload_type payload = payload_of(0);
    const auto start = clock::now();
    for (std::uint64_t left = n; left != 0;) {
      const std::uint64_t some = std::min(left, in_batch);
      ::MDB_txn* txn = nullptr;
      run(::mdb_txn_begin(env_, nullptr, 0, &txn));
      for (std::uint64_t i = 0; i < some; ++i, ++next_) {
        std::memcpy(payload.data(), &next_, sizeof next_);
        ::MDB_val key{sizeof next_, &next_};
        ::MDB_val value{payload.size(), payload.data()};
        run(::mdb_put(txn, events_, &key, &value, MDB_APPEND));
      }
      run(::mdb_txn_commit(txn));
      left -= some;
    }
    return seconds_since(start);
  }

  double replay(std::uint64_t n) {
    if (next_ < replayed) commit(replayed - next_);
    return replay_time(n, [this](auto show) {
      ::MDB_txn* txn = nullptr;
      ::MDB_cursor* at = nullptr;
      run(::mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn));
      run(::mdb_cursor_open(txn, events_, &at));
      ::MDB_val key{};
      ::MDB_val value{};
      for (std::uint64_t i = 0; i < replayed && ::mdb_cursor_get(at, &key, &value, MDB_NEXT) == 0; ++i) {
        show(value.mv_data, value.mv_size);
      }
      ::mdb_cursor_close(at);
      ::mdb_txn_abort(txn);
    });
  }

 private:
  static void run(int result) {
    if (result != 0) throw wrong_result(::mdb_strerror(result));
  }
  folder folder_;
  ::MDB_env* env_ = nullptr;
  ::MDB_dbi events_{};
  std::uint64_t next_ = 0;
};
#endif

/// Two cases of one kind of store, which lives as long as they do.
template <class Kind>
[[maybe_unused]] void enter(table& t, const std::string& row) {
  const auto commits = std::make_shared<std::unique_ptr<Kind>>();
  const auto in = [](const std::shared_ptr<std::unique_ptr<Kind>>& kept) -> Kind& {
    if (*kept == nullptr) *kept = std::make_unique<Kind>();  // not before it is measured
    return **kept;
  };
  t.time(row, "commit", [commits, in](std::uint64_t n) { return in(commits).commit(n); });
  const auto replays = std::make_shared<std::unique_ptr<Kind>>();
  t.time(row, "replay", [replays, in](std::uint64_t n) { return in(replays).replay(n); });
}

[[maybe_unused]] void require(suite& s, const table& t, const std::string& store, double replay_goal) {
  s.require("durable_store " + store + " commit", ">= 0.8x bare " + store, [&t, store]() -> std::optional<judged> {
    const auto ours = t.at("peal " + store, "commit");
    const auto bare = t.at("bare " + store, "commit");
    if (!ours || !bare) return std::nullopt;
    const double ratio = ours->median / bare->median;
    return judged{said(ratio) + "x", ratio >= 0.8};
  });
  s.require("durable_store " + store + " replay", ">= " + said(replay_goal) + " M/s",
            [&t, store, replay_goal]() -> std::optional<judged> {
              const auto ours = t.at("peal " + store, "replay");
              if (!ours) return std::nullopt;
              return judged{said(ours->median) + " M/s", ours->median >= replay_goal};
            });
}

}  // namespace

void durable_store(suite& s) {
#if defined(PEAL_BENCH_HAS_SQLITE) || defined(PEAL_BENCH_HAS_LMDB)
  table& t =
      s.add("durable_store", "events of 200 bytes, 1,000 a synced transaction, and back", unit::millions_per_second);
#else
  (void)s;
#endif
#ifdef PEAL_BENCH_HAS_SQLITE
  enter<through<peal::sqlite::store>>(t, "peal sqlite");
  enter<bare_sqlite>(t, "bare sqlite");
  t.describe("bare sqlite", "positions and payloads alone, no checksum");
  require(s, t, "sqlite", 1);
#endif
#ifdef PEAL_BENCH_HAS_LMDB
  enter<through<peal::lmdb::store>>(t, "peal lmdb");
  enter<bare_lmdb>(t, "bare lmdb");
  t.describe("bare lmdb", "positions and payloads alone, no checksum");
  require(s, t, "lmdb", 5);
#endif
}

}  // namespace bench
