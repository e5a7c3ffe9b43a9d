// SPDX-License-Identifier: MIT
// What the journal is told of events that are to be published later.
#pragma once

#include <peal/bus/detail/timer_word.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

namespace peal::inline v0::detail {

/// The words about timers in the order in which they became true, until they are in the store. Memory for the word that a
/// timer is gone is there from its beginning.
///
/// Thread safety: every call from any thread; what is taken is the journal's.
class timer_words {
 public:
  /// A number for a new timer, and room for two words about it, or one. Errors: bad_alloc.
  std::uint64_t expect(std::size_t words) {
    const std::lock_guard lock{mutex_};
    make_room(fresh_, expected_ + words);
    expected_ += words;
    return next_id_++;
  }
  void expect_no_more(std::size_t words) noexcept {
    const std::lock_guard lock{mutex_};
    expected_ -= words;
  }
  void add_expected(timer_word&& w) noexcept {
    const std::lock_guard lock{mutex_};
    --expected_;
    fresh_.push_back(std::move(w));
  }
  /// Errors: bad_alloc.
  void add(timer_word&& w) {
    const std::lock_guard lock{mutex_};
    make_room(fresh_, expected_ + 1);
    fresh_.push_back(std::move(w));
  }
  /// No new timer gets a number up to this one.
  void skip(std::uint64_t id) noexcept {
    const std::lock_guard lock{mutex_};
    if (next_id_ <= id) next_id_ = id + 1;
  }
  [[nodiscard]] bool any() const noexcept {
    const std::lock_guard lock{mutex_};
    return !fresh_.empty() || !taken_.empty();
  }

  // The journal's, in turn.

  /// True when there are words to bring to the store. Errors: bad_alloc.
  bool take() {
    const std::lock_guard lock{mutex_};
    if (taken_.empty()) {
      make_room(taken_, expected_);
      taken_.swap(fresh_);
    } else {
      make_room(taken_, fresh_.size());
      for (timer_word& w : fresh_) taken_.push_back(std::move(w));
      fresh_.clear();
    }
    return !taken_.empty();
  }
  [[nodiscard]] const std::vector<timer_word>& taken() const noexcept { return taken_; }
  void forget_taken() noexcept {
    const std::lock_guard lock{mutex_};
    taken_.clear();
  }

 private:
  static void make_room(std::vector<timer_word>& v, std::size_t more) {
    if (v.capacity() - v.size() < more) v.reserve(v.size() + (v.size() < more ? more : v.size()));
  }

  mutable std::mutex mutex_;
  std::vector<timer_word> fresh_;
  std::vector<timer_word> taken_;
  std::size_t expected_ = 0;
  std::uint64_t next_id_ = 1;
};

}  // namespace peal::inline v0::detail
