// SPDX-License-Identifier: MIT
// The word that orders acceptance and refusal: where the next event goes, and whether it may.
#pragma once

#include <peal/ring/atomics.hpp>
#include <peal/ring/detail/line.hpp>
#include <peal/ring/sequence.hpp>

#include <cstdint>

namespace peal::inline v0 {

/// What became of a claim; as the state of a ring: `claimed` stands for open.
enum class claim_status : std::uint8_t { claimed, full, closing, closed };

/// Who wants a place: `closing` refuses outsiders, `closed` refuses all.
enum class caller : std::uint8_t { outsider, insider };

namespace detail {

enum : std::uint64_t { claim_open = 0, claim_closing = 1, claim_closed = 2, claim_state_bits = 3, claim_sealed = 4 };

[[nodiscard]] constexpr claim_status refusal(std::uint64_t state, caller who) noexcept {
  if ((state & claim_state_bits) == claim_closed) return claim_status::closed;
  if ((state & claim_state_bits) == claim_closing && who == caller::outsider) return claim_status::closing;
  return claim_status::claimed;
}

/// The claim of many producers is one word, `position << 2 | {0 open, 1 closing, 2 closed}`.
/// The claim of a single producer is two: the head, `position << 1 | busy`, stored only by that producer, and the state,
/// stored only by closers; a plain store of both in one word would erase a racing close.
/// Thread safety: the members that say "producer" belong to the single producer, all others to everybody.
template <class Atomics>
class claim_word {
  using word = typename Atomics::template atomic<std::uint64_t>;

 public:
  claim_word(position first, bool single, barrier<Atomics> order) noexcept
      : single_{single}, order_{order}, claim_{single ? first << 1 : first << 2} {}

  [[nodiscard]] bool single() const noexcept { return single_; }

  /// Many producers: the word as it is, for compare-exchange.
  [[nodiscard]] std::uint64_t load() const noexcept {
    return claim_.load(std::memory_order_relaxed);
  }  // one word: [C1]

  [[nodiscard]] bool exchange(std::uint64_t& expected, std::uint64_t desired) noexcept {
    // [C2] pairs with [J3]: a claim behind a joiner's read-modify-write knows of that joiner
    return claim_.compare_exchange_weak(expected, desired, std::memory_order_acquire, std::memory_order_relaxed);
  }

  [[nodiscard]] position head() const noexcept { return position_of(claim_.load(std::memory_order_relaxed)); }
  /// For the second look before a sleep.
  [[nodiscard]] position head_recheck() const noexcept {
    return position_of(claim_.load(std::memory_order_seq_cst));  // [B4] pairs with [X1]
  }

  /// 0 open, 1 closing, 2 closed.
  [[nodiscard]] std::uint64_t state() const noexcept {
    const word& w = single_ ? state_ : claim_;
    return w.load(std::memory_order_seq_cst) & claim_state_bits;  // [B4] pairs with [X1] and [T2]
  }

  /// Whether the ring is closed and `p` is where it ended. One word says both, or the seal says that the head is final.
  [[nodiscard]] bool ended_at(position p) const noexcept {
    if (!single_) {
      const std::uint64_t w = claim_.load(std::memory_order_seq_cst);  // [E1] pairs with [X1]; seq_cst as [B4]
      return (w & claim_state_bits) == claim_closed && w >> 2 == p;
    }
    const std::uint64_t s = state_.load(std::memory_order_seq_cst);  // [E2] pairs with [X2]
    return s == (claim_closed | claim_sealed) && claim_.load(std::memory_order_relaxed) >> 1 == p;
  }

  // ---- the single producer ----
  [[nodiscard]] position producer_head() const noexcept { return claim_.load(std::memory_order_relaxed) >> 1; }

  /// Producer: takes [p, …) unless the state refuses; the claim is then open until finish().
  [[nodiscard]] claim_status producer_begin(position p, caller who) noexcept {
    order_.mark(claim_, p << 1 | 1);                                                  // [B1] pairs with [B3] and [J4]
    const claim_status s = refusal(order_.observe(state_), who);                      // [T1] pairs with [T2]
    if (s != claim_status::claimed) claim_.store(p << 1, std::memory_order_release);  // [T3] pairs with [B3]
    return s;
  }

  /// Producer: everything up to `next` is published.
  void producer_finish(position next) noexcept { claim_.store(next << 1, std::memory_order_relaxed); }

  // ---- joining ----
  /// The head a joiner starts at, read after its version bump, such that whoever claims behind it knows of the joiner.
  [[nodiscard]] position join_head() noexcept {
    if (!single_) return claim_.fetch_add(0, std::memory_order_release) >> 2;  // [J3] pairs with [C2]
    order_.settle();
    return idle_head();  // [J4] pairs with [B1]
  }

  // ---- closing ----
  /// Raises the state; whether this call raised it.
  bool close(std::uint64_t to) noexcept {
    if (single_) return close_single(to);
    std::uint64_t w = claim_.load(std::memory_order_relaxed);
    while ((w & claim_state_bits) < to) {
      // [X1] pairs with [B4] and [E1]; with [W1] behind it
      if (claim_.compare_exchange_weak(w, (w & ~std::uint64_t{claim_state_bits}) | to, std::memory_order_seq_cst,
                                       std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

 private:
  [[nodiscard]] position position_of(std::uint64_t w) const noexcept { return single_ ? w >> 1 : w >> 2; }

  bool close_single(std::uint64_t to) noexcept {
    std::uint64_t s = state_.load(std::memory_order_relaxed);
    do {
      if ((s & claim_state_bits) >= to) return false;
    } while (
        !state_.compare_exchange_weak(s, to, std::memory_order_seq_cst, std::memory_order_relaxed));  // [T2] ↔ [T1]
    order_.settle();
    (void)idle_head();  // [B3] pairs with [B1] and [T3]
    std::uint64_t mine = to;
    // [X2] pairs with [E2]: only now is the head final. Lost to a closer that goes further, which seals then.
    state_.compare_exchange_strong(mine, to | claim_sealed, std::memory_order_seq_cst, std::memory_order_relaxed);
    return true;
  }

  /// Waits until no claim is open: one noexcept move of the producer.
  [[nodiscard]] position idle_head() const noexcept {
    for (unsigned spins = 0;; ++spins) {
      const std::uint64_t w = order_.recheck(claim_);
      if ((w & 1) == 0) return w >> 1;
      if (spins < 64) {
        Atomics::pause();
      } else {
        Atomics::yield();
      }
    }
  }

  const bool single_;
  const barrier<Atomics> order_;
  alignas(line_size) word claim_;
  alignas(line_size) word state_{claim_open};
};

}  // namespace detail
}  // namespace peal::inline v0
