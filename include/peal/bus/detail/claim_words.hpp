// SPDX-License-Identifier: MIT
// The keys that an idempotent subscription of a durable topic has handled, on their way to the store.
#pragma once

#include <peal/bus/detail/claim_teller.hpp>
#include <peal/codec/wire.hpp>
#include <peal/core/clock.hpp>
#include <peal/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace peal::inline v0::detail {

/// Keys as the store knows them, each with the moment at which it was handled.
struct written_keys {
  byte_buffer bytes{};
  std::vector<std::size_t> ends{};
  std::vector<time_point> times{};

  [[nodiscard]] std::size_t count() const noexcept { return times.size(); }
  void clear() noexcept {
    bytes.clear();
    ends.clear();
    times.clear();
  }
  /// Errors: bad_alloc.
  void make_room(std::size_t keys, std::size_t size) {
    grow(bytes, size);
    grow(ends, keys);
    grow(times, keys);
  }
  void add(std::span<const std::byte> key, time_point when) {
    bytes.insert(bytes.end(), key.begin(), key.end());
    ends.push_back(bytes.size());
    times.push_back(when);
  }
  /// Calls `visit(key, when)` for each, the oldest first.
  template <class Visit>
  void each(Visit&& visit) const {
    std::size_t from = 0;
    for (std::size_t i = 0; i != ends.size(); from = ends[i++]) {
      visit(std::span<const std::byte>{bytes.data() + from, ends[i] - from}, times[i]);
    }
  }

 private:
  template <class T>
  static void grow(std::vector<T>& v, std::size_t more) {
    if (v.capacity() - v.size() >= more) return;
    v.reserve(v.size() + (v.size() < more ? more : v.size()));
  }
};

/// The words about one subscription's keys: said by whoever runs it, taken by the journal. Memory for a word is there
/// before its handler runs, so that none is lost.
///
/// Thread safety: every call from any thread; what is taken is the journal's.
class claim_words {
 public:
  /// Errors: bad_alloc.
  void expect(std::size_t size) {
    const std::lock_guard lock{mutex_};
    fresh_.make_room(expected_ + 1, expected_bytes_ + size);
    ++expected_;
    expected_bytes_ += size;
  }
  void expect_less(std::size_t count, std::size_t bytes) noexcept {
    const std::lock_guard lock{mutex_};
    expected_ -= count;
    expected_bytes_ -= bytes;
  }
  /// What was expected: this key is handled. None that was handled before `oldest` is remembered any more.
  void add_expected(std::span<const std::byte> key, time_point when, time_point oldest) noexcept {
    const std::lock_guard lock{mutex_};
    --expected_;
    expected_bytes_ -= key.size();
    fresh_.add(key, when);
    oldest_ = oldest;
    ++since_clearing_;
  }
  [[nodiscard]] bool any() const noexcept {
    const std::lock_guard lock{mutex_};
    return fresh_.count() != 0 || taken_.count() != 0;
  }
  /// All that are not known to be in the store. Errors: bad_alloc.
  [[nodiscard]] written_keys copy() const {
    const std::lock_guard lock{mutex_};
    written_keys all = taken_;
    fresh_.each([&](std::span<const std::byte> key, time_point when) { all.add(key, when); });
    return all;
  }

  // The journal's, in turn.

  /// True when there is something to bring to the store. Errors: bad_alloc.
  bool take() {
    const std::lock_guard lock{mutex_};
    if (fresh_.count() == 0) return taken_.count() != 0;
    if (taken_.count() == 0) {
      taken_.make_room(expected_, expected_bytes_);
      std::swap(taken_, fresh_);
    } else {
      taken_.make_room(fresh_.count(), fresh_.bytes.size());
      fresh_.each([&](std::span<const std::byte> key, time_point when) { taken_.add(key, when); });
      fresh_.clear();
    }
    return true;
  }
  [[nodiscard]] const written_keys& taken() const noexcept { return taken_; }
  void forget_taken() noexcept {
    const std::lock_guard lock{mutex_};
    taken_.clear();
  }
  /// True once for many words: the store may forget what was handled before `oldest`.
  [[nodiscard]] bool may_clear(time_point& oldest) noexcept {
    constexpr std::size_t many = 4096;
    const std::lock_guard lock{mutex_};
    if (since_clearing_ < many) return false;
    since_clearing_ = 0;
    oldest = oldest_;
    return true;
  }

 private:
  mutable std::mutex mutex_;
  written_keys fresh_;
  written_keys taken_;
  std::size_t expected_ = 0;
  std::size_t expected_bytes_ = 0;
  std::size_t since_clearing_ = 0;
  time_point oldest_{};
};

/// A subscription's side of it.
class words_teller final : public claim_teller {
 public:
  /// `heads`: what stands before the key of an event, by the event's type; no key may be longer than `most` bytes.
  words_teller(std::shared_ptr<claim_words> to, std::vector<byte_buffer> heads, std::size_t most)
      : words_{std::move(to)}, heads_{std::move(heads)}, most_{most} {}
  ~words_teller() override { words_->expect_less(expected_, expected_bytes_); }

  void expect(std::uint8_t type, const written_key& key) override {
    compose(probe_, type, key);
    if (probe_.size() > most_) too_long();
    if (handled_.capacity() < probe_.size()) handled_.reserve(2 * probe_.size());
    words_->expect(probe_.size());
    ++expected_;
    expected_bytes_ += probe_.size();
  }
  void expect_no_more(std::uint8_t type, const written_key& key) noexcept override {
    compose(probe_, type, key);
    --expected_;
    expected_bytes_ -= probe_.size();
    words_->expect_less(1, probe_.size());
  }
  void handled(std::uint8_t type, time_point when, const written_key& key) noexcept override {
    compose(handled_, type, key);
    when_ = when;
  }
  void tell() noexcept override {
    if (handled_.empty()) return;
    --expected_;
    expected_bytes_ -= handled_.size();
    words_->add_expected(handled_, when_, oldest);
    handled_.clear();
  }
  void tell_at_once(time_point when) noexcept override {
    --expected_;
    expected_bytes_ -= probe_.size();
    words_->add_expected(probe_, when, oldest);
  }

 private:
  void compose(byte_buffer& into, std::uint8_t type, const written_key& key) {
    into.assign(heads_[type].begin(), heads_[type].end());
    wire_writer w{into};
    key.write(w, key.key);
  }
  [[noreturn, gnu::cold]] void too_long() const {
    throw limit_reached("peal: an idempotency key takes " + std::to_string(probe_.size()) +
                        " bytes, and the store takes " + std::to_string(most_));
  }

  const std::shared_ptr<claim_words> words_;
  const std::vector<byte_buffer> heads_;
  const std::size_t most_;
  byte_buffer probe_{};
  byte_buffer handled_{};  ///< of the one delivery whose outputs are on their way
  time_point when_{};
  std::size_t expected_ = 0;
  std::size_t expected_bytes_ = 0;
};

}  // namespace peal::inline v0::detail
