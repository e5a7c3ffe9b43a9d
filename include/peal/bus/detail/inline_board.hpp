// SPDX-License-Identifier: MIT
// Handlers on the publisher's thread: immutable lists read under a mark of the reading thread, replaced as a whole.
#pragma once

#include <peal/bus/detail/subscription_base.hpp>
#include <peal/detail/own_ptr.hpp>
#include <peal/detail/shared.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

namespace peal::inline v0::detail {

/// One handler in a list.
struct inline_entry {
  shared<subscription_base> subscription;
  here_function run = nullptr;
};

/// The handlers of one event type. Plain arrays: this header is compiled by everyone who uses a bus.
class inline_list {
 public:
  explicit inline_list(std::size_t count)
      : count_{count}, entries_{new inline_entry[count]}, used_{new std::atomic<std::uint64_t>[frame_table::cells] {
        }} {}
  inline_list(const inline_list&) = delete;
  inline_list& operator=(const inline_list&) = delete;
  ~inline_list() {
    delete[] entries_;
    delete[] used_;
  }

  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] inline_entry* begin() noexcept { return entries_; }
  [[nodiscard]] inline_entry* end() noexcept { return entries_ + count_; }
  inline_entry& operator[](std::size_t i) noexcept { return entries_[i]; }
  [[nodiscard]] bool has(const subscription_base& s) const noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
      if (entries_[i].subscription.get() == &s) return true;
    }
    return false;
  }

  /// Counts a use by the thread that owns the cell.
  void use(std::uint32_t cell) noexcept {
    used_[cell].store(used_[cell].load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t uses() const noexcept {
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < frame_table::cells; ++i) sum += used_[i].load(std::memory_order_relaxed);
    return sum;
  }

  // When it has been replaced:
  inline_list* next_retired = nullptr;
  shared<subscription_base> gone{};  ///< the subscription that was taken out by this replacement
  std::uint64_t* marks = nullptr;    ///< of each thread's cell then; null: not noted yet

 private:
  std::size_t count_;
  inline_entry* entries_;
  std::atomic<std::uint64_t>* used_;
};

/// The handlers of one topic that run on publishers' threads.
///
/// A publisher marks its cell, reads a list, runs it, unmarks; whoever replaces a list waits (or comes back) until every
/// cell that was marked then has been unmarked once. Memory order: mark before reading the list and replace before
/// reading the marks are a store-load handshake, asymmetric like those of the ring.
class inline_board {
 public:
  explicit inline_board(bus_base& bus) : bus_{bus} {}
  inline_board(const inline_board&) = delete;
  inline_board& operator=(const inline_board&) = delete;
  ~inline_board() {
    for (auto& list : lists_) delete list.load(std::memory_order_relaxed);
    while (retired_ != nullptr) free_list(std::exchange(retired_, retired_->next_retired));
    delete[] marks_;
  }

  [[nodiscard]] bool any(std::uint8_t type) const noexcept {
    return lists_[type].load(std::memory_order_acquire) != nullptr;  // pairs with [list]: the marks exist
  }

  /// Runs `use(entry)` for each handler of the type.
  template <class Use>
  void dispatch(std::uint8_t type, std::uint32_t cell, Use&& use) noexcept {
    mark& mine = marks_[cell];
    if (mine.depth++ == 0) {
      order_.publish(mine.word, mine.word.load(std::memory_order_relaxed) + 1);  // [mark] pairs with [marks-read]
    }
    if (inline_list* const list = order_.recheck(lists_[type]); list != nullptr) {  // [list-read] pairs with [list]
      // Into locals: the list does not change, which the compiler cannot know behind a handler.
      inline_entry* const last = list->end();
      for (inline_entry* e = list->begin(); e != last; ++e) use(*e);
      list->use(cell);
    }
    if (--mine.depth == 0) {
      order_.publish(mine.word, mine.word.load(std::memory_order_relaxed) + 1);  // [unmark] pairs with [marks-read]
      if (retired_count_.load(std::memory_order_relaxed) != 0) sweep();
      bus_.stops.notify_all();
    }
  }

  /// Caller holds bus.wiring.
  void add(const shared<subscription_base>& s, const std::uint8_t* types, const here_function* run, std::size_t count) {
    if (marks_ == nullptr) marks_ = new mark[frame_table::cells];
    for (std::size_t i = 0; i < count; ++i) {
      inline_list* const old = lists_[types[i]].load(std::memory_order_relaxed);
      const std::size_t before = old != nullptr ? old->size() : 0;
      own_ptr<inline_list> fresh{new inline_list(before + 1)};
      for (std::size_t k = 0; k < before; ++k) (*fresh)[k] = (*old)[k];
      (*fresh)[before] = {s, run[i]};
      replace(types[i], fresh.release(), nullptr);
    }
    note_marks();
  }

  /// Takes the subscription out of every list. Caller holds bus.wiring; afterwards, without it, sweep() ends the
  /// subscription once nobody runs it any more.
  void remove(const shared<subscription_base>& s) {
    std::uint32_t lists_left = 0;
    for (std::uint8_t type = 0; type < most_types; ++type) lists_left += listed(type, *s) ? 1U : 0U;
    for (std::uint8_t type = 0; type < most_types; ++type) {
      if (!listed(type, *s)) continue;
      inline_list* const old = lists_[type].load(std::memory_order_relaxed);
      inline_list* fresh = old->size() > 1 ? new inline_list(old->size() - 1) : nullptr;
      for (std::size_t k = 0, to = 0; k < old->size(); ++k) {
        if ((*old)[k].subscription != s) (*fresh)[to++] = (*old)[k];
      }
      replace(type, fresh, --lists_left == 0 ? s : nullptr);  // the last list to go carries the end
    }
    note_marks();
  }

  /// Frees what nobody can be reading any more and ends the subscriptions that were taken out.
  void sweep() noexcept {
    inline_list* quiet_ones = nullptr;
    {
      const std::lock_guard lock{bus_.wiring};
      for (inline_list** at = &retired_; *at != nullptr;) {
        inline_list* const list = *at;
        if (!quiet(*list)) {
          at = &list->next_retired;
          continue;
        }
        *at = list->next_retired;
        retired_count_.fetch_sub(1, std::memory_order_relaxed);
        count_uses(*list);
        list->next_retired = std::exchange(quiet_ones, list);
      }
    }
    if (quiet_ones == nullptr) return;
    while (quiet_ones != nullptr) {
      inline_list* const list = std::exchange(quiet_ones, quiet_ones->next_retired);
      if (list->gone != nullptr) {
        list->gone->destroy_handler();  // user code: not under the lock
        list->gone->life_.store(subscription_base::life::stopped, std::memory_order_release);
      }
      free_list(list);
    }
    bus_.stops.notify_all(side::rare);
  }

  /// Uses of the subscription's lists that are not in its counters yet. Caller holds bus.wiring.
  [[nodiscard]] std::uint64_t uses_of(const subscription_base& s) const {
    std::uint64_t sum = 0;
    for (std::uint8_t type = 0; type < most_types; ++type) {
      if (listed(type, s)) sum += lists_[type].load(std::memory_order_relaxed)->uses();
    }
    for (const inline_list* r = retired_; r != nullptr; r = r->next_retired) {
      if (r->has(s)) sum += r->uses();
    }
    return sum;
  }

 private:
  static constexpr std::uint8_t most_types = 16;
  struct alignas(64) mark {
    std::atomic<std::uint64_t> word{0};  ///< odd while its thread is in a list
    std::uint32_t depth = 0;             ///< of the thread that owns the cell
  };

  [[nodiscard]] bool listed(std::uint8_t type, const subscription_base& s) const noexcept {
    const inline_list* const list = lists_[type].load(std::memory_order_relaxed);
    return list != nullptr && list->has(s);
  }

  void replace(std::uint8_t type, inline_list* fresh, shared<subscription_base> gone) noexcept {
    inline_list* const old = lists_[type].exchange(fresh, std::memory_order_seq_cst);  // [list] pairs with [list-read]
    if (old == nullptr) return;
    old->gone = std::move(gone);
    old->next_retired = std::exchange(retired_, old);
    retired_count_.fetch_add(1, std::memory_order_relaxed);
  }

  /// Behind the barrier: which threads may still be in the lists just retired.
  void note_marks() {
    order_.settle();
    for (inline_list* r = retired_; r != nullptr; r = r->next_retired) {
      if (r->marks != nullptr) continue;
      r->marks = new std::uint64_t[frame_table::cells];
      for (std::uint32_t i = 0; i < frame_table::cells; ++i) {
        r->marks[i] = order_.recheck(marks_[i].word);  // [marks-read] pairs with [mark] and [unmark]
      }
    }
  }

  [[nodiscard]] bool quiet(const inline_list& r) const noexcept {
    for (std::uint32_t i = 0; i < frame_table::cells; ++i) {
      if ((r.marks[i] & 1U) != 0 && order_.recheck(marks_[i].word) == r.marks[i]) return false;  // pairs with [unmark]
    }
    return true;
  }

  static void count_uses(inline_list& r) noexcept {
    const std::uint64_t uses = r.uses();
    for (std::size_t i = 0; i < r.size(); ++i) r[i].subscription->counts_.taken.add_shared(uses);
  }
  static void free_list(inline_list* list) noexcept {
    delete[] list->marks;
    delete list;
  }

  bus_base& bus_;
  barrier<> order_{};
  std::atomic<inline_list*> lists_[most_types]{};
  inline_list* retired_ = nullptr;
  mark* marks_ = nullptr;
  std::atomic<std::uint32_t> retired_count_{0};
};

}  // namespace peal::inline v0::detail
