// SPDX-License-Identifier: MIT
// LMDB's environment and transactions as objects, and its errors as store_error.
#pragma once

#include <peal/adapters/lmdb/options.hpp>
#include <peal/store/file_lock.hpp>
#include <peal/store/store_error.hpp>

#include <lmdb.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peal::inline v0::lmdb::detail {

inline store_errc code_of(int result) noexcept {
  switch (result) {
    case MDB_MAP_FULL:
    case ENOSPC: return store_errc::no_space;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND: return store_errc::corrupt;
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH: return store_errc::not_a_store;
    case MDB_PANIC: return store_errc::poisoned;
    case MDB_BAD_VALSIZE:
    case MDB_DBS_FULL: return store_errc::too_large;
    default: return store_errc::io;
  }
}

/// Databases beside those of the topics.
inline constexpr unsigned tables_count = 12;

/// What LMDB said, kept by the layer that knows what was being done.
struct lmdb_failure {
  int code;

  [[noreturn]] void rethrow(std::string_view place, std::string_view doing) const {
    if (code == ENOMEM) throw std::bad_alloc();
    throw store_error(code_of(code), place, doing, ::mdb_strerror(code));
  }
};

inline void check(int result) {
  if (result != 0) throw lmdb_failure{result};
}
/// False: it is not there.
inline bool found(int result) {
  if (result != MDB_NOTFOUND) check(result);
  return result == 0;
}

/// A transaction: rolled back where it is not committed.
class transaction {
 public:
  transaction(::MDB_env* env, unsigned flags) { check(::mdb_txn_begin(env, nullptr, flags, &txn_)); }
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;
  ~transaction() {
    if (txn_ != nullptr) ::mdb_txn_abort(txn_);
  }
  void commit() { check(::mdb_txn_commit(std::exchange(txn_, nullptr))); }
  [[nodiscard]] ::MDB_txn* get() const noexcept { return txn_; }

 private:
  ::MDB_txn* txn_ = nullptr;
};

/// The environment, and its read transactions that wait to be used again.
///
/// Thread safety: every call from any thread.
class environment {
 public:
  environment(const std::string& path, const options& o) : process_{this_process()} {
    try {
      check(::mdb_env_create(&env_));
      check(::mdb_env_set_maxdbs(env_, o.max_topics + tables_count));
      check(::mdb_env_set_maxreaders(env_, o.max_readers));
      unsigned flags = MDB_NOSUBDIR | MDB_NOTLS;
      if (o.mode == open_mode::read) flags |= MDB_RDONLY;
      if (o.durability == sync::os) flags |= MDB_NOSYNC;
      // Room beyond the limit lets a full store remove something.
      if (o.mode == open_mode::write) check(::mdb_env_set_mapsize(env_, o.max_bytes + o.max_bytes / 8 + (1U << 20)));
      check(::mdb_env_open(env_, path.c_str(), flags, 0664));
      int dead = 0;
      check(::mdb_reader_check(env_, &dead));  // readers that were killed hold pages
    } catch (const lmdb_failure& f) {
      close();
      f.rethrow(path, o.mode == open_mode::read ? "open for reading" : "open for writing");
    }
  }
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;
  ~environment() { close(); }

  [[nodiscard]] ::MDB_env* get() const noexcept { return env_; }

  ::MDB_txn* begin_reading() {
    ::MDB_txn* txn = nullptr;
    {
      const std::lock_guard hold{mutex_};
      if (!idle_.empty()) {
        txn = idle_.back();
        idle_.pop_back();
      }
    }
    if (txn == nullptr) {
      check(::mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn));
    } else if (const int result = ::mdb_txn_renew(txn); result != 0) {
      ::mdb_txn_abort(txn);
      throw lmdb_failure{result};
    }
    return txn;
  }
  void end_reading(::MDB_txn* txn) noexcept {
    ::mdb_txn_reset(txn);
    const std::lock_guard hold{mutex_};
    if (idle_.size() < idle_.capacity()) {
      idle_.push_back(txn);
    } else {
      ::mdb_txn_abort(txn);
    }
  }

 private:
  static long this_process() noexcept {
#ifdef _WIN32
    return 0;
#else
    return ::getpid();
#endif
  }
  void close() noexcept {
    // A forked child would take the parent's readers out of the table that all processes share.
    if (env_ != nullptr && process_ == this_process()) {
      for (::MDB_txn* t : idle_) ::mdb_txn_abort(t);
      ::mdb_env_close(env_);
    }
    env_ = nullptr;
  }

  ::MDB_env* env_ = nullptr;
  std::mutex mutex_;
  std::vector<::MDB_txn*> idle_ = with_room(16);
  long process_;

  static std::vector<::MDB_txn*> with_room(std::size_t n) {
    std::vector<::MDB_txn*> v;
    v.reserve(n);
    return v;
  }
};

/// One look at the store: what it shows stays as it was, and where it is, until it ends.
class snapshot {
 public:
  explicit snapshot(environment& e) : e_{&e}, txn_{e.begin_reading()} {}
  snapshot(const snapshot&) = delete;
  snapshot& operator=(const snapshot&) = delete;
  ~snapshot() { e_->end_reading(txn_); }
  [[nodiscard]] ::MDB_txn* get() const noexcept { return txn_; }

 private:
  environment* e_;
  ::MDB_txn* txn_;
};

class cursor {
 public:
  cursor(::MDB_txn* txn, ::MDB_dbi dbi) { check(::mdb_cursor_open(txn, dbi, &cursor_)); }
  cursor(const cursor&) = delete;
  cursor& operator=(const cursor&) = delete;
  ~cursor() { ::mdb_cursor_close(cursor_); }

  /// Goes to `key` or the next above it; false: there is none.
  bool seek(std::string_view wanted) {
    key_ = {wanted.size(), const_cast<char*>(wanted.data())};
    return found(::mdb_cursor_get(cursor_, &key_, &value_, MDB_SET_RANGE));
  }
  bool first() { return found(::mdb_cursor_get(cursor_, &key_, &value_, MDB_FIRST)); }
  bool next() { return found(::mdb_cursor_get(cursor_, &key_, &value_, MDB_NEXT)); }
  void remove() { check(::mdb_cursor_del(cursor_, 0)); }

  /// A hint that all of the next record will be read. A page is filled from its end, so it lies right below this one, which
  /// is not where a processor looks ahead by itself: without it a replay takes three times as long.
  void expect_next() const noexcept {
#if defined(__GNUC__) || defined(__clang__)
    constexpr std::size_t line = 64;
    constexpr std::size_t beside_a_value = 16;  // the key and the head of its node
    const std::size_t size = value_.mv_size + beside_a_value;
    if (size > 1024) return;  // few in a page, or on pages of their own
    const char* const next = static_cast<const char*>(value_.mv_data) - size;
    for (std::size_t i = 0; i < size; i += line) __builtin_prefetch(next + i);
#endif
  }

  [[nodiscard]] std::string_view key() const noexcept { return {static_cast<const char*>(key_.mv_data), key_.mv_size}; }
  [[nodiscard]] std::string_view value() const noexcept {
    return {static_cast<const char*>(value_.mv_data), value_.mv_size};
  }

 private:
  ::MDB_cursor* cursor_ = nullptr;
  ::MDB_val key_{};
  ::MDB_val value_{};
};

/// The value of a key; its data is null when there is none.
inline std::string_view get(::MDB_txn* txn, ::MDB_dbi dbi, std::string_view key) {
  ::MDB_val k{key.size(), const_cast<char*>(key.data())};
  ::MDB_val v{};
  if (!found(::mdb_get(txn, dbi, &k, &v))) return {};
  return {static_cast<const char*>(v.mv_data), v.mv_size};
}
inline void put(::MDB_txn* txn, ::MDB_dbi dbi, std::string_view key, std::string_view value) {
  ::MDB_val k{key.size(), const_cast<char*>(key.data())};
  ::MDB_val v{value.size(), const_cast<char*>(value.data())};
  check(::mdb_put(txn, dbi, &k, &v, 0));
}
/// Room for a value, to be written at once.
inline char* put_room(::MDB_txn* txn, ::MDB_dbi dbi, std::string_view key, std::size_t size) {
  ::MDB_val k{key.size(), const_cast<char*>(key.data())};
  ::MDB_val v{size, nullptr};
  check(::mdb_put(txn, dbi, &k, &v, MDB_RESERVE));
  return static_cast<char*>(v.mv_data);
}
inline bool remove(::MDB_txn* txn, ::MDB_dbi dbi, std::string_view key) {
  ::MDB_val k{key.size(), const_cast<char*>(key.data())};
  return found(::mdb_del(txn, dbi, &k, nullptr));
}

}  // namespace peal::inline v0::lmdb::detail
