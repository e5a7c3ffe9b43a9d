// SPDX-License-Identifier: MIT
// A store in one SQLite file, which people can read with the sqlite3 shell and handlers can write to.
#pragma once

#include <peal/adapters/sqlite/detail/cleaner.hpp>
#include <peal/adapters/sqlite/detail/reader.hpp>
#include <peal/adapters/sqlite/detail/writer.hpp>
#include <peal/adapters/sqlite/options.hpp>
#include <peal/store/file_lock.hpp>
#include <peal/store/store.hpp>
#include <peal/store/topic_sizes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace peal::inline v0::sqlite {

/// Keeps events in a SQLite database of its own: one connection, a write-ahead log, a lock file beside it.
///
/// The tables begin with `peal_`; the views peal_events, peal_deadlines, peal_cursors, peal_pending, peal_keys,
/// peal_dead_letters and peal_timers are for people: `sqlite3 shop.db 'select * from peal_dead_letters'`. A program may keep tables of its own
/// in the same file and write to them in a transaction().
/// Rows have checksums, so change nothing in the tables beginning with `peal_` by hand.
/// Delivery: as `store` says; with sync::full it survives the loss of power, with sync::os kill -9 alone.
/// Errors: store_error, when it is opened `locked`, `not_a_store`, `newer_format` and `io`; when a checksum is not what was
/// written, or an event is missing, `corrupt` with its place.
/// Capacity: 32,767 topics of 2^48 events; max_bytes.
/// Thread safety: every call from any thread; they wait for each other. Visitors run without the lock.
/// Example: `peal::sqlite::store kept{"shop.db"};`
class store final : public peal::store {
 public:
  class transaction_scope;

  explicit store(std::string path, const options& o = {})
      : path_{std::move(path)},
        options_{o},
        lock_{o.mode == open_mode::write ? file_lock{path_ + ".lock", path_} : file_lock{}},
        connection_{path_, o} {
    guarded("open", [&] {
      reader_.emplace(connection_, path_);
      if (o.mode == open_mode::write) writer_.emplace(connection_, path_);
    });
  }

  void commit(const store_batch& b) override;

  /// Begins a transaction that a handler may write in and that a batch ends: both happen, or none.
  /// Errors: `poisoned`, `read_only`, `io`.
  [[nodiscard]] transaction_scope transaction();

  [[nodiscard]] topic_range range(std::string_view topic) const override {
    return locked(about("range of", topic), [&] { return reader_->range(topic); });
  }

  /// Complexity: a look at every row the first time, and whenever it is open for reading.
  [[nodiscard]] topic_size size(std::string_view topic) const override {
    return locked(about("count", topic), [&] {
      if (const topic_size* const known = sizes_.find(topic); known != nullptr) return *known;
      const topic_size all = detail::count_events(connection_.get(), topic);
      if (options_.mode == open_mode::write && !busy_) sizes_.set(topic, all);
      return all;
    });
  }

  std::uint64_t read(std::string_view topic, std::uint64_t from, std::size_t max,
                     visitor<stored_event> show) const override {
    detail::copies<stored_event> some;
    bool more = max != 0;
    while (more) {
      const std::size_t asked = std::min(max, at_once);
      locked(about("read", topic, from), [&] { more = reader_->events(topic, from, asked, some); });
      for (const stored_event& e : some.rows) {
        if (!show(e)) return e.position + 1;
      }
      max -= some.rows.size();
      more = more && max != 0;
      some.rows.clear();
      some.memory.clear();
    }
    return from;
  }

  std::uint64_t read_stream(std::string_view topic, std::string_view key, std::uint64_t from, std::size_t max,
                            visitor<stored_event> show) const override {
    std::int64_t stream = 0;
    const std::string doing = about("read a stream of", topic);
    const std::uint64_t newest = locked(doing, [&] { return reader_->newest(topic, key, stream); });
    bool more = newest != 0 && max != 0;
    while (more) {
      detail::copies<stored_event> some;
      const std::size_t asked = std::min(max, at_once);
      locked(doing, [&] { more = reader_->stream_events(topic, stream, from, asked, some); });
      for (const stored_event& e : some.rows) {
        if (!show(e)) return newest;
      }
      max -= some.rows.size();
      more = more && max != 0;
    }
    return newest;
  }

  void topics(visitor<stored_topic> s) const override {
    show(s, "list topics", [&](auto& into) { reader_->topics(into); });
  }
  void types(visitor<stored_type> s) const override {
    show(s, "list types", [&](auto& into) { reader_->types(into); });
  }
  void cursors(visitor<stored_cursor> s) const override {
    show(s, "list cursors", [&](auto& into) { reader_->cursors(into); });
  }
  void pending(std::string_view subscription, std::string_view topic, visitor<stored_pending> s) const override {
    show(s, about("list pending deliveries of", topic),
         [&](auto& into) { reader_->pending(subscription, topic, into); });
  }
  void claims(std::string_view scope, visitor<stored_claim> s) const override {
    show(s, about("list claims of", scope), [&](auto& into) { reader_->claims(scope, into); });
  }
  void letters(std::string_view topic, visitor<stored_letter> s) const override {
    std::pair<std::int64_t, std::uint64_t> behind{-1, 0};
    for (bool more = true; more;) {
      detail::copies<stored_letter> some;
      locked(about("list letters of", topic), [&] { more = reader_->letters(topic, behind, some); });
      for (const stored_letter& l : some.rows) {
        if (!s(l)) return;
      }
    }
  }
  void timers(visitor<stored_timer> s) const override {
    show(s, "list timers", [&](auto& into) { reader_->timers(into); });
  }

  std::uint64_t trim(std::string_view topic, std::uint64_t before) override {
    return changing(about("trim", topic, before), topic, [&](detail::cleaner& c) { return c.trim(topic, before); });
  }
  std::uint64_t compact(std::string_view topic, std::uint64_t before) override {
    return changing(about("compact", topic, before), topic,
                    [&](detail::cleaner& c) { return c.compact(topic, before); });
  }
  std::uint64_t forget_claims(std::string_view scope, wall_time before) override {
    return changing(about("forget claims of", scope), scope,
                    [&](detail::cleaner& c) { return c.claims(scope, before); });
  }
  void forget_subscription(std::string_view subscription) override {
    (void)changing(about("forget", subscription), subscription,
                   [&](detail::cleaner& c) { return c.subscription(subscription); });
  }

  [[nodiscard]] store_features features() const noexcept override {
    store_features f;
    f.survives_process = true;
    f.survives_power = options_.durability == sync::full;
    f.one_writer = true;
    f.reads_beside = true;
    f.transactions = true;
    return f;
  }
  [[nodiscard]] std::string_view place() const noexcept override { return path_; }

 private:
  static std::string about(std::string_view what, std::string_view whose) {
    return std::string(what).append(" ").append(whose);
  }
  static std::string about(std::string_view what, std::string_view topic, std::uint64_t position) {
    return about(what, topic) + " at " + std::to_string(position);
  }

  /// Runs `f`; what SQLite throws gets its place and what was being done.
  template <class F>
  std::invoke_result_t<F&> guarded(std::string_view doing, F f) const {
    try {
      return f();
    } catch (const detail::sqlite_failure& failure) {
      failure.rethrow(path_, doing);
    }
  }
  template <class F>
  std::invoke_result_t<F&> locked(std::string_view doing, F f) const {
    const std::lock_guard hold{mutex_};
    return guarded(doing, f);
  }
  template <class Record, class Fill>
  void show(visitor<Record> s, std::string_view doing, Fill fill) const {
    detail::copies<Record> all;
    locked(doing, [&] { fill(all); });
    for (const Record& r : all.rows) {
      if (!s(r)) return;
    }
  }

  template <class F>
  std::uint64_t changing(std::string_view doing, std::string_view whose, F f) {
    const std::lock_guard hold{mutex_};
    begin(doing);
    std::invoke_result_t<F&, detail::cleaner&> n{};
    try {
      detail::cleaner c{connection_};
      guarded(doing, [&] { n = f(c); });
    } catch (...) {
      roll_back();
      throw;
    }
    end(doing);
    if constexpr (std::is_same_v<decltype(n), topic_size>) {
      sizes_.take(whose, n);
      return n.events;
    } else {
      return n;
    }
  }

  void begin(std::string_view doing) {
    if (options_.mode == open_mode::read) throw store_error(store_errc::read_only, path_, doing);
    if (poisoned_) throw store_error(store_errc::poisoned, path_, doing);
    if (busy_) throw store_error(store_errc::locked, path_, doing, "this thread has a transaction open");
    guarded(doing, [&] { detail::execute(connection_.get(), "begin immediate"); });
    busy_ = true;
  }
  /// A sync that failed is not tried again: what the disk has is known when the file is opened the next time.
  void end(std::string_view doing) {
    try {
      detail::execute(connection_.get(), "commit");
    } catch (const detail::sqlite_failure& failure) {
      poisoned_ = (failure.code & 0xff) == SQLITE_IOERR;
      sizes_.clear();
      roll_back();
      failure.rethrow(path_, doing);
    }
    busy_ = false;
    try {
      connection_.tidy_log();
    } catch (const detail::sqlite_failure&) {
      poisoned_ = true;  // what was committed is in the log, on the disk
    }
  }
  void roll_back() noexcept {
    ::sqlite3_exec(connection_.get(), "rollback", nullptr, nullptr, nullptr);
    busy_ = false;
    reader_->forget_types();
    if (writer_) writer_->forget();
  }
  void write(const store_batch& b) {
    try {
      writer_->write(b);
    } catch (const detail::sqlite_failure& failure) {
      failure.rethrow(path_, writer_->doing());
    }
  }

  static constexpr std::size_t at_once = 512;  // events copied under the lock at once

  std::string path_;
  options options_;
  mutable std::recursive_mutex mutex_;  // recursive for a thread that asks within its own transaction
  file_lock lock_;
  detail::connection connection_;
  mutable std::optional<detail::reader> reader_{};
  std::optional<detail::writer> writer_{};
  mutable topic_sizes sizes_{};
  bool poisoned_ = false;
  bool busy_ = false;
};

/// A transaction of a store, from its begin to its commit: what is written to handle() and the batch happen together.
///
/// Others wait meanwhile, so it should be short. What the same thread reads from the store in between sees what it wrote.
/// Delivery: when commit throws, or the scope ends without one, nothing of it happened, or, after `io` alone, possibly
/// all.
/// Thread safety: the thread that began it.
class store::transaction_scope {
 public:
  transaction_scope(const transaction_scope&) = delete;
  transaction_scope& operator=(const transaction_scope&) = delete;
  ~transaction_scope() {
    if (open_) store_->roll_back();
  }

  /// For tables of one's own; it must not begin, commit or roll back.
  [[nodiscard]] ::sqlite3* handle() const noexcept { return store_->connection_.get(); }

  void commit(const store_batch& b) {
    if (!open_) throw store_error(store_errc::conflict, store_->path_, "commit", "the transaction has ended");
    open_ = false;
    try {
      store_->write(b);
    } catch (...) {
      store_->roll_back();
      throw;
    }
    store_->end("commit");
    store_->sizes_.add(b);
  }

 private:
  friend store;
  explicit transaction_scope(store& s, std::string_view doing) : store_{&s}, hold_{s.mutex_} { s.begin(doing); }

  store* store_;
  std::unique_lock<std::recursive_mutex> hold_;
  bool open_ = true;
};

inline void store::commit(const store_batch& b) { transaction_scope{*this, "commit"}.commit(b); }

inline store::transaction_scope store::transaction() { return transaction_scope{*this, "begin a transaction"}; }

}  // namespace peal::inline v0::sqlite
