// SPDX-License-Identifier: MIT
// One connection to a database file, set up as a store needs it.
#pragma once

#include <peal/adapters/sqlite/detail/schema.hpp>
#include <peal/adapters/sqlite/options.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#ifndef _WIN32
#include <unistd.h>
#endif

namespace peal::inline v0::sqlite::detail {

inline long this_process() noexcept {
#ifdef _WIN32
  return 0;
#else
  return ::getpid();
#endif
}

/// Opens, checks, closes, and takes care of the write-ahead log.
///
/// Thread safety: one thread at a time.
class connection {
 public:
  connection(const std::string& path, const options& o) : process_{this_process()} {
    const bool writes = o.mode == open_mode::write;
    const int flags = writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    const int result = ::sqlite3_open_v2(path.c_str(), &db_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    try {
      check(db_, result);
      if (::sqlite3_threadsafe() == 0) throw sqlite_failure{SQLITE_MISUSE, "this SQLite was built without threads"};
      check(db_, ::sqlite3_extended_result_codes(db_, 1));
      check(db_, ::sqlite3_busy_timeout(db_, 5'000));
      set_up(path, o, writes);
    } catch (const sqlite_failure& f) {
      close();
      f.rethrow(path, writes ? "open for writing" : "open for reading");
    } catch (...) {
      close();
      throw;
    }
  }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection() { close(); }

  [[nodiscard]] ::sqlite3* get() const noexcept { return db_; }
  /// Rows that the last statement changed.
  [[nodiscard]] std::uint64_t changes() const noexcept { return static_cast<std::uint64_t>(::sqlite3_changes(db_)); }

  /// Moves the log into the database once it is long. What cannot be moved now stays in the log and is read there, so
  /// that only a sync that failed says anything.
  void tidy_log() {
    if (log_pages_ < log_limit_) return;
    log_pages_ = 0;
    const int result = ::sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    if ((result & 0xff) == SQLITE_IOERR) check(db_, result);
  }

 private:
  void set_up(const std::string& path, const options& o, bool writes) {
    if (writes) {
      if (number_of(db_, "pragma page_count") == 0) set("page_size", o.page_bytes);
      make_or_check(db_, path, true);
      execute(db_, "pragma journal_mode = wal");
      execute(db_, o.durability == sync::full ? "pragma synchronous = full" : "pragma synchronous = normal");
      execute(db_, "pragma fullfsync = 1; pragma checkpoint_fullfsync = 1");  // for macOS, where fsync is not enough
      if (o.max_bytes != 0) set("max_page_count", o.max_bytes / static_cast<std::uint64_t>(page_bytes()));
      ::sqlite3_wal_hook(db_, &connection::on_log, this);
    } else {
      make_or_check(db_, path, false);
    }
    set("cache_size", -static_cast<std::int64_t>(o.cache_bytes / 1'024));
  }
  template <class N>
  void set(const char* name, N value) {
    execute(db_, (std::string("pragma ") + name + " = " + std::to_string(value)).c_str());
  }
  std::int64_t page_bytes() { return number_of(db_, "pragma page_size"); }

  static int on_log(void* self, ::sqlite3*, const char*, int pages) {
    static_cast<connection*>(self)->log_pages_ = pages;
    return SQLITE_OK;
  }

  void close() noexcept {
    // In a forked child the file is the parent's: closing it there would let go of the parent's locks' bookkeeping.
    if (process_ == this_process()) ::sqlite3_close_v2(db_);
    db_ = nullptr;
  }

  static constexpr int log_limit_ = 1'000;  // pages

  ::sqlite3* db_ = nullptr;
  int log_pages_ = 0;
  long process_;
};

}  // namespace peal::inline v0::sqlite::detail
