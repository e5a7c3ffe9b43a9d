// SPDX-License-Identifier: MIT
// A subscription with several hands: it reads ahead, gives events to its hands, and sees to how they end.
// Included by subscription_base.hpp only.
#pragma once

#include <peal/bus/detail/subscription_base.hpp>

namespace peal::inline v0::detail {

/// Its hands are its own from the first run to the last.
inline void subscription_base::take_hands(list<hand*>&& given, std::size_t window, position start) {
  hands_.reset(new hand_set(window, start));
  hands_->all = std::move(given);
  hands_->hired = hands_->all;
  stuck_.reserve(2 * hands_->all.size());  // reading stops at half of it, and each hand may bring one more
  for (std::size_t i = hands_->all.size(); i-- != 0;) {
    hand& h = *hands_->all[i];
    h.place = static_cast<std::uint32_t>(i);
    h.subscription = this;
    delivery_access::belongs(h.current, topic_.origin, name_, cancellation_token{&seat_->signal, seat::stop},
                             topic_.bus.runner);
    delivery_access::keeps(h.current, effects, replay_end);
    hands_->give_free(h);
  }
  seat_->reads_at.store(start, std::memory_order_relaxed);
}

/// One turn: `b` is what can be read next. With `go` false nothing is started. True: there may be more to do now.
inline bool subscription_base::work_hands(const batch& b, bool go) {
  hand_set& hands = *hands_;
  intake();
  hands.collect();
  see_to_ended();
  bool started = false;
  if (go && !blocked()) {
    started = start_again();
    started = start_kept() || started;
    started = read_ahead(b) || started;
  }
  hands.advance_base();
  seat_->reads_at.store(hands.read, std::memory_order_relaxed);
  return go && (started || run_first_ != nullptr) && hands.free != nullptr && !blocked() && may_start();
}

inline bool subscription_base::can_read() const noexcept {
  return hands_->free != nullptr && hands_->room() != 0 && stuck_.size() < hands_->all.size();
}

/// There is something to do that only its hands, or room for what it keeps, can make possible.
inline bool subscription_base::waits_for_hands() const noexcept {
  return hands_ != nullptr && (!can_read() || hands_->reading_stalled || blocked());
}

inline void subscription_base::see_to_ended() {
  hand_set& hands = *hands_;
  if (blocked()) (void)unstall({});
  while (hands.ended != nullptr && !blocked()) end_hand(*hands.take_ended());
  for (std::size_t i = 0; i != stuck_.size() && !blocked();) {
    if (!put_aside(stuck_[i].what, stuck_[i].at, stuck_[i].errors)) {
      ++i;
      continue;
    }
    slot_ended(stuck_[i].at.where);
    stuck_.erase(stuck_.begin() + i);
  }
}

inline void subscription_base::end_hand(hand& h) {
  if (flow_ != nullptr) flow_->ended(h.end);
  if (h.end.what != verdict::handled) look_for_effect(h.current, h.end);
  if (h.end.what == verdict::not_run) {
    h.next = std::exchange(hands_->again, &h);
    return;
  }
  use_outputs(&h);
  if (h.aside != nullptr) {
    end_kept(std::exchange(h.aside, nullptr), h.end);
  } else {
    end_slot(h.at, h.end);
  }
  hands_->give_free(h);  // also while its outputs wait for room: until they have gone out nothing is started
}

/// One that has to go aside and finds no room there stays in its slot until there is some.
inline void subscription_base::end_slot(const event_at& at, attempt_end& end) {
  decision what;
  error_history errors;
  key_chain* const chain = end.chain;
  switch (end.what) {
    case verdict::handled:
      (void)succeed(end.claim, at.type);
      end.claim = nullptr;
      break;
    case verdict::expired: what = decide_expired(end); break;
    case verdict::discarded: counts_.discarded.add(); break;
    default:
      what = decide(end, 1, errors, {}, at.where);
      if (what.step == next_step::none) counts_.discarded.add();
      break;
  }
  if (what.step == next_step::none) {
    if (end.claim != nullptr) abandoned(end.claim, at.type);
    slot_ended(at.where);
    if (chain != nullptr) pass_on(*chain);
    return;
  }
  what.chain = chain;
  if (put_aside(what, at, errors)) {
    slot_ended(at.where);
  } else {
    stuck_.push_back({at, what, std::move(errors)});
  }
}

inline void subscription_base::slot_ended(position p) noexcept {
  hands_->mark(p);
  counts_.taken.add();
}

inline void subscription_base::start(hand& h) noexcept {
  if (flow_ != nullptr) flow_->start(h.end);
  h.where.store(h.at.where, std::memory_order_relaxed);
  h.in_slot.store(h.aside == nullptr, std::memory_order_relaxed);
  ++hands_->out;
  h.state.store(hand::queued, std::memory_order_release);  // [hand]
  topic_.start_hand(h);
}

inline bool subscription_base::start_again() {
  bool any = false;
  while (hands_->again != nullptr && may_start()) {
    hand* const h = hands_->again;
    hands_->again = h->next;
    h->end.what = verdict::handled;
    start(*h);
    any = true;
  }
  return any;
}

inline bool subscription_base::start_kept() {
  bool any = false;
  while (hands_->free != nullptr && run_first_ != nullptr && !blocked() && may_start()) {
    kept* const k = run_first_;
    run_first_ = k->next;
    if (run_first_ == nullptr) run_last_ = nullptr;
    k->next = nullptr;
    if (put_off(*k) || !may_run(*k)) continue;
    any = true;
    if (++k->attempts > 1) counts_.retries.add();
    const event_at at{k->position, k->type, k->event(), k->has_envelope ? &k->around : nullptr, k->cycles != 0};
    attempt_end end;
    end.claim = k->claim;
    end.chain = k->chain;
    prepare(at, end);
    if (end.chain != nullptr && end.what != verdict::behind_key) k->chain = end.chain;
    if (end.what != verdict::handled) {
      end_kept(k, end);
      continue;
    }
    hand& h = *hands_->take_free();
    h.at = at;
    h.aside = k;
    h.end = std::move(end);
    delivery_access::at(h.current, k->position, at.around, true);
    delivery_access::run(h.current, k->attempts, k->cycles != 0, k->number);
    start(h);
  }
  return any;
}

inline bool subscription_base::read_ahead(const batch& b) {
  hands_->reading_stalled = false;
  bool any = false;
  for (position p = b.first; p != b.last && can_read() && !blocked() && may_start(); p = advance(p, 1)) {
    const std::uint8_t tag = b.tag(p);
    const auto type = static_cast<std::uint8_t>(tag & slot_tag::type_mask);
    hands_->read = advance(p, 1);
    any = true;
    if ((tag & slot_tag::empty) != 0 || !wants(type)) {
      hands_->mark(p);
    } else if (!read_one({p, type, b.event(p), b.around(p, tag)})) {
      hands_->read = p;
      hands_->reading_stalled = true;
      break;
    }
  }
  return any && !hands_->reading_stalled;
}

/// False: it has to go aside before it has run, and there is no room; it is asked anew later.
inline bool subscription_base::read_one(const event_at& at) {
  attempt_end end;
  error_history none;
  prepare(at, end);
  switch (end.what) {
    case verdict::expired:
    case verdict::failed: end_slot(at, end); return true;
    case verdict::handled: {
      hand& h = *hands_->take_free();
      h.at = at;
      h.aside = nullptr;
      h.end = std::move(end);
      topic_.bus.retries.earn(1);
      delivery_access::at(h.current, at.where, at.around, true);
      delivery_access::run(h.current, 1, false);
      start(h);
      return true;
    }
    case verdict::behind_key:
      if (homeless_ != nullptr || !hold_back(*end.chain, at)) return false;
      break;
    case verdict::behind:
      if (put_aside({next_step::wait_behind, {}, {}, end.claim, {}, end.chain}, at, none)) break;
      if (end.chain != nullptr) pass_on(*end.chain);
      return false;
    case verdict::filtered: counts_.filtered.add(); break;
    default: counts_.deduplicated.add(); break;
  }
  slot_ended(at.where);
  const bool its_own = end.what != verdict::behind_key && end.what != verdict::behind;
  if (its_own && end.chain != nullptr) pass_on(*end.chain);
  return true;
}

/// At the end: what no thread has taken up is taken back. True when no hand is running any more.
inline bool subscription_base::recall_hands() noexcept {
  for (hand*& h : hands_->all) {
    std::uint32_t waiting = hand::queued;
    // Acquire is not needed: what it was given was given by us.
    if (h == nullptr || !h->state.compare_exchange_strong(waiting, hand::recalled, std::memory_order_relaxed)) continue;
    --hands_->out;
    h = nullptr;  // whoever pops it gives it back
  }
  hands_->collect();
  return hands_->out == 0;
}

/// With all hands back: what they have handled is counted, what they have not is left.
inline void subscription_base::end_hands() noexcept {
  while (hands_->ended != nullptr) {
    hand& h = *hands_->take_ended();
    if (h.end.what != verdict::handled) continue;
    counts_.handled.add();
    note_handled();
    if (h.aside == nullptr) {
      slot_ended(h.at.where);
    } else {
      const kept_ptr over{h.aside};
      letter_stays(std::move(over->came_from));  // its outputs do not go out any more
      unlink(*over);
    }
  }
  hands_->advance_base();
}

/// Errors: bad_alloc.
template <class Left>
void subscription_base::each_left(Left&& left) {
  hand_set& hands = *hands_;
  hands.collect();
  list<const hand*> idle;
  for (const hand* const list : {hands.free, hands.again, hands.ended}) {
    for (const hand* h = list; h != nullptr; h = h->next) {
      if (list != hands.ended || h->end.what != verdict::handled) idle.push_back(h);
    }
  }
  list<const hand*> used;  // by what runs, has just run, or has been handled
  for (const hand* const h : hands.hired) {
    const std::uint32_t state = h->state.load(std::memory_order_acquire);  // pairs with [hand]
    bool has = state == hand::busy || state == hand::idle;
    for (const hand* const other : idle) has = has && other != h;
    if (has) used.push_back(h);
  }
  const auto in_hand = [&](position p, const kept* k) {
    for (const hand* const h : used) {
      if (h->aside == k && (k != nullptr || h->at.where == p)) return true;
    }
    return false;
  };
  for (position p = hands.base; distance(topic_.head(), p) > 0; p = advance(p, 1)) {
    const std::uint8_t tag = topic_.type_at(p);
    const bool mine = (tag & slot_tag::empty) == 0 && wants(tag & slot_tag::type_mask);
    if (mine && !hands.has_ended(p) && !in_hand(p, nullptr)) left(p);
  }
  for (const kept* k = oldest_; k != nullptr; k = k->newer) {
    if (!in_hand(k->position, k)) left(k->position);
  }
}

}  // namespace peal::inline v0::detail
