// SPDX-License-Identifier: MIT
// The subscriptions of a topic: taking a seat, running, ending; and what the topic has counted. Included by topic_core.hpp only.
#pragma once

#include <peal/bus/detail/topic_core.hpp>
#include <peal/detail/shared.hpp>

namespace peal::inline v0::detail {

/// Caller holds bus.wiring; null when all are taken.
template <class Runtime, class Topic>
seat* topic_core<Runtime, Topic>::take_seat() noexcept {
  const std::uint32_t used = used_seats_.load(std::memory_order_relaxed);
  if (!free_seats_.empty()) {
    seat* const s = free_seats_.back();
    free_seats_.pop_back();
    return s;
  }
  if (used == max_seats_) return nullptr;
  used_seats_.store(used + 1, std::memory_order_release);
  return &seats_[used];
}

template <class Runtime, class Topic>
seat& topic_core<Runtime, Topic>::attach(std::unique_lock<std::mutex>& wiring,
                                         const shared<subscription_base>& subscription, bool dropping, bool polled) {
  constexpr int patience = 100;
  seat* s = take_seat();
  for (int i = 0; s == nullptr && i < patience; ++i) {
    wiring.unlock();
    runner_.release_retired();
    Runtime::atomics::yield();
    wiring.lock();
    s = take_seat();
  }
  maybe<std::uint32_t> cursor;
  if (s != nullptr) {
    wiring.unlock();
    cursor = dropping || subscription->begins.reads_store ? ring_.join_dropping() : ring_.join();
    wiring.lock();
    if (cursor && bus.closed) {
      wiring.unlock();
      ring_.leave(*std::exchange(cursor, {}));
      wiring.lock();
    }
    if (!cursor) free_seats_.push_back(s);
  }
  if (!cursor && bus.closed) throw bus_closed("peal: subscription \"" + subscription->name() + "\": the bus has ended");
  if (!cursor) {
    throw limit_reached("peal: subscription \"" + subscription->name() + "\": this topic has " +
                        std::to_string(max_subscriptions_) +
                        " subscriptions already; raise bus_options.max_subscriptions");
  }
  s->polled = polled;
  s->dropping = dropping;
  s->reads_store.store(subscription->begins.reads_store, std::memory_order_relaxed);
  sit(wiring, *s, *subscription, *cursor);
  s->running.store(0, std::memory_order_release);
  declare_idle(*s);
  return *s;
}

/// A subscription takes its seat. Errors: bad_alloc; then seat and cursor are given back.
template <class Runtime, class Topic>
void topic_core<Runtime, Topic>::sit(std::unique_lock<std::mutex>& wiring, seat& s, subscription_base& sub,
                                     std::uint32_t cursor) {
  s.subscription = &sub;
  s.cursor_index.store(cursor, std::memory_order_relaxed);
  s.leaving.store(0, std::memory_order_relaxed);
  s.hands.store(1, std::memory_order_relaxed);
  s.held.store(0, std::memory_order_relaxed);
  s.signal.store(0, std::memory_order_relaxed);
  sub.sit(s);
  if constexpr (traits::is_durable) durable_.sit(s, sub);
  const bool hires = sub.hands_wanted > 1 && !s.dropping && !s.polled;
  s.concurrent.store(hires, std::memory_order_relaxed);
  if (!hires || !caught([&] { hire(s, sub, read_from(s)); })) return;
  if constexpr (traits::is_durable) durable_.leave(s, sub);
  wiring.unlock();
  ring_.leave(cursor);
  wiring.lock();
  free_seats_.push_back(&s);
  throw std::bad_alloc{};
}

template <class Runtime, class Topic>
run_state topic_core<Runtime, Topic>::run(seat& s) noexcept {
  if (s.is_hand || s.is_journal) return run_other(s);
  if (s.concurrent.load(std::memory_order_relaxed)
          ? !take_running(s)
          : s.running.exchange(1, std::memory_order_acquire) != 0) {  // pairs with [rest]
    return let_go(s);
  }
  if ((s.signal.load(std::memory_order_seq_cst) & seat::stop) != 0) {
    return s.concurrent.load(std::memory_order_relaxed) ? end_concurrent(s) : finish_own(s);
  }
  subscription_base& sub = *s.subscription;
  bool more = false;
  const std::uint64_t ran_before = sub.runs_so_far();
  {
    user_code inside{bus.frames, &sub, &sub.current()};
    more = turn(s, sub);
    if (lane_.size() != 0) drain_lane();
  }
  s.last_runs.store(static_cast<std::uint32_t>(sub.runs_so_far() - ran_before), std::memory_order_relaxed);
  sub.note_stall();
  bool stalled = sub.stalled() && !(more && s.concurrent.load(std::memory_order_relaxed));  // other hands go on
  const bool waits =
      !more && sub.waits() != nullptr && sub.waits_for_flow(sub.has_due() || sub.blocked() || has_work(s));
  const bool full = !more && (sub.waits_for_hands() || (waits && (!s.dropping || sub.blocked())));
  if (stalled && sub.first_stall()) {  // look once more, now that it can be seen
    stalled = false;
    more = true;
  }
  s.running.exchange(0, std::memory_order_seq_cst);  // [rest]; from here on a stopper may end and free `sub`
  if ((s.signal.load(std::memory_order_seq_cst) & seat::stop) != 0 &&
      (s.concurrent.load(std::memory_order_relaxed) ? take_running(s)
                                                    : s.running.exchange(1, std::memory_order_acquire) == 0)) {
    return s.concurrent.load(std::memory_order_relaxed) ? end_concurrent(s) : finish_own(s);
  }
  const bool paused = (s.signal.load(std::memory_order_relaxed) & seat::pause) != 0;
  // Those who wait for rest are woken when there is some, and now and then while there is none.
  if (!more || paused || stalled || ++s.turns % turns_a_notice == 0) bus.progress.notify_all();
  if (paused || stalled || full) return hold(s, paused);
  return more ? run_state::more : run_state::idle;
}

/// A seat that is not a subscription's.
template <class Runtime, class Topic>
run_state topic_core<Runtime, Topic>::run_other(seat& s) noexcept {
  if constexpr (traits::is_durable) {
    if (s.is_journal) return durable_.run_journal();
  }
  return run_hand(static_cast<hand&>(s));
}

/// Out of a dropping subscription's ring, while no publisher may take it; returns how many positions.
template <class Runtime, class Topic>
std::uint64_t topic_core<Runtime, Topic>::take_some(seat& s, subscription_base& sub) noexcept {
  std::size_t most = ring_.max_pin();
  if constexpr (traits::is_durable) most = durable_.pinnable(s, most);
  const position_run pinned = most != 0 ? ring_.pin(s.cursor(), most) : position_run{};
  if (pinned.size() == 0) return 0;
  const position to = sub.take_aside(view(pinned.first, pinned.last));
  ring_.unpin(s.cursor(), to);
  return pinned.size();
}
/// Everything, but not what publishers put behind it for ever.
template <class Runtime, class Topic>
void topic_core<Runtime, Topic>::take_all(seat& s, subscription_base& sub) noexcept {
  std::uint64_t sum = 0;
  while (!sub.blocked() && sum < ring_.capacity()) {
    const std::uint64_t n = take_some(s, sub);
    if (n == 0) break;
    sum += n;
  }
}

/// One turn of a subscription: what is due again, what it stalled on, then a batch. True: there may be more.
template <class Runtime, class Topic>
bool topic_core<Runtime, Topic>::turn(seat& s, subscription_base& sub) noexcept {
  const std::uint32_t told = s.signal.load(std::memory_order_seq_cst);
  if ((told & (seat::work | seat::kick)) != 0) {
    s.signal.fetch_and(~(seat::work | seat::kick), std::memory_order_seq_cst);
  }
  const bool rests = (told & seat::pause) != 0 || bus.resting.load(std::memory_order_relaxed);
  if (s.concurrent.load(std::memory_order_relaxed)) return turn_hands(s, sub, !rests);
  if (rests) return false;
  if (sub.conflates()) take_all(s, sub);
  bool more = sub.run_due();
  position at = read_from(s);
  if (sub.blocked()) [[unlikely]] {
    const std::uint64_t ended = sub.unstall(view_of(s, at, peal::advance(at, 1)));
    if (ended != 0) pass(s, at = peal::advance(at, ended));
    if (sub.blocked()) return sub.has_due() && sub.may_start();
    more = true;
  }
  if (s.dropping) {
    return take_some(s, sub) != 0 || more;
  }
  if (!sub.may_start()) return false;
  const std::size_t limit = sub.batch_limit();
  const position last = readable(s, at, limit);
  if (last == at) return more;
  const auto wanted = static_cast<std::size_t>(distance(last, at));
  const time_point began = wanted == limit ? runner_.now() : time_point{};
  const position to = sub.run_batch(view_of(s, at, last));
  bus.retries.earn(static_cast<std::uint64_t>(distance(to, at)));
  pass(s, to);
  if (wanted == limit && to == last) sub.learn(wanted, runner_.now() - began);
  return true;
}

/// Leaves a paused or stalled subscription to whoever ends that.
template <class Runtime, class Topic>
run_state topic_core<Runtime, Topic>::hold(seat& s, bool paused) noexcept {
  s.held.store(1, std::memory_order_seq_cst);
  const std::uint32_t told = s.signal.load(std::memory_order_seq_cst);
  const bool go_on = (told & (seat::work | seat::kick | seat::stop)) != 0 || (paused && (told & seat::pause) == 0);
  if (go_on && s.held.exchange(0, std::memory_order_seq_cst) != 0) return run_state::more;
  return run_state::held;
}

/// Passes over what a subscription that ends has not read and counts it, each part before it is no longer waiting.
template <class Runtime, class Topic>
void topic_core<Runtime, Topic>::count_unread(seat& s, subscription_base& sub) noexcept {
  const position head = ring_.claim_position();
  const auto count = [&](position first, position last) {
    std::uint64_t left = 0;
    for (position p = first; p != last; p = peal::advance(p, 1)) {
      const std::uint8_t tag = ring_.tag(p);
      const bool ended = sub.hands() != nullptr && sub.hands()->has_ended(p);
      if (!ended && (tag & slot_tag::empty) == 0 && sub.wants(tag & slot_tag::type_mask)) {
        ++left;
        sub.note_left(p);
      }
    }
    sub.counts_.taken.add(left);
    sub.left_over().add(left);
  };
  for (position at = ring_.cursor(s.cursor()); distance(head, at) > 0 && runner_.alive();
       at = ring_.cursor(s.cursor())) {
    if (s.dropping) {
      const position_run run = ring_.pin(s.cursor(), ring_.max_pin());
      if (run.size() == 0) continue;  // a publisher between claim and publication
      count(run.first, run.last);
      ring_.unpin(s.cursor(), run.last);
    } else {
      const position last = ring_.available(s.cursor(), ring_.capacity());
      count(at, last);
      ring_.advance(s.cursor(), last);
      if (last == at) Runtime::atomics::yield();
    }
  }
}

/// With `running` taken for good: counts what is left, lets the handler go.
template <class Runtime, class Topic>
void topic_core<Runtime, Topic>::finish_subscription(seat& s) noexcept {
  subscription_base& sub = *s.subscription;
  const shared<subscription_base> alive = bus.forget(sub);
  user_code inside{bus.frames, &sub, nullptr};
  if constexpr (traits::is_durable) durable_.leave(s, sub);
  if (s.concurrent.load(std::memory_order_relaxed)) sub.end_hands();
  if (!s.reads_store.load(std::memory_order_relaxed)) count_unread(s, sub);
  sub.release_kept();
  const departure gone = ring_.leave(s.cursor());
  for (std::uint8_t t = 0; t < type_count; ++t) {
    if (sub.wants(t) && !s.reads_store.load(std::memory_order_relaxed)) sub.counts_.dropped.add(gone.dropped[t]);
  }
  if (sub.stalled()) sub.unnote_stall();
  if (lane_.size() != 0) drain_lane();
  sub.destroy_handler();
  if (s.concurrent.load(std::memory_order_relaxed)) dismiss(sub);
  sub.life_.store(subscription_base::life::stopped, std::memory_order_release);
  bus.stops.notify_all(side::rare);
  bus.progress.notify_all(side::rare);
}

template <class Runtime, class Topic>
topic_statistics topic_core<Runtime, Topic>::statistics() const {
  topic_statistics t;
  for (std::uint8_t i = 0; i < type_count; ++i) {
    if (i != 0) t.events += ", ";
    t.events += types[i]->name();
  }
  t.accepted = static_cast<std::uint64_t>(distance(ring_.claim_position(), first_));
  t.unheard = unheard_.get();
  t.refused_full = refused_full_.get();
  t.refused_closed = refused_closed_.get();
  t.overloaded = overloaded_.get();
  t.vetoed = vetoed_.get();
  t.in_lane = lane_.size();
  t.capacity = ring_.capacity();
  t.letters = letters.size();
  t.untold = untold.get();
  t.unread = static_cast<std::uint64_t>(distance(ring_.claim_position(), ring_.gate()));
  return t;
}

template <class Runtime, class Topic>
inline void topic_core<Runtime, Topic>::rouse(seat& s) noexcept {
  if (s.ready.load(std::memory_order_seq_cst) == 0 && take_back(s)) {
    runner_.enqueue(s);
  } else if (s.held.load(std::memory_order_seq_cst) != 0 && s.held.exchange(0, std::memory_order_seq_cst) != 0) {
    runner_.enqueue(s);
  }
}

template <class Runtime, class Topic>
inline void topic_core<Runtime, Topic>::wake_idle() noexcept {
  const std::uint32_t used = used_seats_.load(std::memory_order_acquire);
  for (std::uint32_t i = 0; i < used; ++i) {
    seat& s = seats_[i];
    if (ring_.order().observe(s.ready) == 0 && take_back(s)) runner_.enqueue(s);  // [R1], [R2]
  }
}

template <class Runtime, class Topic>
inline bool topic_core<Runtime, Topic>::try_finish(seat& s) noexcept {
  if (s.concurrent.load(std::memory_order_relaxed) ? !take_for_end(s)
                                                   : s.running.exchange(1, std::memory_order_seq_cst) != 0)
    return false;
  finish_subscription(s);
  if (take_back(s) || s.held.exchange(0, std::memory_order_seq_cst) != 0 ||
      s.leaving.fetch_add(1, std::memory_order_acq_rel) != 0) {
    free_seat(s);
  }
  return true;
}

template <class Runtime, class Topic>
inline std::uint64_t topic_core<Runtime, Topic>::dropped_by(const seat& s, std::uint16_t wanted) const noexcept {
  std::uint64_t sum = 0;
  if (s.reads_store.load(std::memory_order_relaxed)) return sum;
  for (std::uint8_t t = 0; t < type_count; ++t) {
    if (((unsigned{wanted} >> t) & 1U) != 0) sum += ring_.dropped_by_type(s.cursor(), t);
  }
  return sum;
}

}  // namespace peal::inline v0::detail
