// SPDX-License-Identifier: MIT
// Which deliveries of one subscription have committed their effect, as long as its cursor does not say the same.
#pragma once

#include <peal/bus/detail/stored_places.hpp>
#include <peal/policy/retry.hpp>
#include <peal/ring/sequence.hpp>
#include <peal/store/store.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peal::inline v0::detail {

/// A claim in the store for each: scope "effects of <subscription>", key "<topic> <position>".
///
/// A mark goes in the commit in which the cursor passes it; that of a letter that came back, whose position the cursor has
/// passed long ago, in the one that says that the letter is gone.
/// Thread safety: every call from any thread.
class effect_marks {
 public:
  effect_marks(std::string_view whose, std::string_view of_topic)
      : subscription{whose}, topic{of_topic}, scope{effects_scope(whose)} {}

  /// Errors: store_error, bad_alloc.
  void recall(const store& kept) {
    kept.claims(scope, [&](const stored_claim& c) {
      position at = 0;
      if (!place_in_key(c.key, topic, at)) return;
      const std::lock_guard lock{mutex_};
      marks_.reserve(marks_.size() + 1);
      insert({at});
    });
  }
  [[nodiscard]] std::string key_of(position at) const { return place_key(topic, at); }

  [[nodiscard]] bool has(position at) const noexcept {
    // Relaxed: what has a mark was handled, and left to whoever asks, before.
    if (!any_.load(std::memory_order_relaxed)) return false;
    const std::lock_guard lock{mutex_};
    const mark* const m = find(at);
    return m != marks_.data() + marks_.size() && m->at == at;
  }
  /// The same; then it goes with this letter.
  bool ends_letter(position at, std::uint64_t letter) noexcept {
    const std::lock_guard lock{mutex_};
    mark* const m = find(at);
    if (m == marks_.data() + marks_.size() || m->at != at) return false;
    m->letter = letter;
    (void)caught([&] { over_.push_back(letter); });  // without memory: in another life
    return true;
  }
  /// Those letters, which go once the subscription stands and knows what it has handled.
  [[nodiscard]] std::vector<std::uint64_t> take_over() noexcept {
    const std::lock_guard lock{mutex_};
    return std::move(over_);
  }
  /// Where there is a mark before the cursor. Errors: bad_alloc.
  [[nodiscard]] std::vector<position> before(position cursor) const {
    std::vector<position> all;
    const std::lock_guard lock{mutex_};
    for (const mark& m : marks_) {
      if (distance(m.at, cursor) < 0) all.push_back(m.at);
    }
    return all;
  }
  /// None goes meanwhile.
  void hold(bool all) noexcept {
    const std::lock_guard lock{mutex_};
    held_ = all;
  }

  /// Room for one more. Errors: bad_alloc.
  void expect() {
    const std::lock_guard lock{mutex_};
    marks_.reserve(marks_.size() + expected_ + 1);
    ++expected_;
  }
  void expect_no_more() noexcept {
    const std::lock_guard lock{mutex_};
    --expected_;
  }
  /// What was expected is in the store; with the number of the letter that came back, if one did.
  void add_expected(position at, std::uint64_t letter) noexcept {
    const std::lock_guard lock{mutex_};
    --expected_;
    insert({at, letter});
  }

  // The journal's.

  void letter_gone(std::uint64_t number) noexcept {
    const std::lock_guard lock{mutex_};
    for (mark& m : marks_) {
      if (m.letter == number) m.letter = 0;
    }
  }
  /// Those that go when the cursor is there and these, in order, are behind it and have not ended. Errors: bad_alloc.
  void gather(position cursor, const std::vector<position>& waiting, std::vector<own_claim>& gone) {
    const std::lock_guard lock{mutex_};
    for (mark& m : marks_) {
      m.goes = !held_ && m.letter == 0 && distance(m.at, cursor) < 0 &&
               !std::binary_search(waiting.begin(), waiting.end(), m.at);
      if (m.goes) gone.push_back({scope, key_of(m.at)});
    }
  }
  /// They are gone.
  void forget_gone() noexcept {
    const std::lock_guard lock{mutex_};
    std::erase_if(marks_, [](const mark& m) { return m.goes; });
    any_.store(!marks_.empty(), std::memory_order_relaxed);
  }

  /// The subscription was set back: its deliveries are to be repeated, effects and all.
  void forget_all() noexcept {
    const std::lock_guard lock{mutex_};
    marks_.clear();
    any_.store(false, std::memory_order_relaxed);
  }

  const std::string subscription;
  const std::string topic;
  const std::string scope;
  bool publishes = false;  ///< its handler returns events; set before it stands

 private:
  struct mark {
    position at = 0;
    std::uint64_t letter = 0;  ///< 0: it goes with the cursor
    bool goes = false;         ///< in the batch that is being committed
  };

  /// The first that is not before it.
  [[nodiscard]] const mark* find(position at) const noexcept {
    const mark* first = marks_.data();
    const mark* last = first + marks_.size();
    while (first != last) {
      const mark* const middle = first + (last - first) / 2;
      distance(middle->at, at) < 0 ? first = middle + 1 : last = middle;
    }
    return first;
  }
  [[nodiscard]] mark* find(position at) noexcept { return const_cast<mark*>(std::as_const(*this).find(at)); }
  /// There is room.
  void insert(const mark& m) noexcept {
    mark* const place = find(m.at);
    if (place != marks_.data() + marks_.size() && place->at == m.at) {
      place->letter = m.letter;
    } else {
      marks_.insert(marks_.begin() + (place - marks_.data()), m);
    }
    any_.store(true, std::memory_order_relaxed);
  }

  mutable std::mutex mutex_;
  std::vector<mark> marks_{};  // by position
  std::vector<std::uint64_t> over_{};
  std::size_t expected_ = 0;
  bool held_ = false;
  std::atomic<bool> any_{false};
};

}  // namespace peal::inline v0::detail
