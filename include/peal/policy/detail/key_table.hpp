// SPDX-License-Identifier: MIT
// The memory of an idempotent subscription: keys claimed, committed and forgotten, bounded by time and by count.
#pragma once

#include <peal/detail/minmax.hpp>
#include <peal/policy/detail/key_index.hpp>
#include <peal/policy/detail/key_pool.hpp>

#include <cstddef>
#include <cstdint>
#include <peal/detail/time.hpp>
#include <string_view>

namespace peal::inline v0::detail {

enum class key_status : std::uint8_t {
  claimed,           ///< the caller's: run, then commit or abandon
  committed_before,  ///< a duplicate of a handled key
  in_flight,         ///< a duplicate of a key that is still being handled
};

/// Remembers which keys are being handled and which were. A key is (event type, `Key`) and is compared whole.
///
/// Capacity: committed keys only: the oldest commit goes when the window has passed or the capacity is exceeded; claimed
/// keys stay until committed or abandoned. Nodes in use = committed + claimed.
/// Complexity: amortised O(1); each operation forgets at most three keys, so a night's worth of expired keys does not
/// go at once. A key that is past its window but not yet forgotten counts as forgotten.
/// Units: bytes a key = sizeof(entry) (64 for std::string, 40 for integers) + 11 to 22 of index + what the key owns;
/// memory follows the highest count so far and is kept.
/// Errors: what allocating, hashing, comparing and copying a key throw, before anything has changed.
/// Thread safety: none; the owner serialises.
template <class Key, class Hash = std::hash<Key>>
class key_table {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// A key in the table. Lifetime: at one address from claim to commit or abandon.
  class entry {
   public:
    entry(std::uint32_t mark, std::uint8_t event_type, const Key& key) : mark_{mark}, type_{event_type}, key_(key) {}
    [[nodiscard]] const Key& key() const noexcept { return key_; }
    [[nodiscard]] std::uint8_t event_type() const noexcept { return type_; }

    void* waiters = nullptr;  ///< the owner's; must be taken before commit or abandon

   private:
    friend class key_table;
    std::uint32_t mark_;
    std::uint32_t self_or_older_ = none;  // claimed: its own number; committed: its neighbours in the order of commits
    std::uint32_t newer_ = none;
    bool committed_ = false;
    std::uint8_t type_;
    time_point committed_at_{};
    Key key_;
  };

  struct claim_result {
    key_status status;
    key_table::entry* entry;  ///< never null; of a committed key until the next call
  };

  /// `window` 0 remembers nothing once it is handled; `capacity` is taken as at least 1 and at most 2^31.
  key_table(std::chrono::nanoseconds window, std::size_t capacity)
      : window_{window.count() > 0 ? static_cast<std::uint64_t>(window.count()) : 0},
        capacity_{capacity == 0             ? 1
                  : capacity < max_capacity ? capacity
                                            : max_capacity} {}
  key_table(const key_table&) = delete;
  key_table& operator=(const key_table&) = delete;
  ~key_table() {
    index_.for_each([this](std::uint32_t n) { pool_.destroy(n); });
  }

  /// Hashes the key and fetches its place in the index ahead of the claim: at a million keys that one cache miss is
  /// most of a claim's time, and a batch can hide it by preparing a few events ahead.
  [[nodiscard]] std::uint32_t prepare(const Key& key, std::uint8_t event_type) const {
    const std::uint32_t mark = mark_of(key, event_type);
    index_.prefetch(mark);
    return mark;
  }

  /// Claims the key for the caller unless it is known. A `now` before the latest one counts as the latest.
  claim_result claim(const Key& key, std::uint8_t event_type, time_point now) {
    return claim(mark_of(key, event_type), key, event_type, now);
  }

  /// The same with what `prepare` returned for this key and type.
  claim_result claim(std::uint32_t mark, const Key& key, std::uint8_t event_type, time_point now) {
    tick(now);
    forget_expired();
    const std::uint32_t at =
        index_.find(mark, [&](std::uint32_t n) { return pool_[n].type_ == event_type && pool_[n].key_ == key; });
    if (at != none) {
      entry& known = pool_[at];
      if (!known.committed_) return {key_status::in_flight, &known};
      if (!expired(known)) return {key_status::committed_before, &known};
      forget(at);
    }
    index_.reserve_one();
    const std::uint32_t fresh = pool_.make(mark, event_type, key);
    entry& made = pool_[fresh];
    made.self_or_older_ = fresh;
    index_.insert(mark, fresh);
    return {key_status::claimed, &made};
  }

  /// The claimed key was handled: duplicates are refused until the window has passed.
  void commit(entry& claimed, time_point now) noexcept {
    tick(now);
    const std::uint32_t self = claimed.self_or_older_;
    claimed.committed_ = true;
    claimed.committed_at_ = now_;
    claimed.self_or_older_ = newest_;
    (newest_ == none ? oldest_ : pool_[newest_].newer_) = self;
    newest_ = self;
    ++committed_;
    forget_expired();
    if (committed_ > capacity_) {
      ++window_shrunk_;
      forget(oldest_);
    }
  }

  /// The claimed key was not handled: the next claim gets it.
  void abandon(entry& claimed) noexcept { remove(claimed.self_or_older_); }

  /// No committed key is older.
  [[nodiscard]] time_point oldest() noexcept { return oldest_ == none ? now_ : pool_[oldest_].committed_at_; }
  [[nodiscard]] std::size_t size() const noexcept { return pool_.size(); }  ///< committed and claimed
  [[nodiscard]] std::size_t committed() const noexcept { return committed_; }
  [[nodiscard]] std::uint64_t evicted() const noexcept { return evicted_; }  ///< forgotten for time or count
  [[nodiscard]] std::uint64_t window_shrunk() const noexcept { return window_shrunk_; }  ///< forgotten for count alone
  [[nodiscard]] std::size_t footprint() const noexcept {  ///< bytes held, without what keys own
    return sizeof(*this) + pool_.footprint() + index_.footprint();
  }

 private:
  static constexpr std::uint32_t none = key_index::none;
  static constexpr std::size_t max_capacity = std::size_t{1} << 31U;

  void tick(time_point now) noexcept { now_ = now_ < now ? now : now_; }

  bool expired(const entry& e) const noexcept {
    const auto since = [](time_point t) {
      return static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::nanoseconds>(t.time_since_epoch()).count());
    };
    return since(now_) - since(e.committed_at_) >= window_;  // modulo 2^64: exact, as now_ is not earlier
  }

  // Two at most: expiry outruns commits, and no operation pays for a night's keys.
  void forget_expired() noexcept {
    for (int i = 0; i < 2 && oldest_ != none && expired(pool_[oldest_]); ++i) forget(oldest_);
  }

  void forget(std::uint32_t committed) noexcept {
    const entry& e = pool_[committed];
    const std::uint32_t older = e.self_or_older_;
    const std::uint32_t newer = e.newer_;
    (older == none ? oldest_ : pool_[older].newer_) = newer;
    (newer == none ? newest_ : pool_[newer].self_or_older_) = older;
    // Once full, each commit forgets a key: fetch the index cell of the one three later. (Not a function of its own:
    // g++ 12 takes one that only prefetches for free of effects and drops the call.)
    std::uint32_t later = newer;
    for (int i = 0; i < 3 && later != none; ++i) later = pool_[later].newer_;
    if (later != none) index_.prefetch(pool_[later].mark_);
    --committed_;
    ++evicted_;
    remove(committed);
  }

  void remove(std::uint32_t n) noexcept {
    index_.erase(pool_[n].mark_, n);
    pool_.destroy(n);
  }

  static std::uint32_t mark_of(const Key& key, std::uint8_t event_type) {
    return scattered(static_cast<std::uint64_t>(Hash{}(key)) + std::uint64_t{event_type} * 0x9e37'79b9'7f4a'7c15U);
  }

  key_index index_;
  key_pool<entry> pool_;
  std::uint64_t window_;
  std::size_t capacity_;
  std::size_t committed_ = 0;
  std::uint64_t evicted_ = 0;
  std::uint64_t window_shrunk_ = 0;
  time_point now_ = time_point::min();
  std::uint32_t oldest_ = none;
  std::uint32_t newest_ = none;
};

}  // namespace peal::inline v0::detail
