// SPDX-License-Identifier: MIT
// The seldom-run half of multicast_core: the scan, making room, dropping, joining. Included by it, not by users.
#pragma once

#include <peal/detail/maybe.hpp>
#include <peal/ring/multicast_core.hpp>

namespace peal::inline v0 {

/// A claim that something was in the way of: `w` is the word last seen, `full` whether the gate was.
template <class T, atomics_policy Atomics>
claim_result multicast_core<T, Atomics>::claim_again(std::uint64_t w, std::size_t n, caller who, bool full) noexcept {
  if (claim_.single()) return try_claim_single(n, who);
  for (;; full = false) {
    const claim_status refused = detail::refusal(w, who);
    if (refused != claim_status::claimed) return {refused, 0};
    const position p = w >> 2;
    if ((full || !fits(p, n)) && !make_room(p, n)) {
      const std::uint64_t now = claim_.load();
      if (now == w) return {claim_status::full, p};
      w = now;
    } else if (claim_.exchange(w, peal::advance(p, n) << 2 | (w & detail::claim_state_bits))) {
      prefetch(p, n);
      return {claim_status::claimed, p};
    }
  }
}

/// The minimum where no cursor stands: a claimed position is never passed before it is published.
template <class T, atomics_policy Atomics>
position multicast_core<T, Atomics>::published_run() const noexcept {
  position p = gate_.load(std::memory_order_acquire);  // [G1] pairs with [G3]
  // [S3] pairs with [P1]: as a second look, because a leaver must see what a publisher left to it ([O1], [O2])
  while (slots::reached(order_.recheck(slots_.word(p)), p)) p = peal::advance(p, 1);
  return p;
}

template <class T, atomics_policy Atomics>
detail::standing multicast_core<T, Atomics>::refresh() noexcept {
  const detail::standing s = table_.scan(std::memory_order_acquire, [this] { return published_run(); });
  // A late store can only lower the gate, which is safe: a plain store instead of a compare-exchange.
  if (distance(s.lowest, gate_.load(std::memory_order_relaxed)) > 0) {
    gate_.store(s.lowest, std::memory_order_release);  // [G3] pairs with [G1]
  }
  return s;
}

template <class T, atomics_policy Atomics>
bool multicast_core<T, Atomics>::make_room(position p, std::size_t n) noexcept {
  const position need = needed(p, n);
  reclaim();
  if (reclaims && fits(p, n)) return true;
  const detail::standing s = refresh();
  if (!reclaims && distance(s.lowest, need) >= 0) return true;
  if (!s.droppable || (s.has_firm && distance(s.firm, need) < 0)) return false;
  const bool dropped = drop_before(p, n, need);
  reclaim();
  if constexpr (reclaims) return dropped && fits(p, n);
  return dropped && distance(refresh().lowest, need) >= 0;
}

/// Moves every dropping cursor to `need`; only past positions that are published.
template <class T, atomics_policy Atomics>
bool multicast_core<T, Atomics>::drop_before(position p, std::size_t n, position need) noexcept {
  for (std::size_t k = 0; k < n; ++k) {
    const position q = peal::advance(p, k);
    // [R1] pairs with [P1]: the last lap is published
    if (!slots::is(slots_.word(q).load(std::memory_order_acquire), retreat(q, capacity()))) return false;
  }
  return table_.each_dropping(need, [this, need](line& l) { return drop(l, need); });
}

template <class T, atomics_policy Atomics>
bool multicast_core<T, Atomics>::drop(line& l, position need) noexcept {
  l.droppers.fetch_add(1, std::memory_order_relaxed);  // carried to [N6] by [N2]
  bool out_of_the_way = true;
  for (;;) {
    std::uint64_t w = l.word.load(std::memory_order_acquire);  // [N1] pairs with [A2]
    const position from = w >> detail::cursor_flag_bits;
    if ((w & detail::cursor_absent) != 0 || (w & detail::cursor_dropping) == 0 || distance(from, need) >= 0) break;
    if ((w & detail::cursor_pinned) != 0) {
      out_of_the_way = false;
      break;
    }
    // The tags are read before the cursor moves: behind it another publisher may take the slots. If it has moved
    // meanwhile, so that they were not these events' tags, the exchange fails.
    std::array<std::uint32_t, line::types> counts{};
    for (position q = from; q != need; q = peal::advance(q, 1)) ++counts[tag(q) % line::types];
    // [N2] pairs with [L1] for the droppers' count; relaxed would do for the slots
    if (l.word.compare_exchange_weak(w, need << detail::cursor_flag_bits | detail::cursor_dropping,
                                     std::memory_order_release, std::memory_order_relaxed)) {
      for (std::size_t t = 0; t < line::types; ++t) {
        if (counts[t] != 0) l.dropped[t].fetch_add(counts[t], std::memory_order_relaxed);
      }
      break;
    }
  }
  l.droppers.fetch_sub(1, std::memory_order_release);  // [N5] pairs with [N6]
  return out_of_the_way;
}

/// Every joiner walks from the gate to the head as a gating cursor that delivers nothing, and starts there.
template <class T, atomics_policy Atomics>
detail::maybe<std::uint32_t> multicast_core<T, Atomics>::join_as(std::uint64_t kind) noexcept {
  const detail::maybe<std::uint32_t> index = table_.take();
  if (!index) return index;
  line& l = table_.at(*index);
  for (auto& n : l.dropped) n.store(0, std::memory_order_relaxed);
  table_.present().fetch_add(1, std::memory_order_relaxed);     // too early does no harm: the walk ends with a reclaim
  const position from = gate_.load(std::memory_order_acquire);  // [G1] pairs with [G3]
  l.word.store(from << detail::cursor_flag_bits, std::memory_order_relaxed);  // [J1]
  table_.bump();                                                              // [J2] pairs with [V1]
  const position head = claim_.join_head();                                   // [J3] pairs with [C2]
  walk(l, from, head);
  l.start.store(head, std::memory_order_relaxed);
  set_cursor(l, head << detail::cursor_flag_bits | kind);  // [K1] pairs with [G2]
  made_room();
  return index;
}

template <class T, atomics_policy Atomics>
void multicast_core<T, Atomics>::walk(line& l, position from, position to) noexcept {
  unsigned idle = 0;
  for (position p = from; distance(to, p) > 0;) {
    position end = p;
    while (distance(to, end) > 0 && published(end)) end = peal::advance(end, 1);
    if (end != p) {
      p = end;
      idle = 0;
      set_cursor(l, p << detail::cursor_flag_bits);  // [K1] pairs with [G2] and [B3]
      made_room();
    } else if (++idle < 64) {
      Atomics::pause();
    } else {
      Atomics::yield();  // a publisher between claim and publication
    }
  }
}

template <class T, atomics_policy Atomics>
bool multicast_core<T, Atomics>::has_room(std::size_t n) const noexcept {
  const position need = needed(claim_.head_recheck(), n);
  if (reclaims && distance(reclaimer_.destroyed_recheck(order_), need) >= 0) return true;
  // [B3] pairs with [K1], [L1], [H3] and [A2]; seq_cst in both modes, because leavers are not frequent
  const detail::standing s = table_.scan(std::memory_order_seq_cst, [this] { return published_run(); });
  const bool enough = distance(s.lowest, need) >= 0;
  if (!reclaims && enough) return true;
  if (s.has_firm && distance(s.firm, need) < 0) return false;  // whoever moves it wakes
  // Where there is something to destroy, whoever destroys it wakes.
  if (reclaims && (enough || !s.present)) return false;
  // Dropping cursors, which the caller moves itself, or a publication under way, which is one noexcept move away.
  if (!enough) Atomics::yield();
  return true;
}

}  // namespace peal::inline v0
