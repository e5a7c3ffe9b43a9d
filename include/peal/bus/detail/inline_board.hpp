// SPDX-License-Identifier: MIT
// Handlers on the publisher's thread: immutable lists read under a pin of the reading thread, replaced as a whole.
#pragma once

#include <peal/bus/detail/subscription_base.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace peal::inline v0::detail {

/// The handlers of one event type.
struct inline_list {
  struct entry {
    std::shared_ptr<subscription_base> subscription;
    here_function run;
  };
  std::vector<entry> entries;
  /// How often the list was used, by the thread's cell, which one thread owns at a time.
  std::unique_ptr<std::atomic<std::uint64_t>[]> used =
      std::make_unique<std::atomic<std::uint64_t>[]>(frame_table::cells);

  [[nodiscard]] std::uint64_t uses() const noexcept {
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < frame_table::cells; ++i) sum += used[i].load(std::memory_order_relaxed);
    return sum;
  }
};

/// The handlers of one topic that run on publishers' threads.
///
/// A publisher marks its cell, reads a list, runs it, unmarks; whoever replaces a list waits (or comes back) until every
/// cell that was marked then has been unmarked once. Memory order: mark before reading the list and replace before
/// reading the marks are a store-load handshake, asymmetric like those of the ring.
class inline_board {
 public:
  explicit inline_board(bus_base& bus) : bus_{bus}, marks_{std::make_unique<mark[]>(frame_table::cells)} {}

  [[nodiscard]] bool any(std::uint8_t type) const noexcept {
    return lists_[type].load(std::memory_order_relaxed) != nullptr;
  }

  /// Runs `use(entry)` for each handler of the type.
  template <class Use>
  void dispatch(std::uint8_t type, std::uint32_t cell, Use&& use) noexcept {
    mark& mine = marks_[cell];
    if (mine.depth++ == 0) {
      order_.publish(mine.word, mine.word.load(std::memory_order_relaxed) + 1);  // [mark] pairs with [marks-read]
    }
    // [list-read] pairs with [list]; between two looks of this thread the list may have been replaced
    inline_list* const list = order_.mode() == barrier_mode::asymmetric ? lists_[type].load(std::memory_order_acquire)
                                                                        : lists_[type].load(std::memory_order_seq_cst);
    if (list != nullptr) {
      for (const inline_list::entry& e : list->entries) use(e);
      auto& count = list->used[cell];
      count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    if (--mine.depth == 0) {
      mine.word.store(mine.word.load(std::memory_order_relaxed) + 1, std::memory_order_release);  // [unmark]
      if (zombies_.load(std::memory_order_relaxed) != 0) sweep();
      bus_.stops.notify_all();
    }
  }

  /// Caller holds bus.wiring.
  void add(const std::shared_ptr<subscription_base>& s, const std::uint8_t* types, const here_function* run,
           std::size_t count) {
    std::vector<std::unique_ptr<inline_list>> fresh;
    for (std::size_t i = 0; i < count; ++i) {
      fresh.push_back(copy_of(types[i], nullptr));
      fresh.back()->entries.push_back({s, run[i]});
    }
    retired_.reserve(retired_.size() + count);
    for (std::size_t i = 0; i < count; ++i) replace(types[i], std::move(fresh[i]));
    order_.settle();
    note_marks(nullptr);
  }

  /// Takes the subscription out of every list. Caller holds bus.wiring; afterwards, without it, finished() tells when
  /// nobody runs it any more.
  void remove(const std::shared_ptr<subscription_base>& s) {
    for (std::uint8_t type = 0; type < lists_.size(); ++type) {
      if (!s->wants(type) || !any(type)) continue;
      auto fresh = copy_of(type, s.get());
      if (fresh->entries.empty()) fresh.reset();
      retired_.reserve(retired_.size() + 1);
      replace(type, std::move(fresh));
    }
    order_.settle();
    note_marks(s);
  }

  /// Frees what nobody can be reading any more and ends the subscriptions that were taken out.
  void sweep() noexcept {
    std::vector<retired> done;
    {
      const std::scoped_lock lock{bus_.wiring};
      auto still = std::partition(retired_.begin(), retired_.end(), [this](const retired& r) { return !quiet(r); });
      std::move(still, retired_.end(), std::back_inserter(done));
      retired_.erase(still, retired_.end());
      for (retired& r : done) count_uses(r);
    }
    for (retired& r : done) {
      if (r.gone == nullptr) continue;
      r.gone->destroy_handler();  // user code: not under the lock
      zombies_.fetch_sub(1, std::memory_order_relaxed);
      r.gone->life_.store(subscription_base::life::stopped, std::memory_order_release);
    }
    if (!done.empty()) bus_.stops.notify_all(side::rare);
  }

  /// Uses of the subscription's lists that are not in its counters yet. Caller holds bus.wiring.
  [[nodiscard]] std::uint64_t uses_of(const subscription_base& s) const {
    std::uint64_t sum = 0;
    const auto in = [&s](const inline_list& l) {
      return std::any_of(l.entries.begin(), l.entries.end(),
                         [&s](const inline_list::entry& e) { return e.subscription.get() == &s; });
    };
    for (const auto& l : owned_) {
      if (l != nullptr && in(*l)) sum += l->uses();
    }
    for (const retired& r : retired_) {
      if (r.list != nullptr && in(*r.list)) sum += r.list->uses();
    }
    return sum;
  }

 private:
  struct alignas(64) mark {
    std::atomic<std::uint64_t> word{0};  ///< odd while its thread is in a list
    std::uint32_t depth = 0;             ///< of the thread that owns the cell
  };
  struct seen_mark {
    std::uint32_t cell;
    std::uint64_t word;
  };
  struct retired {
    std::unique_ptr<inline_list> list;
    std::shared_ptr<subscription_base> gone;
    std::vector<seen_mark> marks;
    bool noted = false;
  };

  std::unique_ptr<inline_list> copy_of(std::uint8_t type, const subscription_base* without) const {
    auto fresh = std::make_unique<inline_list>();
    if (owned_[type] != nullptr) {
      for (const inline_list::entry& e : owned_[type]->entries) {
        if (e.subscription.get() != without) fresh->entries.push_back(e);
      }
    }
    return fresh;
  }

  void replace(std::uint8_t type, std::unique_ptr<inline_list> fresh) {
    lists_[type].store(fresh.get(), std::memory_order_seq_cst);  // [list] pairs with [list-read]
    retired_.push_back({std::move(owned_[type]), nullptr, {}, false});
    owned_[type] = std::move(fresh);
  }

  /// Behind the barrier: which threads may still be in the lists just retired.
  void note_marks(const std::shared_ptr<subscription_base>& gone) {
    std::vector<seen_mark> marks;
    for (std::uint32_t i = 0; i < frame_table::cells; ++i) {
      const std::uint64_t word = order_.recheck(marks_[i].word);  // [marks-read] pairs with [mark] and [unmark]
      if ((word & 1U) != 0) marks.push_back({i, word});
    }
    if (gone != nullptr) {
      zombies_.fetch_add(1, std::memory_order_relaxed);
      retired_.push_back({nullptr, gone, {}, false});
    }
    for (retired& r : retired_) {
      if (!r.noted) r.marks = marks;
      r.noted = true;
    }
  }

  [[nodiscard]] bool quiet(const retired& r) const noexcept {
    return std::all_of(r.marks.begin(), r.marks.end(), [this](const seen_mark& m) {
      return marks_[m.cell].word.load(std::memory_order_seq_cst) != m.word;  // pairs with [unmark]
    });
  }

  static void count_uses(retired& r) noexcept {
    if (r.list == nullptr) return;
    const std::uint64_t uses = r.list->uses();
    for (const inline_list::entry& e : r.list->entries) e.subscription->counts_.taken.add_shared(uses);
  }

  bus_base& bus_;
  barrier<> order_{};
  std::array<std::atomic<inline_list*>, 16> lists_{};
  std::array<std::unique_ptr<inline_list>, 16> owned_{};
  std::vector<retired> retired_;
  std::unique_ptr<mark[]> marks_;
  std::atomic<std::uint32_t> zombies_{0};
};

}  // namespace peal::inline v0::detail
