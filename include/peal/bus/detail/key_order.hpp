// SPDX-License-Identifier: MIT
// Order by key, without the keys' types: what waits behind a key that is in trouble. Included by subscription_base.hpp only.
#pragma once

#include <peal/bus/detail/subscription_base.hpp>
#include <peal/detail/maybe.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>

namespace peal::inline v0::detail {

/// Behind everything of its key that was published before it.
inline void subscription_base::wait_in(key_chain& c, kept& k) noexcept {
  k.chain = &c;
  k.next = nullptr;
  if (c.first == nullptr) {
    c.first = c.last = &k;
  } else if (distance(k.position, c.last->position) >= 0) {
    c.last = c.last->next = &k;
  } else {  // it comes back late
    kept** at = &c.first;
    while (distance(k.position, (*at)->position) >= 0) at = &(*at)->next;
    k.next = *at;
    *at = &k;
  }
  ++c.waiting;
  counts_.held.set(++order_->waiting);
}

inline kept* subscription_base::next_of(key_chain& c) noexcept {
  kept* const k = c.first;
  if (k == nullptr) return nullptr;
  c.first = k->next;
  if (c.first == nullptr) c.last = nullptr;
  k->next = nullptr;
  --c.waiting;
  counts_.held.set(--order_->waiting);
  return k;
}

/// The key's event has come to its end: the next one may go.
inline void subscription_base::pass_on(key_chain& c) noexcept {
  if (conflated_ != nullptr) return conflated_->free(static_cast<newest_chain&>(c));
  if (kept* const next = next_of(c); next != nullptr) {
    queue(*next);
  } else {
    free_chain(c);
  }
}

/// Makes the key of an event that goes aside busy with it. False without memory; `waits`: another one has it.
inline bool subscription_base::take_key(const decision& what, kept& k, bool& waits) noexcept {
  waits = false;
  if (what.step == next_step::bury && !order_->holds) return true;
  bool made = false;
  bool told = false;
  key_chain* chain = nullptr;
  const auto failed = caught([&] { chain = make_chain(k.event(), k.type, made, told); });
  if (failed && told) return false;
  if (failed || chain == nullptr) return true;  // no order: its key is missing, or cannot be told
  if (made) k.chain = chain;
  waits = !made && what.step != next_step::bury;
  if (waits) k.chain = chain;
  return true;
}

/// Before what is decided is carried out: the event's key becomes busy with it, or it waits behind who has it.
/// Nothing: go on. Otherwise carry_out's answer.
inline maybe<bool> subscription_base::place_by_key(const decision& what, kept_ptr& k) noexcept {
  bool waits = false;
  if (!take_key(what, *k, waits)) {
    if (!k->linked) link(*k);
    homeless_what_ = what;
    homeless_ = std::move(k);
    wake_later();
    return false;
  }
  if (!waits) return {};
  if (!k->linked) link(*k);
  if (what.claim != nullptr) abandoned(what.claim, k->type);
  key_chain& chain = *std::exchange(k->chain, nullptr);
  join_chain(chain, std::move(k));
  return true;
}

/// An event of the ring whose key is busy. False: no room, it stays where it is.
inline bool subscription_base::hold_back(key_chain& c, const event_at& at) {
  const bool blocked = c.held_by != 0;
  if (blocked ? topic_.letters.full() : !order_->room(c)) {
    if (!blocked && std::exchange(order_->stalled_at, at.where) != at.where) counts_.key_stalls.add();
    return false;
  }
  kept_ptr k = copy_aside(at);
  if (k == nullptr) return false;
  k->chain = &c;
  if (blocked) {
    (void)bury({next_step::bury, {}, dead_cause::blocked_by}, k);
  } else {
    link(*k);
    wait_in(c, *k.release());
  }
  return true;
}

/// A kept event whose key is busy with another one.
inline void subscription_base::join_chain(key_chain& c, kept_ptr k) noexcept {
  if (c.held_by != 0) {
    k->chain = &c;
    (void)bury({next_step::bury, {}, dead_cause::blocked_by}, k);
  } else {
    wait_in(c, *k.release());
  }
}

/// Before a letter of a held key is put: memory for its number. Errors: bad_alloc.
inline void subscription_base::expect_letter(key_chain& c, dead_cause cause) {
  if (cause == dead_cause::blocked_by) {
    c.blocked.push_back(0);
  } else {
    order_->held.push_back({0, &c});
  }
}
inline void subscription_base::no_letter(key_chain& c, dead_cause cause) noexcept {
  cause == dead_cause::blocked_by ? c.blocked.pop_back() : order_->held.pop_back();
}

/// A letter of this chain has been put. What waits behind the first one follows it.
inline void subscription_base::letter_put(key_chain& c, dead_cause cause, std::uint64_t put_as) noexcept {
  if (cause == dead_cause::blocked_by) {
    c.blocked.back() = put_as;
    for (std::size_t i = c.blocked.size() - 1; i != 0 && c.blocked[i - 1] > c.blocked[i]; --i) {
      std::swap(c.blocked[i - 1], c.blocked[i]);  // one that stands where it stood before
    }
    return;
  }
  order_->held.back().letter = put_as;
  c.held_by = put_as;
  spill(c);
}

inline void subscription_base::spill(key_chain& c) noexcept {
  order_->spilling = &c;
  while (kept* const k = next_of(c)) {
    kept_ptr owned{k};
    if (!bury({next_step::bury, {}, dead_cause::blocked_by}, owned)) return;  // goes on once there is room
  }
  order_->spilling = nullptr;
}

/// The letter that held the key is gone: what followed it comes back, in order. False: not all of it yet.
inline bool subscription_base::bring_back(key_chain& c) noexcept {
  std::size_t back = 0;
  bool whole = true;
  for (; whole && back != c.blocked.size(); ++back) {
    kept_ptr again;
    letter_ptr l;
    do {  // anew if it was edited meanwhile
      l = topic_.letters.get(c.blocked[back]);
      if (l != nullptr) whole = !caught([&] { again = copy_letter(*l); });
      if (l != nullptr && whole && topic_.keeper != nullptr) again->came_from = l;
    } while (l != nullptr && whole && !topic_.letters.remove(l->number, l.get()));
    if (!whole) break;
    if (l == nullptr) continue;
    l->owner_number == number ? counts_.dead.sub() : counts_.inherited.add();
    counts_.redriven.add();
    link(*again);
    wait_in(c, *again.release());
  }
  c.blocked.erase(c.blocked.begin(), c.blocked.begin() + back);
  if (back != 0 && topic_.bus.stalled.load(std::memory_order_seq_cst) != 0) topic_.bus.wake_stalled();
  if (!whole) {
    wake_later();
    return false;
  }
  {
    const std::lock_guard lock{topic_.bus.wiring};  // whoever has taken one of them out has now pushed it
  }
  gather();
  if (order_->spilling == &c) order_->spilling = nullptr;
  if (homeless_ != nullptr && homeless_->chain == &c) wait_in(c, *homeless_.release());
  order_->forget(c.held_by);
  c.held_by = 0;
  return true;
}

/// A letter that comes back held its key: what it held comes back behind it. False: not yet.
inline bool subscription_base::lead_back(kept& k) noexcept {
  key_chain* const chain = order_->held_by(k.number);
  if (chain == nullptr) return true;
  if (!bring_back(*chain)) return false;
  k.chain = chain;
  return true;
}

/// A letter that comes back and finds its key busy waits behind it. What held the key itself does not.
inline bool subscription_base::waits_again(kept& k) noexcept {
  if (k.chain != nullptr) return false;
  key_chain* chain = nullptr;
  (void)caught([&] { chain = find_chain(k.event(), k.type); });  // if it cannot be told: asked when it runs
  if (chain == nullptr || chain->held_by != 0) return false;
  wait_in(*chain, k);
  return true;
}

/// Brings back what the letters held that were discarded.
inline void subscription_base::hear_discarded() noexcept {
  if (order_->untold.load(std::memory_order_acquire) == 0) return;  // pairs with [told]
  if (order_->gone.empty()) {
    const std::lock_guard lock{order_->told_mutex};
    order_->gone.swap(order_->told);
  }
  for (key_order::held_key& g : order_->gone) {
    key_chain* const chain = g.letter != 0 ? order_->held_by(g.letter) : nullptr;
    if (chain != nullptr && !bring_back(*chain)) return;
    if (g.letter != 0) g = {0, chain};
  }
}

/// Those keys go on, now that whatever came back by itself stands where it belongs.
inline void subscription_base::let_go() noexcept {
  while (!order_->gone.empty() && order_->gone.back().letter == 0) {
    key_chain* const chain = order_->gone.back().chain;
    order_->gone.pop_back();
    if (chain != nullptr) pass_on(*chain);
    order_->untold.fetch_sub(1, std::memory_order_release);  // [heard]
  }
}

inline std::uint64_t subscription_base::aside_count() const noexcept {
  return kept_count() - (order_ != nullptr ? order_->waiting : 0);
}

inline bool subscription_base::letters_untold() const noexcept {
  return order_ != nullptr && order_->untold.load(std::memory_order_acquire) != 0;  // pairs with [heard]
}

inline bool subscription_base::tell_discarded(std::uint64_t letter) {
  if (order_ == nullptr || !order_->holds) return false;
  order_->tell(letter);
  return true;
}

/// Before the first run: keys whose letters an earlier subscription of this name has left are held by those.
/// Errors: bad_alloc.
inline void subscription_base::hold_letters() {
  if (order_ == nullptr || !order_->holds) return;
  for (const letter_ptr& l : topic_.letters.find({.subscription = name_}, nullptr)) {
    if (!l->has_position || !wants(l->type)) continue;
    bool made = false;
    bool told = false;
    key_chain* chain = nullptr;
    const auto failed = caught([&] { chain = make_chain(l->event(), l->type, made, told); });
    if (failed && told) throw std::bad_alloc{};
    if (failed || chain == nullptr) continue;
    if (made) {
      order_->held.push_back({l->number, chain});
      chain->held_by = l->number;
    } else {
      chain->blocked.push_back(l->number);
    }
  }
  order_->told.reserve(order_->held.size());
}

/// The subscription stands, under `wiring`: from here on it is told of letters that go; which went before?
inline void subscription_base::confirm_letters() {
  if (order_ == nullptr) return;
  for (const key_order::held_key& h : order_->held) {
    if (!topic_.letters.has(h.letter)) order_->tell(h.letter);
  }
  if (order_->untold.load(std::memory_order_relaxed) != 0) {
    seat_->signal.fetch_or(seat::work, std::memory_order_seq_cst);
  }
}

}  // namespace peal::inline v0::detail
