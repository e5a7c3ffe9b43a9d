// SPDX-License-Identifier: MIT
// The cursors of a multicast ring, and the positions its publishers must not pass.
#pragma once

#include <peal/detail/maybe.hpp>
#include <peal/detail/own_ptr.hpp>
#include <peal/ring/atomics.hpp>
#include <peal/ring/detail/line.hpp>
#include <peal/ring/sequence.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace peal::inline v0::detail {

/// A cursor's word: its position and what it is, in one word, so that both are from the same moment.
enum : std::uint64_t { cursor_absent = 1, cursor_pinned = 2, cursor_dropping = 4, cursor_flag_bits = 3 };

/// One cursor and one line; the counts of drops fill the next.
template <class Atomics>
struct alignas(line_size) cursor_line {
  template <class Value>
  using atomic = typename Atomics::template atomic<Value>;
  static constexpr std::size_t types = 16;

  atomic<std::uint64_t> word{cursor_absent};
  atomic<std::uint32_t> taken{0};
  atomic<std::uint32_t> droppers{0};  // publishers between moving this cursor and counting what they dropped
  atomic<std::uint64_t> start{0};
  alignas(line_size) std::array<atomic<std::uint64_t>, types> dropped{};
};

/// What a scan found.
struct standing {
  position lowest = 0;     // nothing at or behind it may be overwritten; always set
  position firm = 0;       // the same without the unpinned dropping cursors, where has_firm
  bool has_firm = false;   // a gating or pinned cursor, or a held position
  bool droppable = false;  // an unpinned dropping cursor
  bool present = false;    // any cursor at all

  void firmly(position p) noexcept {
    firm = has_firm && distance(firm, p) <= 0 ? firm : p;
    has_firm = true;
  }
};

/// The fixed table of cursors, the version that joiners raise, and the cells of held positions.
/// Thread safety: take(), release() and scan() from any thread; a line's word is stored by its owner, and by publishers
/// where it is a dropping one.
template <class Atomics>
class cursor_table {
  using word = typename Atomics::template atomic<std::uint64_t>;
  using small_word = typename Atomics::template atomic<std::uint32_t>;
  struct alignas(line_size) hold_line {
    word cell{cursor_absent};
  };

 public:
  using line = cursor_line<Atomics>;

  cursor_table(std::size_t cursors, std::size_t holds, bool sequential_joins)
      : size_{static_cast<std::uint32_t>(cursors)},
        holds_{static_cast<std::uint32_t>(holds)},
        sequential_joins_{sequential_joins},
        lines_(cursors),
        hold_lines_(holds) {}

  [[nodiscard]] line& at(std::uint32_t index) const noexcept { return lines_[index]; }
  [[nodiscard]] word& hold(std::uint32_t index) const noexcept { return hold_lines_[index].cell; }
  [[nodiscard]] small_word& present() noexcept { return present_; }
  [[nodiscard]] const small_word& present() const noexcept { return present_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return size_ * sizeof(line) + holds_ * sizeof(hold_line); }

  /// The lowest free line, still absent; none when the table is full.
  [[nodiscard]] maybe<std::uint32_t> take() noexcept {
    for (std::uint32_t i = 0; i < size_; ++i) {
      std::uint32_t free = 0;
      if (lines_[i].taken.load(std::memory_order_relaxed) == 0 &&
          lines_[i].taken.compare_exchange_strong(free, 1, std::memory_order_acquire,  // [N3] pairs with [N4]
                                                  std::memory_order_relaxed)) {
        std::uint32_t seen = bound_.load(std::memory_order_relaxed);
        while (seen < i + 1 && !bound_.compare_exchange_weak(seen, i + 1, std::memory_order_relaxed)) {
        }
        return i;
      }
    }
    return {};
  }

  void release(std::uint32_t index) noexcept {
    lines_[index].taken.store(0, std::memory_order_release);  // [N4] pairs with [N3]
  }

  /// A joiner's bump, behind its first store to its line and behind take().
  void bump() noexcept {
    // [J2] pairs with [V1]; seq_cst with [V2] and the head's load where claims are no read-modify-writes
    version_.fetch_add(1, sequential_joins_ ? std::memory_order_seq_cst : std::memory_order_release);
  }

  /// The lowest position anybody still needs. `run()` gives the end of the published run, asked for where no cursor
  /// stands; `order` is acquire, or seq_cst for the second look before a sleep.
  template <class Run>
  [[nodiscard]] standing scan(std::memory_order order, Run run) const noexcept {
    for (;;) {
      const std::uint64_t before = version_.load(std::memory_order_acquire);  // [V1] pairs with [J2]
      const standing found = look(order, run);
      // [V2] pairs with [J2]: relaxed, since a claim behind a join acquires it; seq_cst where claims do not
      const std::uint64_t after =
          sequential_joins_ ? version_.load(std::memory_order_seq_cst) : version_.load(std::memory_order_relaxed);
      if (after == before) return found;
    }
  }

  /// Calls `f(line, word)` for every unpinned dropping cursor before `need`; false when one is pinned.
  template <class Visit>
  [[nodiscard]] bool each_dropping(position need, Visit f) const noexcept {
    const std::uint32_t bound = bound_.load(std::memory_order_relaxed);
    for (std::uint32_t i = 0; i < bound; ++i) {
      const std::uint64_t w = lines_[i].word.load(std::memory_order_acquire);  // [N1] pairs with [A2]
      if ((w & cursor_dropping) == 0 || (w & cursor_absent) != 0) continue;
      if (distance(w >> cursor_flag_bits, need) < 0 && !f(lines_[i])) return false;
    }
    return true;
  }

 private:
  template <class Run>
  [[nodiscard]] standing look(std::memory_order order, Run& run) const noexcept {
    standing s;
    position loose = 0;
    const std::uint32_t bound = bound_.load(std::memory_order_relaxed);  // raised before [J2], read behind [V1]
    for (std::uint32_t i = 0; i < bound; ++i) {
      const std::uint64_t w = load(lines_[i].word, order);  // [G2] pairs with [K1], [L1] and [A2]
      if ((w & cursor_absent) != 0) continue;
      const position p = w >> cursor_flag_bits;
      s.present = true;
      if ((w & (cursor_dropping | cursor_pinned)) == cursor_dropping) {
        loose = s.droppable && distance(loose, p) <= 0 ? loose : p;
        s.droppable = true;
      } else {
        s.firmly(p);
      }
    }
    s.lowest = s.present ? (s.has_firm ? s.firm : loose) : run();
    if (s.droppable && distance(loose, s.lowest) < 0) s.lowest = loose;
    // Behind the cursors: whoever saw one pass a position has synchronised with its publication, and sees its hold.
    for (std::uint32_t i = 0; i < holds_; ++i) {
      const std::uint64_t w = load(hold_lines_[i].cell, order);  // [H2] pairs with [H1] and [H3]
      if ((w & cursor_absent) != 0) continue;
      const position p = w >> cursor_flag_bits;
      s.firmly(p);
      if (distance(p, s.lowest) < 0) s.lowest = p;
    }
    return s;
  }

  // The order as a branch: compilers turn an order they do not know into the strongest.
  [[nodiscard]] static std::uint64_t load(const word& w, std::memory_order order) noexcept {
    return order == std::memory_order_seq_cst ? w.load(std::memory_order_seq_cst) : w.load(std::memory_order_acquire);
  }

  const std::uint32_t size_;
  const std::uint32_t holds_;
  const bool sequential_joins_;
  const own_array<line> lines_;
  const own_array<hold_line> hold_lines_;
  word version_{0};
  small_word bound_{0};
  small_word present_{0};
};

}  // namespace peal::inline v0::detail
