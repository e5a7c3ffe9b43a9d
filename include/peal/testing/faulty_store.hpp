// SPDX-License-Identifier: MIT
// A store that fails when a test says so, before or after it did what it was asked.
#pragma once

#include <peal/testing/store_wrapper.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace peal::inline v0::testing {

/// Where a call fails.
enum class fault_point : std::uint8_t {
  before,  ///< nothing happened
  after,   ///< it happened, and the caller does not hear of it: what `io` may mean
};

/// Hands every call to another store, and lets the n-th that changes something throw.
///
/// After `io` every further change throws `poisoned`, as a real store does after a failed sync; reading goes on, unless it
/// is told to fail as well. Other codes fail one call.
/// Thread safety: every call from any thread.
/// Example:
/// ```
/// peal::memory_store kept;
/// peal::testing::faulty_store store{&kept};
/// store.fail(3, peal::store_errc::no_space);   // the third commit (trim, …) from now
/// ```
class faulty_store final : public store_wrapper {
 public:
  using store_wrapper::store_wrapper;

  /// The `nth` change from now, from 1, throws `code`.
  void fail(std::uint64_t nth, store_errc code, fault_point where = fault_point::before) {
    const std::lock_guard hold{mutex_};
    left_ = nth;
    code_ = code;
    where_ = where;
  }
  /// From now on `count` questions (range, read, cursors, …) throw `code`.
  void fail_reads(std::uint64_t count, store_errc code = store_errc::io) {
    const std::lock_guard hold{mutex_};
    reads_left_ = count;
    read_code_ = code;
  }
  /// As if it were closed and opened again: no fault, not poisoned.
  void recover() {
    const std::lock_guard hold{mutex_};
    left_ = reads_left_ = 0;
    poisoned_ = false;
  }
  /// Changes asked for so far, failed ones too.
  [[nodiscard]] std::uint64_t changes() const noexcept { return changes_.load(std::memory_order_relaxed); }
  /// The same of questions.
  [[nodiscard]] std::uint64_t reads() const noexcept { return reads_.load(std::memory_order_relaxed); }

  void commit(const store_batch& batch) override {
    changing("commit", [&] { wrapped().commit(batch); });
  }
  std::uint64_t trim(std::string_view topic, std::uint64_t before) override {
    std::uint64_t n = 0;
    changing("trim", [&] { n = wrapped().trim(topic, before); });
    return n;
  }
  std::uint64_t compact(std::string_view topic, std::uint64_t before) override {
    std::uint64_t n = 0;
    changing("compact", [&] { n = wrapped().compact(topic, before); });
    return n;
  }
  std::uint64_t forget_claims(std::string_view scope, wall_time before) override {
    std::uint64_t n = 0;
    changing("forget claims", [&] { n = wrapped().forget_claims(scope, before); });
    return n;
  }
  void forget_subscription(std::string_view subscription) override {
    changing("forget", [&] { wrapped().forget_subscription(subscription); });
  }

  [[nodiscard]] topic_range range(std::string_view topic) const override {
    reading("look at a topic");
    return wrapped().range(topic);
  }
  std::uint64_t read(std::string_view topic, std::uint64_t from, std::size_t max,
                     visitor<stored_event> show) const override {
    reading("read");
    return wrapped().read(topic, from, max, show);
  }
  std::uint64_t read_stream(std::string_view topic, std::string_view key, std::uint64_t from, std::size_t max,
                            visitor<stored_event> show) const override {
    reading("read a stream");
    return wrapped().read_stream(topic, key, from, max, show);
  }
  void cursors(visitor<stored_cursor> show) const override {
    reading("read cursors");
    wrapped().cursors(show);
  }
  void pending(std::string_view subscription, std::string_view topic, visitor<stored_pending> show) const override {
    reading("read pending deliveries");
    wrapped().pending(subscription, topic, show);
  }
  void claims(std::string_view scope, visitor<stored_claim> show) const override {
    reading("read claims");
    wrapped().claims(scope, show);
  }
  void letters(std::string_view topic, visitor<stored_letter> show) const override {
    reading("read letters");
    wrapped().letters(topic, show);
  }
  void timers(visitor<stored_timer> show) const override {
    reading("read timers");
    wrapped().timers(show);
  }

 private:
  enum class verdict : std::uint8_t { pass, fail_before, fail_after };

  void reading(std::string_view doing) const {
    reads_.fetch_add(1, std::memory_order_relaxed);
    store_errc code{};
    {
      const std::lock_guard hold{mutex_};
      if (reads_left_ == 0) return;
      --reads_left_;
      code = read_code_;
    }
    throw store_error(code, place(), doing, "a test wants it");
  }

  template <class F>
  void changing(std::string_view doing, F f) {
    changes_.fetch_add(1, std::memory_order_relaxed);
    store_errc code{};
    const verdict v = judge(code);
    if (v == verdict::fail_before) throw store_error(code, place(), doing, "a test wants it");
    f();
    if (v == verdict::fail_after) throw store_error(code, place(), doing, "a test wants it, and it happened");
  }

  verdict judge(store_errc& code) {
    const std::lock_guard hold{mutex_};
    if (poisoned_) {
      code = store_errc::poisoned;
      return verdict::fail_before;
    }
    if (left_ == 0 || --left_ != 0) return verdict::pass;
    code = code_;
    poisoned_ = code_ == store_errc::io;
    return where_ == fault_point::before ? verdict::fail_before : verdict::fail_after;
  }

  mutable std::mutex mutex_;
  mutable std::uint64_t reads_left_ = 0;
  store_errc read_code_ = store_errc::io;
  std::uint64_t left_ = 0;
  store_errc code_ = store_errc::io;
  fault_point where_ = fault_point::before;
  bool poisoned_ = false;
  std::atomic<std::uint64_t> changes_{0};
  mutable std::atomic<std::uint64_t> reads_{0};
};

}  // namespace peal::inline v0::testing
