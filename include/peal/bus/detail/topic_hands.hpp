// SPDX-License-Identifier: MIT
// Hands in a topic: how a subscription gets them, how one runs, how a subscription with hands comes to its end.
// Included by topic_core.hpp only.
#pragma once

#include <peal/bus/detail/topic_core.hpp>
#include <peal/detail/list.hpp>

namespace peal::inline v0::detail {

/// Caller holds bus.wiring.
template <class Runtime, class Topic>
void topic_core<Runtime, Topic>::hire(seat& s, subscription_base& sub, position start) {
  constexpr std::size_t max_window = 4096;
  list<hand*> mine;
  mine.reserve(sub.hands_wanted);
  while (free_hands_.size() < sub.hands_wanted) {
    all_hands_.make_room(all_hands_.size() + 1);
    free_hands_.make_room(all_hands_.size() + 1);
    all_hands_.push_back(own_ptr<hand>{new hand});
    all_hands_.back()->topic = this;
    all_hands_.back()->is_hand = true;
    free_hands_.push_back(all_hands_.back().get());
  }
  for (unsigned i = 0; i != sub.hands_wanted; ++i) mine.push_back(free_hands_[free_hands_.size() - 1 - i]);
  sub.take_hands(std::move(mine), smaller(ring_.capacity(), max_window), start);
  free_hands_.resize(free_hands_.size() - sub.hands_wanted);
  s.reads_at.store(start, std::memory_order_relaxed);
}

/// The hands that nobody has queued go back.
template <class Runtime, class Topic>
void topic_core<Runtime, Topic>::dismiss(subscription_base& sub) noexcept {
  const std::lock_guard lock{bus.wiring};
  for (hand* const h : sub.hands()->all) {
    if (h != nullptr) free_hands_.push_back(h);
  }
}

template <class Runtime, class Topic>
void topic_core<Runtime, Topic>::start_hand(hand& h) noexcept {
  if (bus.hands_queued.fetch_add(1, std::memory_order_relaxed) < bus_base::max_hands_queued) {
    runner_.enqueue(h);
  } else {
    (void)run_hand(h);  // the queue has no room for more: it runs here and now
  }
}

/// Runs one event. From the moment it is pushed the hand is its subscription's again, which may end and be gone.
template <class Runtime, class Topic>
run_state topic_core<Runtime, Topic>::run_hand(hand& h) noexcept {
  bus.hands_queued.fetch_sub(1, std::memory_order_relaxed);
  std::uint32_t given = hand::queued;
  if (!h.state.compare_exchange_strong(given, hand::busy, std::memory_order_acquire)) {  // pairs with [hand]
    h.state.store(hand::idle, std::memory_order_relaxed);
    const std::lock_guard lock{bus.wiring};
    free_hands_.push_back(&h);
    return run_state::retired;
  }
  subscription_base& sub = *h.subscription;
  seat& brain = sub.place();
  const std::uint32_t told = brain.signal.load(std::memory_order_seq_cst);
  const bool go =
      (told & (seat::stop | seat::pause)) == 0 && !bus.resting.load(std::memory_order_relaxed) && !sub.is_shut();
  h.last_runs.store(go ? 1 : 0, std::memory_order_relaxed);
  if (go) {
    user_code inside{bus.frames, &sub, &h.current};
    sub.run_in_hand(h);
    if (lane_.size() != 0) drain_lane();
  } else {
    h.end.what = verdict::not_run;
  }
  h.state.store(hand::idle, std::memory_order_relaxed);
  sub.hands()->push_finished(h);
  brain.signal.fetch_or(seat::work, std::memory_order_seq_cst);
  rouse(brain);
  return run_state::held;
}

template <class Runtime, class Topic>
bool topic_core<Runtime, Topic>::turn_hands(seat& s, subscription_base& sub, bool go) noexcept {
  constexpr std::size_t most = 64;
  const position from = sub.hands()->read;
  const position last = go ? readable(s, from, smaller(most, sub.hands()->room())) : from;
  const bool more = sub.work_hands(view_of(s, from, last), go);
  if (const position to = sub.hands()->base; to != read_from(s)) pass(s, to);
  return more;
}

/// Takes `running` for a turn; a stopper who only looks is waited for. False: taken for good.
template <class Runtime, class Topic>
bool topic_core<Runtime, Topic>::take_running(seat& s) noexcept {
  for (std::uint32_t nobody = 0; !s.running.compare_exchange_strong(nobody, 1, std::memory_order_seq_cst); nobody = 0) {
    if (nobody == 1) return false;
    Runtime::atomics::yield();
  }
  return true;
}

/// The stopper's: true when no hand is running, and `running` is taken for good.
template <class Runtime, class Topic>
bool topic_core<Runtime, Topic>::take_for_end(seat& s) noexcept {
  std::uint32_t nobody = 0;
  if (!s.running.compare_exchange_strong(nobody, seat::looked_at, std::memory_order_seq_cst)) return false;
  const bool back = s.subscription->recall_hands();
  s.running.store(back ? 1 : 0, std::memory_order_seq_cst);
  return back;
}

/// Of a subscription with hands, whose runner waits for who looks.
template <class Runtime, class Topic>
bool topic_core<Runtime, Topic>::look_at(seat& s, void (*look)(void*) noexcept, void* arg) noexcept {
  constexpr int patience = 1000;
  for (int i = 0; i < patience; ++i) {
    std::uint32_t nobody = 0;
    if (s.running.compare_exchange_strong(nobody, seat::looked_at, std::memory_order_seq_cst)) {
      look(arg);
      s.running.store(0, std::memory_order_seq_cst);
      return true;
    }
    Runtime::atomics::yield();
  }
  return false;
}

/// Told to stop, with `running` taken: ends it when all hands are back, else leaves that to the last one.
template <class Runtime, class Topic>
run_state topic_core<Runtime, Topic>::end_concurrent(seat& s) noexcept {
  s.signal.fetch_and(~seat::work, std::memory_order_seq_cst);
  if (s.subscription->recall_hands()) return finish_own(s);
  s.held.store(1, std::memory_order_seq_cst);
  s.running.store(0, std::memory_order_seq_cst);
  if ((s.signal.load(std::memory_order_seq_cst) & seat::work) != 0 &&
      s.held.exchange(0, std::memory_order_seq_cst) != 0) {
    return run_state::more;
  }
  return run_state::held;
}

}  // namespace peal::inline v0::detail
