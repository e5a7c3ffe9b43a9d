// SPDX-License-Identifier: MIT
// SQLite's statements with C++ types, and its errors as store_error.
#pragma once

#include <peal/store/store.hpp>

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace peal::inline v0::sqlite::detail {

/// The code of ours for one of SQLite's.
inline store_errc code_of(int result) noexcept {
  switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return store_errc::locked;
    case SQLITE_FULL: return store_errc::no_space;
    case SQLITE_CORRUPT: return store_errc::corrupt;
    case SQLITE_NOTADB: return store_errc::not_a_store;
    case SQLITE_READONLY: return store_errc::read_only;
    case SQLITE_TOOBIG: return store_errc::too_large;
    default: return store_errc::io;
  }
}

/// What SQLite said, kept by the layer that knows what was being done.
struct sqlite_failure {
  int code;
  std::string text;

  [[noreturn]] void rethrow(std::string_view place, std::string_view doing) const {
    if ((code & 0xff) == SQLITE_NOMEM) throw std::bad_alloc();
    throw store_error(code_of(code), place, doing, text);
  }
};

/// Never returns for a result that is an error.
inline void check(::sqlite3* db, int result) {
  if (result == SQLITE_OK || result == SQLITE_ROW || result == SQLITE_DONE) return;
  throw sqlite_failure{result, db == nullptr ? ::sqlite3_errstr(result) : ::sqlite3_errmsg(db)};
}

inline void execute(::sqlite3* db, const char* sql) { check(db, ::sqlite3_exec(db, sql, nullptr, nullptr, nullptr)); }

/// A prepared statement.
///
/// Thread safety: the connection's.
class statement {
 public:
  statement() = default;
  statement(::sqlite3* db, std::string_view sql) : db_{db} {
    check(db, ::sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &prepared_,
                                   nullptr));
    set_.resize(static_cast<std::size_t>(::sqlite3_bind_parameter_count(prepared_)) + 1);
  }
  statement(statement&& other) noexcept
      : db_{other.db_},
        prepared_{std::exchange(other.prepared_, nullptr)},
        set_{std::move(other.set_)},
        next_{other.next_} {}
  statement& operator=(statement&& other) noexcept {
    std::swap(db_, other.db_);
    std::swap(prepared_, other.prepared_);
    std::swap(set_, other.set_);
    std::swap(next_, other.next_);
    return *this;
  }
  ~statement() { ::sqlite3_finalize(prepared_); }

  statement& operator<<(std::int64_t value) {
    check(db_, ::sqlite3_bind_int64(prepared_, place(), value));
    return *this;
  }
  statement& operator<<(std::uint64_t value) { return *this << static_cast<std::int64_t>(value); }
  statement& operator<<(std::uint32_t value) { return *this << static_cast<std::int64_t>(value); }
  statement& operator<<(std::nullptr_t) {
    if (std::exchange(set_[static_cast<std::size_t>(next_)], '\0') != '\0') {
      check(db_, ::sqlite3_bind_null(prepared_, next_));
    }
    ++next_;
    return *this;
  }
  /// What the text and the bytes name must stay until run() or reset().
  statement& operator<<(std::string_view text) {
    const char* const data = text.data() == nullptr ? "" : text.data();
    check(db_, ::sqlite3_bind_text64(prepared_, place(), data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
    return *this;
  }
  statement& operator<<(byte_view bytes) {
    if (bytes.empty()) {
      check(db_, ::sqlite3_bind_zeroblob(prepared_, place(), 0));
    } else {
      check(db_, ::sqlite3_bind_blob64(prepared_, place(), bytes.data(), bytes.size(), SQLITE_STATIC));
    }
    return *this;
  }

  /// Goes to the next row; false: there is none.
  bool step() {
    const int result = ::sqlite3_step(prepared_);
    if (result == SQLITE_ROW) return true;
    check(db_, result);
    return false;
  }
  /// Ready for the next values. Errors were told by step.
  void reset() noexcept {
    ::sqlite3_reset(prepared_);
    next_ = 1;
  }
  /// Runs what gives no rows, and is ready for the next values.
  void run() {
    (void)step();
    reset();
  }
  /// The only number that it gives, or `otherwise`.
  std::int64_t number(std::int64_t otherwise = 0) {
    const std::int64_t n = step() ? integer(0) : otherwise;
    reset();
    return n;
  }

  [[nodiscard]] std::int64_t integer(int column) const noexcept { return ::sqlite3_column_int64(prepared_, column); }
  [[nodiscard]] std::uint64_t natural(int column) const noexcept { return static_cast<std::uint64_t>(integer(column)); }
  [[nodiscard]] bool is_null(int column) const noexcept {
    return ::sqlite3_column_type(prepared_, column) == SQLITE_NULL;
  }
  /// Of a text or of bytes; valid until the next step or reset.
  [[nodiscard]] std::string_view bytes(int column) const {
    const void* const data = ::sqlite3_column_blob(prepared_, column);
    const int size = ::sqlite3_column_bytes(prepared_, column);
    if (data == nullptr && size != 0) throw std::bad_alloc();
    return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
  }

 private:
  /// Of the next value, which is not null.
  int place() noexcept {
    set_[static_cast<std::size_t>(next_)] = 1;
    return next_++;
  }

  ::sqlite3* db_ = nullptr;
  ::sqlite3_stmt* prepared_ = nullptr;
  std::string set_{};  // by parameter; what is null stays so without being bound again
  int next_ = 1;
};

/// Resets a statement however its scope ends.
class resetting {
 public:
  explicit resetting(statement& s) noexcept : s_{&s} {}
  resetting(const resetting&) = delete;
  resetting& operator=(const resetting&) = delete;
  ~resetting() { s_->reset(); }

 private:
  statement* s_;
};

}  // namespace peal::inline v0::sqlite::detail
