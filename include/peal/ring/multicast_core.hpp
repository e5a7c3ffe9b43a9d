// SPDX-License-Identifier: MIT
// The multicast ring without values and without waiting: claim, publish, cursors, drops, holds, reclaim.
#pragma once

#include <peal/detail/maybe.hpp>
#include <peal/detail/minmax.hpp>
#include <peal/ring/detail/claim_word.hpp>
#include <peal/ring/detail/cursor_table.hpp>
#include <peal/ring/detail/reclaimer.hpp>
#include <peal/ring/detail/sized_slots.hpp>
#include <peal/ring/event_count.hpp>
#include <peal/ring/sequence.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace peal::inline v0 {

struct multicast_options {
  std::size_t capacity = 4096;         ///< slots; rounded up to a power of two, at least 2
  std::size_t max_cursors = 64;        ///< cursors that may stand at once; count
  std::size_t max_holds = 0;           ///< positions that may be held at once; count
  position first = 0;                  ///< position of the first event; below 2^56; for tests of the wrap
  bool single_producer = false;        ///< only one thread publishes; claims are then no read-modify-writes
  std::optional<barrier_mode> mode{};  ///< how sleepers and wakers are ordered; none: the best the machine has
  spin_limit spin{};                   ///< how long the waiting forms look before they sleep
};

struct claim_result {
  claim_status status;
  position first;
};

/// What a cursor has left behind when it left.
struct departure {
  position at = 0;                          ///< the first position it has not read
  std::array<std::uint64_t, 16> dropped{};  ///< events that publishers dropped for it, by tag & 15; count
};

/// A run of positions, `last` excluded.
struct position_run {
  position first;
  position last;
  [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(distance(last, first)); }
};

/// A ring of slots in which each cursor reads every event in place, and publishers wait for the slowest cursor.
/// The caller puts the payloads into the slots and does the waiting; multicast_ring does both.
/// Capacity: `multicast_options::capacity` events between the oldest one still needed and the newest.
/// Order: one order of positions for all cursors; the order of the claims.
/// Errors: none thrown after construction; a claim says why it was refused.
/// Thread safety: claims and publications from any thread (single_producer: from one); a cursor's members from one
/// thread at a time; join, leave, close, scans from any thread.
/// Memory order: what happened before a publication happens before a cursor's available() that returns it; what a cursor
/// did before advance() happens before the claim that takes the slot again.
/// Complexity: a claim is one compare-exchange while the cached gate has room, else a scan of the cursors.
/// Where the nanoseconds go: 7 for a claim, 24 bytes and a publication on one thread, 0.3 for the look for sleepers (4
/// with seq_cst stores); between threads a line of slots travels there and back, 50 ns on near cores, 330 on far ones,
/// and nothing else counts then: small slots share it (g++ 12 -O3, AMD EPYC, 2 virtual cores, 2026).
/// Lifetime: the payload type is destroyed once, when the last cursor has passed it; trivially destructible ones never.
template <class T, atomics_policy Atomics = native_atomics>
class multicast_core {
  using word = typename Atomics::template atomic<std::uint64_t>;
  using slots = detail::slot_array<T, Atomics>;
  using table = detail::cursor_table<Atomics>;
  using line = typename table::line;

 public:
  static constexpr bool reclaims = detail::needs_reclaim<T>();
  static constexpr std::size_t payload_offset = slots::payload_offset;

  explicit multicast_core(multicast_options options = {}, const typename slots::payload_kind& kind = {})
      : order_{options.mode ? barrier<Atomics>{*options.mode} : barrier<Atomics>{}},
        slots_{options.capacity, options.first & position_mask, kind},
        table_{options.max_cursors, options.max_holds,
               options.single_producer && order_.mode() == barrier_mode::sequential},
        claim_{options.first & position_mask, options.single_producer, order_},
        gate_{options.first & position_mask},
        reclaimer_{options.first & position_mask},
        room_{order_, options.spin} {}

  ~multicast_core() {
    if constexpr (reclaims) {
      slots_.destroy(reclaimer_.destroyed(), claim_.head());
    }
  }

  multicast_core(const multicast_core&) = delete;
  multicast_core& operator=(const multicast_core&) = delete;

  // ---- publishing ----

  /// Takes `n` places (1 … capacity) in a row, never waits. Between a claim and its publication nothing may fail.
  [[nodiscard, gnu::always_inline]] inline claim_result try_claim(std::size_t n = 1,
                                                                  caller who = caller::outsider) noexcept {
    if (claim_.single()) return claim_again(0, n, who, false);
    std::uint64_t w = claim_.load();
    const position p = w >> 2;
    bool full = false;
    if (detail::refusal(w, who) == claim_status::claimed && !(full = !fits(p, n)) &&
        claim_.exchange(w, peal::advance(p, n) << 2 | (w & detail::claim_state_bits))) [[likely]] {
      prefetch(p, n);
      return {claim_status::claimed, p};
    }
    return claim_again(w, n, who, full);
  }

  /// The same by the single producer, for callers that know that they are it.
  [[nodiscard, gnu::always_inline]] inline claim_result try_claim_single(std::size_t n, caller who) noexcept {
    const position p = claim_.producer_head();
    if (!fits(p, n) && !make_room(p, n)) {
      const claim_status refused = detail::refusal(claim_.state(), who);
      return {refused != claim_status::claimed ? refused : claim_status::full, p};
    }
    if (const claim_status s = claim_.producer_begin(p, who); s != claim_status::claimed) return {s, 0};
    single_first_ = p;
    single_end_ = peal::advance(p, n);
    prefetch(p, n);
    return {claim_status::claimed, p};
  }

  /// Where the payload of a claimed position is to be constructed.
  [[nodiscard]] auto* storage(position p) const noexcept { return slots_.storage(p); }
  /// The payload of a position that is published and not yet given back.
  [[nodiscard]] auto* payload(position p) const noexcept { return slots_.payload(p); }

  /// Shows a claimed position to the cursors; wakes nobody. Of a range, the highest first.
  [[gnu::always_inline]] inline void publish(position p, std::uint8_t tag = 0) noexcept {
    order_.publish(slots_.word(p), slots::word_of(p, tag));  // [P1] pairs with [S1] and [S2]
    if (claim_.single() && p == single_first_) claim_.producer_finish(single_end_);
  }

  /// Shows a claimed range, with a tag for each position.
  void publish_range(position first, std::size_t n, const std::uint8_t* tags) noexcept {
    show_behind(first, n, [tags](std::size_t k) { return tags[k]; });
    publish(first, tags[0]);
  }
  void publish_range(position first, std::size_t n, std::uint8_t tag = 0) noexcept {
    show_behind(first, n, [tag](std::size_t) { return tag; });
    publish(first, tag);
  }

  /// To be called behind a publication when present() is 0: an unheard event is destroyed at once.
  void publish_done() noexcept { reclaim(); }

  /// Raises the state to `closing` or `closed` and wakes every publisher that waits; whether this call raised it.
  bool close(claim_status to = claim_status::closed) noexcept {
    const bool raised = claim_.close(to == claim_status::closed ? detail::claim_closed : detail::claim_closing);
    room_.notify_all(side::rare);
    return raised;
  }

  /// `claimed` stands for open; seq_cst, fit for the second look before a sleep.
  [[nodiscard]] claim_status state() const noexcept { return detail::refusal(claim_.state(), caller::outsider); }
  [[nodiscard]] position claim_position() const noexcept { return claim_.head(); }
  [[nodiscard]] position gate() const noexcept { return gate_.load(std::memory_order_acquire); }  // [G1]
  /// Everything before it has been destroyed; without a destructor, everything before the gate.
  [[nodiscard]] position destroyed() const noexcept { return limit(); }

  // ---- slots ----

  [[nodiscard]] bool published(position p) const noexcept {
    return slots::reached(slots_.word(p).load(std::memory_order_acquire), p);  // [S1] pairs with [P1]
  }
  /// Of a position that is published and not yet given back.
  [[nodiscard]] std::uint8_t tag(position p) const noexcept {
    return static_cast<std::uint8_t>(slots_.word(p).load(std::memory_order_relaxed));
  }
  [[nodiscard]] std::byte* slots_base() const noexcept { return slots_.base(); }
  [[nodiscard]] std::size_t stride() const noexcept { return slots_.stride; }
  [[nodiscard]] std::size_t mask() const noexcept { return slots_.mask(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return slots_.capacity(); }
  [[nodiscard]] std::size_t footprint() const noexcept { return sizeof(*this) + slots_.bytes() + table_.bytes(); }
  [[nodiscard]] const barrier<Atomics>& order() const noexcept { return order_; }

  // ---- cursors ----

  /// A cursor that gates: it reads every event from start() on. None when the table is full.
  [[nodiscard]] detail::maybe<std::uint32_t> join() noexcept { return join_as(0); }
  /// A cursor that publishers in need of room move on: it reads by pin() and unpin().
  [[nodiscard]] detail::maybe<std::uint32_t> join_dropping() noexcept { return join_as(detail::cursor_dropping); }

  [[nodiscard]] position start(std::uint32_t index) const noexcept {
    return table_.at(index).start.load(std::memory_order_relaxed);
  }
  [[nodiscard]] position cursor(std::uint32_t index) const noexcept {
    return table_.at(index).word.load(std::memory_order_relaxed) >> detail::cursor_flag_bits;
  }
  /// The same for others than its owner: what was done with the events before it has happened before.
  [[nodiscard]] position passed(std::uint32_t index) const noexcept {
    return table_.at(index).word.load(std::memory_order_acquire) >> detail::cursor_flag_bits;  // pairs with [K1]
  }

  /// The end of the published run from the cursor on, at most `limit` positions.
  [[nodiscard]] position available(std::uint32_t index, std::size_t limit) const noexcept {
    return run_from(cursor(index), limit);
  }
  /// For a reader that looks ahead of its cursor, which then may not pass what it still looks at.
  [[nodiscard]] position available_from(position p, std::size_t limit) const noexcept { return run_from(p, limit); }
  [[nodiscard]] bool recheck_at(position p) const noexcept {
    return slots::reached(order_.recheck(slots_.word(p)), p);  // [S2] pairs with [P1]
  }
  [[nodiscard]] bool has_next(std::uint32_t index) const noexcept { return published(cursor(index)); }
  /// The same, as the second look before a sleep.
  [[nodiscard]] bool recheck_next(std::uint32_t index) const noexcept {
    const position p = cursor(index);
    return slots::reached(order_.recheck(slots_.word(p)), p);  // [S2] pairs with [P1]
  }
  /// Closed, and this cursor has read everything that was accepted.
  [[nodiscard]] bool ended(std::uint32_t index) const noexcept { return claim_.ended_at(cursor(index)); }

  /// Gives back everything before `to`; destroys what nobody needs any more; wakes publishers that wait.
  void advance(std::uint32_t index, position to) noexcept {
    set_cursor(table_.at(index), to << detail::cursor_flag_bits);
    made_room();
  }

  /// Ends a cursor; it must not be in use, and its index may be given to the next one.
  departure leave(std::uint32_t index) noexcept {
    line& l = table_.at(index);
    // [L1] pairs with [G2] and [B3]; acquires [N2], so that the count of droppers is not missed
    const std::uint64_t last = l.word.exchange(detail::cursor_absent, std::memory_order_seq_cst);
    while (l.droppers.load(std::memory_order_acquire) != 0) Atomics::pause();  // [N6] pairs with [N5]
    departure d{last >> detail::cursor_flag_bits, {}};
    for (std::size_t t = 0; t < line::types; ++t) d.dropped[t] = l.dropped[t].load(std::memory_order_relaxed);
    table_.present().fetch_sub(1, std::memory_order_seq_cst);  // [O1] pairs with [O2]
    if constexpr (reclaims) {
      order_.settle();
      reclaim();
    }
    room_.notify_all(side::rare);
    table_.release(index);
    return d;
  }

  /// How many cursors stand. A publisher that reads it behind publish() either counts a leaver no more, and then calls
  /// publish_done(), or the leaver sees the publication.
  [[nodiscard]] std::size_t present() const noexcept { return order_.observe(table_.present()); }  // [O2] ↔ [O1]

  // ---- dropping cursors ----

  /// The longest run a pin may cover; units: events.
  [[nodiscard]] std::size_t max_pin() const noexcept {
    return detail::smaller<std::size_t>(16, detail::larger<std::size_t>(1, capacity() / 4));
  }

  /// Keeps at most `max` events from being overwritten until unpin(); an empty run needs no unpin().
  /// Publishers may have to wait for it even though the cursor does not gate.
  [[nodiscard]] position_run pin(std::uint32_t index, std::size_t max) noexcept {
    word& w = table_.at(index).word;
    std::uint64_t seen = w.load(std::memory_order_relaxed);
    for (;;) {
      const position p = seen >> detail::cursor_flag_bits;
      const position end = run_from(p, detail::smaller(max, max_pin()));
      if (end == p) {
        const std::uint64_t now = w.load(std::memory_order_relaxed);
        if (now == seen) return {p, p};
        seen = now;
      } else if (w.compare_exchange_weak(seen, seen | detail::cursor_pinned, std::memory_order_acquire,
                                         std::memory_order_relaxed)) {
        return {p, end};  // [A1] relaxed would do for the run; acquire carries [N2] to [N6]
      }
    }
  }

  /// Ends a pin; everything before `to` counts as read.
  void unpin(std::uint32_t index, position to) noexcept {
    // [A2] pairs with [N1]
    set_cursor(table_.at(index), to << detail::cursor_flag_bits | detail::cursor_dropping);
    made_room();
  }

  [[nodiscard]] std::uint64_t dropped(std::uint32_t index) const noexcept {
    std::uint64_t sum = 0;
    for (const auto& n : table_.at(index).dropped) sum += n.load(std::memory_order_relaxed);
    return sum;
  }
  [[nodiscard]] std::uint64_t dropped_by_type(std::uint32_t index, std::size_t type) const noexcept {
    return table_.at(index).dropped[type % line::types].load(std::memory_order_relaxed);
  }

  // ---- holds ----

  /// Keeps a claimed position from being given back; before its publication, which carries it to the scanners.
  void hold(std::uint32_t cell, position p) noexcept {
    // [H1] pairs with [H2] by way of [P1] and [S1]
    table_.hold(cell).store(p << detail::cursor_flag_bits, std::memory_order_relaxed);
  }
  void release(std::uint32_t cell) noexcept {
    // [H3] pairs with [H2], and with [B3] as one of those who make room
    order_.publish(table_.hold(cell), std::uint64_t{detail::cursor_absent});
    made_room();
  }

  // ---- waiting for room ----

  /// Where publishers sleep; woken whenever has_room() may have become true, and by close().
  [[nodiscard]] event_count<Atomics>& room() noexcept { return room_; }

  /// Whether it is of use to try to claim `n` places again; the second look before a sleep. It says so too where only a
  /// publication under way is missing, which wakes nobody: it gives the time slice away first then.
  [[nodiscard]] bool has_room(std::size_t n = 1) const noexcept;

 private:
  [[nodiscard]] position limit() const noexcept {
    if constexpr (reclaims) {
      return reclaimer_.destroyed();
    } else {
      return gate_.load(std::memory_order_acquire);  // [G1] pairs with [G3]
    }
  }
  [[nodiscard]] position needed(position p, std::size_t n) const noexcept {
    return retreat(peal::advance(p, n), capacity());
  }
  [[nodiscard, gnu::always_inline]] bool fits(position p, std::size_t n) const noexcept {
    return distance(limit(), needed(p, n)) >= 0;
  }

  [[nodiscard]] position run_from(position p, std::size_t most) const noexcept {
    // [S1] pairs with [P1]
    while (most-- > 0 && slots::is(slots_.word(p).load(std::memory_order_acquire), p)) p = peal::advance(p, 1);
    return p;
  }

  void set_cursor(line& l, std::uint64_t value) noexcept {
    order_.publish(l.word, value);  // [K1] pairs with [G2], [K2] and [B3]
  }

  void made_room() noexcept {
    if constexpr (reclaims) {
      reclaim();
    } else {
      room_.notify_all();
    }
  }

  void prefetch(position p, std::size_t n) const noexcept {
    constexpr std::size_t ahead = 8;
    for (std::size_t k = 0; k < n; k += slots_.slots_a_fetch) Atomics::prefetch_write(&slots_.at(p + ahead + k));
  }

  template <class Tag>
  void show_behind(position first, std::size_t n, Tag tag) noexcept {
    // Descending, so that whoever sees the first slot, the one published last, sees them all.
    for (std::size_t k = n; k-- > 1;) {
      const position p = peal::advance(first, k);
      slots_.word(p).store(slots::word_of(p, tag(k)), std::memory_order_release);  // [P1] pairs with [S1]
    }
  }

  void reclaim() noexcept {
    if constexpr (reclaims) {
      bool droppable = false;
      reclaimer_.run(
          order_,
          [this, &droppable] {
            const detail::standing s = refresh();
            droppable = s.droppable;
            return s.lowest;
          },
          [this](position from, position to) { slots_.destroy(from, to); }, [this] { room_.notify_all(); });
      // Behind a dropping cursor nothing is destroyed before a publisher has moved it, who may be waiting for others.
      if (droppable) room_.notify_all();
    }
  }

  [[nodiscard]] claim_result claim_again(std::uint64_t w, std::size_t n, caller who, bool full) noexcept;
  [[nodiscard]] position published_run() const noexcept;
  detail::standing refresh() noexcept;
  [[nodiscard]] bool make_room(position p, std::size_t n) noexcept;
  [[nodiscard]] bool drop_before(position p, std::size_t n, position need) noexcept;
  [[nodiscard]] bool drop(line& l, position need) noexcept;
  [[nodiscard]] detail::maybe<std::uint32_t> join_as(std::uint64_t kind) noexcept;
  void walk(line& l, position from, position to) noexcept;

  const barrier<Atomics> order_;
  slots slots_;
  alignas(detail::line_size) table table_;
  alignas(detail::line_size) detail::claim_word<Atomics> claim_;
  alignas(detail::line_size) word gate_;
  detail::reclaimer<Atomics> reclaimer_;
  event_count<Atomics> room_;
  alignas(detail::line_size) position single_first_ = 0;  // the open claim of a single producer
  position single_end_ = 0;
};

}  // namespace peal::inline v0

#include <peal/ring/detail/multicast_scan.hpp>
