// SPDX-License-Identifier: MIT
// The dead letters of one topic, oldest first.
#pragma once

#include <peal/bus/detail/kept.hpp>
#include <peal/detail/list.hpp>
#include <peal/detail/shared.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace peal::inline v0::detail {

using letter_ptr = shared<const kept>;

/// Capacity: fixed; a full box refuses, and the delivery stays where it is.
/// Thread safety: everything may be called from any thread; no user code runs under its lock.
class letter_box {
 public:
  explicit letter_box(std::size_t capacity) noexcept : capacity_{capacity} {}

  /// Takes the letter and returns its number, or leaves it with the caller when the box is full: 0.
  /// Errors: bad_alloc, the letter left with the caller.
  /// With `beyond` a full box takes it all the same: for handlers on a publisher's thread, which nobody can stall.
  /// `placed` becomes the letter itself.
  std::uint64_t put(kept_ptr& k, letter_ptr& placed, bool beyond = false) {
    if (k->ops->let_go != nullptr) k->ops->let_go(k->event());
    auto owner = shared<kept_ptr>{new kept_ptr};  // the shared part is made first: then nothing can fail half way
    const std::lock_guard lock{mutex_};
    if (live_ >= capacity_ && !beyond) return 0;
    // One that came back and is blocked again by an older letter stands where it stood, before younger ones of its key.
    const bool stays = k->number != 0 && k->blocked_by != 0 && k->blocked_by < k->number;
    const std::uint64_t number = stays ? k->number : last_number_ + 1;
    const std::size_t at = place_of(number);
    if (at == numbers_.size() || numbers_[at] != number) {
      numbers_.make_room(numbers_.size() + 1);
      letters_.insert(letters_.begin() + at, nullptr);
      numbers_.insert(numbers_.begin() + at, number);
    }
    if (!stays) last_number_ = number;
    k->number = number;
    const kept* const address = k.get();
    *owner = std::move(k);
    letters_[at] = letter_ptr{std::move(owner), address};
    placed = letters_[at];
    if (letters_[at]->blocked_by != 0) ++blocked_;
    count_.store(++live_, std::memory_order_seq_cst);
    return number;
  }

  /// A letter of an earlier life of the bus, under its number, which no later one gets. Errors: bad_alloc.
  void restore(kept_ptr k) {
    const kept* const address = k.get();
    const letter_ptr l{shared<kept_ptr>{new kept_ptr{std::move(k)}}, address};
    skip_number(l->number);
    put_back(l);
  }
  void skip_number(std::uint64_t number) noexcept {
    const std::lock_guard lock{mutex_};
    if (last_number_ < number) last_number_ = number;
  }
  /// For a letter that stands elsewhere.
  std::uint64_t take_number() noexcept {
    const std::lock_guard lock{mutex_};
    return ++last_number_;
  }

  [[nodiscard]] bool full() const noexcept { return count_.load(std::memory_order_seq_cst) >= capacity_; }
  [[nodiscard]] std::size_t size() const noexcept { return count_.load(std::memory_order_relaxed); }

  /// The letters that match in all but the text and code of their errors, left where they are.
  [[nodiscard]] list<letter_ptr> find(const dead_letter_query& query, const std::uint8_t* type) const {
    if (query.error.empty() && !query.code) return find_first(query, type);
    dead_letter_query all = query;
    all.limit = ~std::size_t{0};
    return find_first(all, type);
  }
  /// The first `limit` of those.
  [[nodiscard]] list<letter_ptr> find_first(const dead_letter_query& query, const std::uint8_t* type) const {
    list<letter_ptr> found;
    const std::lock_guard lock{mutex_};
    for (std::size_t at = place_of(query.number ? *query.number : query.after + 1); at < letters_.size(); ++at) {
      if (found.size() == query.limit || (query.number && numbers_[at] != *query.number)) break;
      const letter_ptr& l = letters_[at];
      if (l != nullptr && matches(*l, query, type)) found.push_back(l);
    }
    return found;
  }

  /// The letter with this number; null when it is gone.
  [[nodiscard]] letter_ptr get(std::uint64_t number) const {
    const std::lock_guard lock{mutex_};
    const std::size_t at = place_of(number);
    return at < numbers_.size() && numbers_[at] == number ? letters_[at] : nullptr;
  }
  [[nodiscard]] bool has(std::uint64_t number) const { return get(number) != nullptr; }

  /// In all but the text and code of its errors.
  static bool matches(const kept& l, const dead_letter_query& q, const std::uint8_t* type) {
    if (q.event && (!l.has_position || l.position != q.event->position())) return false;
    return l.number > q.after && (type == nullptr || l.type == *type) &&
           (q.subscription.empty() || q.subscription == l.subscription) && (!q.cause || *q.cause == l.cause) &&
           (!q.number || *q.number == l.number) && l.died_at >= q.from &&
           (l.died_at < q.to || q.to == time_point::max());
  }

  /// Undoes a removal: the letter stands where it stood, under its number.
  void put_back(const letter_ptr& l) {
    const std::lock_guard lock{mutex_};
    const std::size_t at = place_of(l->number);
    if (at < numbers_.size() && numbers_[at] == l->number) {
      letters_[at] = l;
    } else {
      letters_.insert(letters_.begin() + at, l);
      numbers_.insert(numbers_.begin() + at, l->number);
    }
    if (l->blocked_by != 0) ++blocked_;
    count_.store(++live_, std::memory_order_seq_cst);
  }

  /// Puts an edited letter in the place of the one that it was made from; false when somebody else was faster.
  bool replace(const kept* before, letter_ptr& edited) noexcept {
    const std::lock_guard lock{mutex_};
    const std::size_t at = place_of(before->number);
    if (at == letters_.size() || letters_[at].get() != before) return false;
    letters_[at].swap(edited);  // the caller destroys the old one, whose destructor is user code
    return true;
  }

  /// The letters that wait for this one, which holds their key.
  [[nodiscard]] list<letter_ptr> behind(std::uint64_t number) const {
    list<letter_ptr> found;
    const std::lock_guard lock{mutex_};
    if (blocked_ == 0) return found;
    for (std::size_t at = place_of(number + 1); at < letters_.size(); ++at) {
      if (letters_[at] != nullptr && letters_[at]->blocked_by == number) found.push_back(letters_[at]);
    }
    return found;
  }
  [[nodiscard]] std::uint64_t last_number() const noexcept {
    const std::lock_guard lock{mutex_};
    return last_number_;
  }

  /// Removes one letter; false when somebody else was faster. With `expected` only that one, not an edited one.
  bool remove(std::uint64_t number, const kept* expected = nullptr) {
    letter_ptr gone;  // declared before the lock, so destroyed after it: the event's destructor is user code
    const std::lock_guard lock{mutex_};
    const std::size_t at = place_of(number);
    if (at == letters_.size() || numbers_[at] != number || letters_[at] == nullptr) return false;
    if (expected != nullptr && letters_[at].get() != expected) return false;
    gone = std::move(letters_[at]);
    if (gone->blocked_by != 0) --blocked_;
    count_.store(--live_, std::memory_order_seq_cst);
    if (live_ * 2 < letters_.size()) close_gaps();
    return true;
  }

 private:
  /// Of the first letter with this number or a later one.
  [[nodiscard]] std::size_t place_of(std::uint64_t number) const noexcept {
    std::size_t low = 0;
    std::size_t high = numbers_.size();
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      (numbers_[middle] < number ? low : high) = numbers_[middle] < number ? middle + 1 : middle;
    }
    return low;
  }

  void close_gaps() noexcept {
    std::size_t to = 0;
    for (std::size_t from = 0; from < letters_.size(); ++from) {
      if (letters_[from] == nullptr) continue;
      numbers_[to] = numbers_[from];
      letters_[to++] = std::move(letters_[from]);
    }
    letters_.resize(to);
    numbers_.resize(to);
  }

  mutable std::mutex mutex_;
  list<letter_ptr> letters_;  // by number; null where one was removed
  list<std::uint64_t> numbers_;
  std::size_t live_ = 0;
  std::size_t blocked_ = 0;  ///< of those, how many wait for the one that holds their key
  std::uint64_t last_number_ = 0;
  std::size_t capacity_;
  std::atomic<std::size_t> count_{0};
};

}  // namespace peal::inline v0::detail
