// SPDX-License-Identifier: MIT
// Timers of the bus: a tickless, intrusive, hierarchical timer wheel that never allocates and never fires early.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <peal/detail/maybe.hpp>
#include <peal/detail/time.hpp>
#include <utility>

namespace peal::inline v0 {

class timer_wheel;

/// One timer: a member or base of whatever waits, linked into the wheel while it is armed.
///
/// Lifetime: at one address from `arm` until it fires or is cancelled; `fire` may destroy the node it is given.
/// Thread safety: none; the wheel's owner serialises.
struct timer_node {
  timer_node() noexcept = default;
  explicit timer_node(void (*action)(timer_node&) noexcept) noexcept : fire{action} {}
  timer_node(const timer_node&) = delete;
  timer_node& operator=(const timer_node&) = delete;

  std::chrono::steady_clock::time_point due{};   ///< set by `arm`; not to be written while armed
  void (*fire)(timer_node&) noexcept = nullptr;  ///< called once when due, after the node was taken out
  [[nodiscard]] bool armed() const noexcept { return back_ != nullptr; }

 private:
  friend class timer_wheel;
  timer_node* next_ = nullptr;
  timer_node** back_ = nullptr;  // the pointer that points here: a slot's head or a neighbour's next_
  std::uint64_t order_ = 0;      // of arming: decides between equal due times
  std::uint64_t tick_ = 0;
  std::uint8_t level_ = 0;
  std::uint8_t slot_ = 0;
};

/// Calls each armed node once its time has come.
///
/// A hierarchical wheel after G. Varghese and A. Lauck, "Hashed and Hierarchical Timing Wheels" (SOSP 1987), scheme 7:
/// eight levels of 64 slots, the lowest slot being one tick of 2^16 ns (65.5 µs). A node is filed at the highest 6-bit
/// digit in which its tick differs from the current tick, so each level's bitmap names the next slot without a search
/// and an idle wheel needs no tick.
///
/// Order: by due time, equal times in the order of arming. A node armed by a `fire` for a time already reached waits
/// for the next tick, so that no node can keep `advance` from returning.
/// Units: a node fires at the first tick boundary at or after its due time: never early, at most one tick late. Times
/// whose boundary lies beyond `time_point::max()` never come.
/// Complexity: `arm`, `cancel` and `next` are O(1); a node is moved at most once a level before it fires, and
/// sorted among the nodes of its tick. A slot is opened at once, so one `advance` may move what the next 17 s, 18 min, …
/// hold.
/// Thread safety: none; the owner locks. No allocation anywhere.
/// Lifetime: the destructor leaves nodes that are still armed alone; they must not be cancelled after it.
class timer_wheel {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::nanoseconds tick{std::int64_t{1} << 16};

  explicit timer_wheel(time_point start) noexcept : start_{nanoseconds_of(start)} {
    constexpr std::uint64_t end_of_levels = (std::uint64_t{1} << (digit_bits * level_count)) - 2;
    const std::uint64_t representable = offset(time_point::max()) >> tick_bits;
    last_tick_ = representable < end_of_levels ? representable : end_of_levels;
  }
  timer_wheel(const timer_wheel&) = delete;
  timer_wheel& operator=(const timer_wheel&) = delete;

  /// Fires `node` at `due`; a node that is armed already is moved.
  void arm(timer_node& node, time_point due) noexcept {
    assert(node.fire != nullptr && "a timer needs its fire");
    if (node.armed()) unlink(node);
    node.due = due;
    node.order_ = ++armed_ever_;
    const std::uint64_t since_start = offset(due);
    node.tick_ = (since_start >> tick_bits) + ((since_start & (ticks(1) - 1)) != 0 ? 1U : 0U);
    const std::uint64_t earliest = firing_now_ ? current_ + 1 : current_;
    if (node.tick_ < earliest) node.tick_ = earliest;
    if (node.tick_ > last_tick_) node.tick_ = last_tick_ + 1;
    file(node);
    ++size_;
  }

  /// Takes `node` out; false when it was not armed.
  bool cancel(timer_node& node) noexcept {
    if (!node.armed()) return false;
    unlink(node);
    return true;
  }

  /// When to call `advance` next: at or before the next expiry, and after the last `advance` unless a node is due.
  /// Empty when nothing will ever fire. Each `advance(*next())` either fires or brings a node closer, so a loop of the
  /// two ends, after at most eight rounds for a lone node.
  [[nodiscard]] detail::maybe<time_point> next() const noexcept {
    if (due_ != nullptr) return time_of(current_);
    const detail::maybe<place> where = next_slot();
    if (!where || where->starts > last_tick_) return {};
    return time_of(where->starts);
  }

  /// Fires every node that is due at `now` and returns how many fired. `fire` may arm and cancel any node, its own
  /// included, but not advance. A `now` before the latest one counts as the latest.
  std::size_t advance(time_point now) noexcept {
    assert(!firing_now_ && "advance called from inside fire");
    std::uint64_t until = offset(now) >> tick_bits;
    if (until > last_tick_) until = last_tick_;
    if (until < current_) until = current_;
    firing_now_ = true;
    std::size_t fired = fire_due();
    for (detail::maybe<place> where = next_slot(); where && where->starts <= until; where = next_slot()) {
      open(*where);
      fired += fire_due();
    }
    current_ = until;
    firing_now_ = false;
    return fired;
  }

  /// Nodes armed now.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  /// Nodes filed or moved between slots since construction: what the wheel's upkeep has cost so far.
  [[nodiscard]] std::uint64_t moves() const noexcept { return moves_; }

 private:
  static constexpr unsigned tick_bits = 16;
  static constexpr unsigned digit_bits = 6;
  static constexpr unsigned slot_count = 1U << digit_bits;
  static constexpr unsigned level_count = 8;  // 48 bits of ticks: 584 years
  static constexpr std::uint8_t due_level = level_count;

  struct place {
    unsigned level;
    unsigned slot;
    std::uint64_t starts;  // first tick of the slot
  };

  static constexpr std::uint64_t ticks(std::uint64_t count) noexcept { return count << tick_bits; }

  static std::uint64_t nanoseconds_of(time_point t) noexcept {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(t.time_since_epoch()).count());
  }

  // Nanoseconds since the start, 0 before it; exact for every pair of times because it is formed modulo 2^64.
  std::uint64_t offset(time_point t) const noexcept {
    const std::uint64_t at = nanoseconds_of(t);
    return static_cast<std::int64_t>(at) <= static_cast<std::int64_t>(start_) ? 0 : at - start_;
  }

  // Only for ticks up to last_tick_, whose times are representable.
  time_point time_of(std::uint64_t at) const noexcept {
    return time_point{std::chrono::duration_cast<time_point::duration>(
        std::chrono::nanoseconds{static_cast<std::int64_t>(start_ + ticks(at))})};
  }

  // Nodes of a level share all higher digits with current_ and exceed it in this one: the lowest level that holds any
  // holds the next, and its lowest set bit is the slot.
  detail::maybe<place> next_slot() const noexcept {
    if (levels_in_use_ == 0) return {};
    const auto level = static_cast<unsigned>(std::countr_zero(levels_in_use_));
    const auto slot = static_cast<unsigned>(std::countr_zero(slots_in_use_[level]));
    const unsigned shift = level * digit_bits;
    const std::uint64_t above = (current_ >> (shift + digit_bits)) << (shift + digit_bits);
    return place{level, slot, above | (std::uint64_t{slot} << shift)};
  }

  void file(timer_node& node) noexcept {
    ++moves_;
    if (node.tick_ <= current_) {
      node.level_ = due_level;
      link(node, due_);
      return;
    }
    const auto highest = static_cast<unsigned>(std::bit_width(node.tick_ ^ current_)) - 1;
    const unsigned level = highest / digit_bits;
    const auto slot = static_cast<unsigned>((node.tick_ >> (level * digit_bits)) & (slot_count - 1));
    node.level_ = static_cast<std::uint8_t>(level);
    node.slot_ = static_cast<std::uint8_t>(slot);
    slots_in_use_[level] |= std::uint64_t{1} << slot;
    levels_in_use_ |= 1U << level;
    link(node, slots_[level][slot]);
  }

  static void link(timer_node& node, timer_node*& head) noexcept {
    node.next_ = head;
    node.back_ = &head;
    if (head != nullptr) head->back_ = &node.next_;
    head = &node;
  }

  void unlink(timer_node& node) noexcept {
    *node.back_ = node.next_;
    if (node.next_ != nullptr) node.next_->back_ = node.back_;
    node.back_ = nullptr;
    --size_;
    if (node.level_ != due_level && slots_[node.level_][node.slot_] == nullptr) clear(node.level_, node.slot_);
  }

  void clear(unsigned level, unsigned slot) noexcept {
    slots_in_use_[level] &= ~(std::uint64_t{1} << slot);
    if (slots_in_use_[level] == 0) levels_in_use_ &= ~(1U << level);
  }

  // Makes the slot's first tick the current one and files its nodes anew: onto lower levels, or as due.
  void open(const place& where) noexcept {
    current_ = where.starts;
    timer_node* rest = std::exchange(slots_[where.level][where.slot], nullptr);
    clear(where.level, where.slot);
    while (rest != nullptr) {
      timer_node& node = *rest;
      rest = node.next_;
      file(node);
    }
  }

  std::size_t fire_due() noexcept {
    if (due_ == nullptr) return 0;
    sort_due();
    std::size_t fired = 0;
    while (due_ != nullptr) {
      timer_node& node = *due_;
      unlink(node);
      ++fired;
      node.fire(node);
    }
    return fired;
  }

  static bool before(const timer_node& a, const timer_node& b) noexcept {
    return a.due != b.due ? a.due < b.due : a.order_ < b.order_;
  }

  static timer_node* merge(timer_node* a, timer_node* b) noexcept {
    timer_node* head = nullptr;
    timer_node** tail = &head;
    while (a != nullptr && b != nullptr) {
      timer_node*& first = before(*a, *b) ? a : b;
      *tail = first;
      tail = &first->next_;
      first = first->next_;
    }
    *tail = a != nullptr ? a : b;
    return head;
  }

  // Merge sort from the bottom up: runs[i] is empty or a sorted run of 2^i nodes. Needs no memory of its own.
  void sort_due() noexcept {
    if (due_->next_ == nullptr) return;
    std::array<timer_node*, std::numeric_limits<std::size_t>::digits> runs{};
    std::size_t used = 0;
    for (timer_node* rest = std::exchange(due_, nullptr); rest != nullptr;) {
      timer_node* run = std::exchange(rest, rest->next_);
      run->next_ = nullptr;
      std::size_t i = 0;
      for (; runs[i] != nullptr; ++i) run = merge(std::exchange(runs[i], nullptr), run);
      runs[i] = run;
      if (i >= used) used = i + 1;
    }
    for (std::size_t i = 0; i < used; ++i) due_ = merge(runs[i], due_);
    timer_node** back = &due_;
    for (timer_node* node = due_; node != nullptr; node = node->next_) {
      node->back_ = back;
      back = &node->next_;
    }
  }

  std::array<std::array<timer_node*, slot_count>, level_count> slots_{};
  std::array<std::uint64_t, level_count> slots_in_use_{};
  std::uint32_t levels_in_use_ = 0;
  bool firing_now_ = false;
  timer_node* due_ = nullptr;  // nodes whose tick is reached
  std::uint64_t start_;
  std::uint64_t last_tick_ = 0;
  std::uint64_t current_ = 0;
  std::uint64_t armed_ever_ = 0;
  std::uint64_t moves_ = 0;
  std::size_t size_ = 0;
};

}  // namespace peal::inline v0
