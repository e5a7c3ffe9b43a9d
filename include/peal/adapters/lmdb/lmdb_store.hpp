// SPDX-License-Identifier: MIT
// A store in one LMDB file: the fast one, read in place.
#pragma once

#include <peal/adapters/lmdb/detail/cleaner.hpp>
#include <peal/adapters/lmdb/detail/environment.hpp>
#include <peal/adapters/lmdb/detail/reader.hpp>
#include <peal/adapters/lmdb/detail/writer.hpp>
#include <peal/adapters/lmdb/options.hpp>
#include <peal/store/file_lock.hpp>
#include <peal/store/store.hpp>
#include <peal/store/sync_folder.hpp>
#include <peal/store/topic_sizes.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace peal::inline v0::lmdb {

/// Keeps events in an LMDB environment of its own: `path`, LMDB's `path-lock`, and `path.lock` for the one writer.
///
/// Reading copies nothing and waits for nobody: what a visitor is shown lies in the file. While it runs, pages that others
/// free are not used again, so a visitor should not sleep.
/// Delivery: as `store` says; with sync::full it survives the loss of power. With sync::os it survives kill -9, and a loss
/// of power may damage all of it.
/// Errors: store_error, when it is opened `locked`, `not_a_store`, `newer_format` and `io`; when an event's checksum is not
/// what was written, `corrupt` with its position. Damage to LMDB's own pages may end the process: there are no checksums
/// on them.
/// Capacity: max_topics, max_bytes; names and keys of 500 bytes; events of 4 GiB.
/// Thread safety: every call from any thread. One object a file and process, be it for reading: LMDB's locks belong to the
/// process. Not for file systems of other machines.
/// Example: `peal::lmdb::store kept{"shop.lmdb"};`
class store final : public peal::store {
 public:
  explicit store(std::string path, const options& o = {})
      : path_{std::move(path)},
        options_{o},
        lock_{lock(path_, o)},
        environment_{path_, o},
        reader_{environment_, path_} {
    guarded("open", [&] {
      detail::open_tables(environment_.get(), path_, writes(), reader_.t, reader_.names);
      if (writes()) sync_folder_of(path_, path_);
    });
  }

  void commit(const store_batch& b) override {
    const std::lock_guard hold{reader_.changing};
    const transacting in = begin("commit");
    detail::writer w{*in.txn, reader_.t, reader_.names, path_};
    try {
      if (grows(b) && over_limit()) throw detail::lmdb_failure{MDB_MAP_FULL};
      w.write(b);
    } catch (const detail::lmdb_failure& f) {
      f.rethrow(path_, w.doing());
    }
    end(*in.txn, "commit");
    w.tell();
    sizes_.add(b);
  }

  [[nodiscard]] topic_range range(std::string_view topic) const override {
    return guarded("range of", topic, [&] { return reader_.range(topic); });
  }
  /// Complexity: a look at every event the first time, and whenever it is open for reading.
  [[nodiscard]] topic_size size(std::string_view topic) const override {
    using detail::kind;
    if (!writes()) return guarded("count", topic, [&] { return reader_.count(reader_.find(kind::topic, topic)); });
    const std::lock_guard hold{reader_.changing};
    if (const topic_size* const known = sizes_.find(topic); known != nullptr) return *known;
    sizes_.set(topic,
               guarded("count", topic, [&] { return reader_.count(reader_.names.find(kind::topic, 0, topic)); }));
    return *sizes_.find(topic);
  }

  std::uint64_t read(std::string_view topic, std::uint64_t from, std::size_t max,
                     visitor<stored_event> show) const override {
    return guarded("read", topic, [&] { return reader_.read(topic, from, max, show); });
  }
  std::uint64_t read_stream(std::string_view topic, std::string_view key, std::uint64_t from, std::size_t max,
                            visitor<stored_event> show) const override {
    return guarded("read a stream of", topic, [&] { return reader_.read_stream(topic, key, from, max, show); });
  }
  void topics(visitor<stored_topic> show) const override {
    guarded("list topics", [&] { reader_.topics(show); });
  }
  void types(visitor<stored_type> show) const override {
    guarded("list types", [&] { reader_.types(show); });
  }
  void cursors(visitor<stored_cursor> show) const override {
    guarded("list cursors", [&] { reader_.cursors(show); });
  }
  void pending(std::string_view subscription, std::string_view topic, visitor<stored_pending> show) const override {
    guarded("list pending deliveries of", topic, [&] { reader_.pending(subscription, topic, show); });
  }
  void claims(std::string_view scope, visitor<stored_claim> show) const override {
    guarded("list claims of", scope, [&] { reader_.claims(scope, show); });
  }
  void letters(std::string_view topic, visitor<stored_letter> show) const override {
    guarded("list letters of", topic, [&] { reader_.letters(topic, show); });
  }
  void timers(visitor<stored_timer> show) const override {
    guarded("list timers", [&] { reader_.timers(show); });
  }

  std::uint64_t trim(std::string_view topic, std::uint64_t before) override {
    return changing("trim", topic, [&](const detail::cleaner& c) { return c.trim(topic, before); });
  }
  std::uint64_t compact(std::string_view topic, std::uint64_t before) override {
    return changing("compact", topic, [&](const detail::cleaner& c) { return c.compact(topic, before); });
  }
  std::uint64_t forget_claims(std::string_view scope, wall_time before) override {
    return changing("forget claims of", scope, [&](const detail::cleaner& c) { return c.claims(scope, before); });
  }
  void forget_subscription(std::string_view subscription) override {
    changing("forget", subscription, [&](const detail::cleaner& c) { return c.subscription(subscription); });
  }

  [[nodiscard]] store_features features() const noexcept override {
    store_features f;
    f.survives_process = true;
    f.survives_power = options_.durability == sync::full;
    f.one_writer = true;
    f.reads_beside = true;
    f.max_key_bytes = detail::writer::max_name;
    return f;
  }
  [[nodiscard]] std::string_view place() const noexcept override { return path_; }

 private:
  struct transacting {
    std::unique_ptr<detail::transaction> txn;
  };

  static file_lock lock(const std::string& path, const options& o) {
    if (o.mode == open_mode::write) {
      file_lock mine{path + ".lock", path};
      detail::make_where_none(path, o);
      return mine;
    }
    if (file_lock::is_mine(path + ".lock")) {
      throw store_error(store_errc::locked, path, "open for reading", "this process has it open: use that object");
    }
    return {};
  }
  [[nodiscard]] bool writes() const noexcept { return options_.mode == open_mode::write; }

  template <class F>
  std::invoke_result_t<F&> guarded(std::string_view doing, F f) const {
    try {
      return f();
    } catch (const detail::lmdb_failure& failure) {
      failure.rethrow(path_, doing);
    }
  }
  template <class F>
  std::invoke_result_t<F&> guarded(std::string_view doing, std::string_view whose, F f) const {
    try {
      return f();
    } catch (const detail::lmdb_failure& failure) {
      failure.rethrow(path_, std::string(doing).append(" ").append(whose));
    }
  }

  transacting begin(std::string_view doing) {
    if (!writes()) throw store_error(store_errc::read_only, path_, doing);
    if (poisoned_) throw store_error(store_errc::poisoned, path_, doing);
    return guarded(doing, [&] { return transacting{std::make_unique<detail::transaction>(environment_.get(), 0U)}; });
  }
  /// A sync that failed is not tried again: what the disk has is known when the file is opened the next time.
  void end(detail::transaction& txn, std::string_view doing) {
    try {
      txn.commit();
    } catch (const detail::lmdb_failure& failure) {
      poisoned_ = detail::code_of(failure.code) != store_errc::no_space;
      sizes_.clear();
      failure.rethrow(path_, doing);
    }
  }

  template <class F>
  std::uint64_t changing(std::string_view doing, std::string_view whose, F f) {
    const std::lock_guard hold{reader_.changing};
    const std::string what = std::string(doing).append(" ").append(whose);
    const transacting in = begin(what);
    const auto n = guarded(what, [&] { return f(detail::cleaner{in.txn->get(), reader_.t, reader_.names}); });
    end(*in.txn, what);
    if constexpr (std::is_same_v<decltype(n), const topic_size>) {
      sizes_.take(whose, n);
      return n.events;
    } else {
      return n;
    }
  }

  /// What moves cursors and ends deliveries may use the room beyond the limit, so that a full store can be trimmed.
  static bool grows(const store_batch& b) noexcept {
    return !b.events.empty() || !b.letters.empty() || !b.timers.empty();
  }
  /// Whether what is in use has reached max_bytes; pages that were freed are counted only when it could be so.
  bool over_limit() const {
    ::MDB_envinfo info{};
    ::MDB_stat page{};
    detail::check(::mdb_env_info(environment_.get(), &info));
    detail::check(::mdb_env_stat(environment_.get(), &page));
    const std::uint64_t limit = options_.max_bytes / page.ms_psize;
    if (info.me_last_pgno < limit) return false;
    std::uint64_t free = 0;
    const detail::snapshot now{environment_};
    detail::cursor all{now.get(), 0};  // LMDB's own list: of lists of pages, each beginning with its length
    for (bool more = all.first(); more; more = all.next()) {
      free += detail::byte_reader{all.value()}.number(sizeof(std::size_t));
    }
    return info.me_last_pgno - free >= limit;
  }

  std::string path_;
  options options_;
  file_lock lock_;
  mutable detail::environment environment_;
  mutable detail::reader reader_;
  mutable topic_sizes sizes_{};  // under `changing`
  bool poisoned_ = false;
};

}  // namespace peal::inline v0::lmdb
