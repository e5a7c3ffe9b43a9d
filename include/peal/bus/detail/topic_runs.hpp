// SPDX-License-Identifier: MIT
// Running the subscriptions of a topic, draining its lane. Included by topic_core.hpp only.
#pragma once

#include <peal/bus/detail/topic_core.hpp>

namespace peal::inline v0::detail {

template <class Runtime, class Topic>
template <class E>
std::size_t topic_core<Runtime, Topic>::publish_range(E* events, std::size_t count, const publish_call& call) noexcept {
  const bool inside = user_code_depth != 0 || bus.frames.current() != nullptr;
  std::size_t done_with = 0;
  while (done_with < count) {
    const bool singly = inside || here_.any(type_of<E>);  // anew each time: it may wait long for room in between
    E* const from = events + done_with;
    const std::size_t most = ring_.capacity() > 64 ? ring_.capacity() / 2 : 1;
    const std::size_t part = singly ? 1 : smaller(count - done_with, most);
    claim_result c{claim_status::full, 0};
    if (part > 1 && runner_.alive() && lane_.empty()) c = ring_.try_claim(part, caller::outsider);
    if (c.status != claim_status::claimed) {
      // No room for all of them together: one at a time finds what there is, waits as it was told, and says why not.
      if (!publish(*from, call)) break;
      ++done_with;
      continue;
    }
    std::uint8_t tag = type_of<E>;
    for (std::size_t i = 0; i < part; ++i) {
      const position p = peal::advance(c.first, i);
      if (surround_needed(call.options, nullptr) &&
          surround(*::new (&envelopes_[p & ring_.mask()]) envelope, call.options, nullptr)) {
        tag |= slot_tag::enveloped;
      }
      ::new (static_cast<void*>(ring_.storage(p)->bytes)) E(std::move(from[i]));
    }
    ring_.publish_range(c.first, part, tag);
    after_publish(part);
    done_with += part;
  }
  return done_with;
}

template <class Runtime, class Topic>
void topic_core<Runtime, Topic>::run_here(const event_at& at, frame& f) noexcept {
  delivery d = delivery_access::make();
  f.current = &d;
  here_.dispatch(at.type, f.cell, [&](const inline_entry& e) noexcept {
    subscription_base& sub = *e.subscription;
    if (sub.leaving_here.load(std::memory_order_relaxed)) {
      sub.counts_.stopped.add_shared();
      return;
    }
    delivery_access::belongs(d, bus.epoch, index, sub.name(), cancellation_token{});
    delivery_access::at(d, at.where, at.around, true);
    f.subscription = &sub;
    e.run(sub, at.event, at, d);
  });
}

/// One turn of a subscription: what is due again, what it stalled on, then a batch. True: there may be more.
template <class Runtime, class Topic>
bool topic_core<Runtime, Topic>::turn(seat& s, subscription_base& sub) noexcept {
  const std::uint32_t told = s.signal.load(std::memory_order_seq_cst);
  if ((told & (seat::work | seat::kick)) != 0) {
    s.signal.fetch_and(~(seat::work | seat::kick), std::memory_order_seq_cst);
  }
  if ((told & seat::pause) != 0 || bus.resting.load(std::memory_order_relaxed)) return false;
  bool more = sub.run_due();
  position at = ring_.cursor(s.cursor());
  if (sub.blocked()) [[unlikely]] {
    const std::uint64_t ended = sub.unstall(view(at, peal::advance(at, 1)));
    if (ended != 0) ring_.advance(s.cursor(), at = peal::advance(at, ended));
    if (sub.blocked()) return sub.has_due();
    more = true;
  }
  if (s.dropping) {
    const position_run pinned = ring_.pin(s.cursor(), ring_.max_pin());
    if (pinned.size() == 0) return more;
    const position to = sub.take_aside(view(pinned.first, pinned.last));
    ring_.unpin(s.cursor(), to);
    return true;
  }
  const std::size_t limit = sub.batch_limit();
  const position last = ring_.available(s.cursor(), limit);
  if (last == at) return more;
  const auto wanted = static_cast<std::size_t>(distance(last, at));
  const time_point began = wanted == limit ? runner_.now() : time_point{};
  const position to = sub.run_batch(view(at, last));
  ring_.advance(s.cursor(), to);
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

template <class Runtime, class Topic>
seat& topic_core<Runtime, Topic>::attach(std::unique_lock<std::mutex>& wiring,
                                         const std::shared_ptr<subscription_base>& subscription, bool dropping,
                                         bool polled) {
  constexpr int patience = 100;
  seat* s = take_seat();
  for (int i = 0; s == nullptr && i < patience; ++i) {
    wiring.unlock();
    runner_.release_retired();
    Runtime::atomics::yield();
    wiring.lock();
    s = take_seat();
  }
  std::optional<std::uint32_t> cursor;
  if (s != nullptr) {
    wiring.unlock();
    cursor = dropping ? ring_.join_dropping() : ring_.join();
    wiring.lock();
    if (cursor && bus.closed) {
      wiring.unlock();
      ring_.leave(*std::exchange(cursor, std::nullopt));
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
  s->subscription = subscription.get();
  s->cursor_index.store(*cursor, std::memory_order_relaxed);
  s->polled = polled;
  s->dropping = dropping;
  s->leaving.store(0, std::memory_order_relaxed);
  s->hands.store(1, std::memory_order_relaxed);
  s->held.store(0, std::memory_order_relaxed);
  s->signal.store(0, std::memory_order_relaxed);
  subscription->sit(*s);
  s->running.store(0, std::memory_order_release);
  declare_idle(*s);
  return *s;
}

/// Passes over what a subscription that ends has not read and counts it, each part before it is no longer waiting.
template <class Runtime, class Topic>
void topic_core<Runtime, Topic>::count_unread(seat& s, subscription_base& sub) noexcept {
  const position head = ring_.claim_position();
  const auto count = [&](position first, position last) {
    std::uint64_t left = 0;
    for (position p = first; p != last; p = peal::advance(p, 1)) {
      const std::uint8_t tag = ring_.tag(p);
      if ((tag & slot_tag::empty) == 0 && sub.wants(tag & slot_tag::type_mask)) {
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
  const std::shared_ptr<subscription_base> alive = bus.forget(sub);
  user_code inside{bus.frames, &sub, nullptr};
  count_unread(s, sub);
  sub.release_kept();
  const departure gone = ring_.leave(s.cursor());
  for (std::uint8_t t = 0; t < type_count; ++t) {
    if (sub.wants(t)) sub.counts_.dropped.add(gone.dropped[t]);
  }
  if (sub.stalled()) sub.unnote_stall();
  if (lane_.size() != 0) drain_lane();
  sub.destroy_handler();
  sub.life_.store(subscription_base::life::stopped, std::memory_order_release);
  bus.stops.notify_all(side::rare);
  bus.progress.notify_all(side::rare);
}

template <class Runtime, class Topic>
void topic_core<Runtime, Topic>::drain_lane() noexcept {
  if (!lane_.enter()) return;
  bool popped = false;
  do {
    while (auto* const c = lane_.front()) {
      hold_place place{holds_, needs_hold(c->type, bus.frames.current())};
      if (!place.ready()) break;  // whoever gives a cell back looks at the lane
      const claim_result r = ring_.try_claim(1, caller::insider);
      if (r.status == claim_status::claimed) {
        claimed_from_lane(*c, r.first, place);
        popped = true;
        continue;
      }
      if (r.status == claim_status::full) {
        ring_.order().settle();  // the advance that makes room is a plain store followed by a look at this lane
        if (ring_.has_room(1)) continue;
      }
      if (!give_up_head(*c, r.status)) {
        watch_lane();
        break;
      }
      popped = true;
    }
  } while (!lane_.leave());
  if (!popped) return;
  ring_.room().notify_all(side::rare);  // outside publishers wait for an empty lane as well as for room
  if (bus.stalled.load(std::memory_order_seq_cst) != 0) bus.wake_stalled();
}

template <class Runtime, class Topic>
void topic_core<Runtime, Topic>::claimed_from_lane(typename lane<storage>::cell& c, position p,
                                                   hold_place& place) noexcept {
  const event_ops& ops = *types[c.type];
  std::uint8_t tag = c.type;
  if (c.enveloped) {
    ::new (&envelopes_[p & ring_.mask()]) envelope{c.around};
    tag |= slot_tag::enveloped;
  }
  lane_timer_.moves.store(lane_timer_.moves.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  lane_timer_.give_up.store(0, std::memory_order_relaxed);
  lane_timer_.step.store(1, std::memory_order_relaxed);
  if (here_.any(c.type)) {
    storage moved;
    ops.move(moved.bytes, c.storage.bytes);
    ops.destroy(c.storage.bytes);
    if constexpr (!traits::single) lane_.pop(c);
    finish_here(p, moved.bytes, tag, place);
    if constexpr (traits::single) lane_.pop(c);
    ops.destroy(moved.bytes);
    return;
  }
  ops.move(ring_.storage(p)->bytes, c.storage.bytes);
  ops.destroy(c.storage.bytes);
  ring_.publish(p, tag);
  lane_.pop(
      c);  // behind the publication: once the lane is empty a sole publisher claims by itself, one claim at a time
  after_publish();
}

/// Turns the head into a letter if the lane's time is up, or nobody can hear it any more.
template <class Runtime, class Topic>
bool topic_core<Runtime, Topic>::give_up_head(typename lane<storage>::cell& c, claim_status why) noexcept {
  const bool ended = why == claim_status::closed || why == claim_status::closing;
  if (!ended) {
    if (lane_timer_.give_up.load(std::memory_order_relaxed) == 0 || letters.full()) return false;
    lane_timer_.give_up.fetch_sub(1, std::memory_order_relaxed);
  }
  (void)rule_set<>{}.run([&] {
    kept_ptr k = move_event_aside(*types[c.type], c.storage.bytes);
    k->type = c.type;
    k->has_position = false;
    k->around = c.around;
    k->has_envelope = c.enveloped;
    k->cause = dead_cause::overloaded;
    k->died_at = runner_.now();
    k->subscription = c.source.data();
    letters.put(k, ended);
  });
  overloaded_.add();
  types[c.type]->destroy(c.storage.bytes);
  lane_.pop(c);
  return true;
}

/// The head has `overload_after` to find room; then one head is given up, and after each further such time twice as many.
template <class Runtime, class Topic>
void topic_core<Runtime, Topic>::watch_lane() noexcept {
  if (lane_timer_.waiting.exchange(true, std::memory_order_seq_cst)) return;
  lane_timer_.fire = [](timer_node& node) noexcept {
    topic_core& self = *static_cast<lane_timer&>(node).owner;
    lane_timer& t = self.lane_timer_;
    t.waiting.store(false, std::memory_order_seq_cst);
    if (self.lane_.size() == 0) return;
    if (t.moves.load(std::memory_order_relaxed) == t.moves_then.load(std::memory_order_relaxed)) {
      const std::uint32_t step = t.step.load(std::memory_order_relaxed);
      t.step.store(smaller<std::uint32_t>(step * 2, 1U << 16), std::memory_order_relaxed);
      t.give_up.store(step, std::memory_order_relaxed);
    }  // else it has moved since, and whoever finds it stuck again arms the timer again
    const std::uint32_t used = self.used_seats_.load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i < used; ++i) {  // whoever runs next looks at the lane
      self.seats_[i].signal.fetch_or(seat::kick, std::memory_order_seq_cst);
      self.rouse(self.seats_[i]);
    }
  };
  lane_timer_.moves_then.store(lane_timer_.moves.load(std::memory_order_relaxed), std::memory_order_relaxed);
  runner_.arm(lane_timer_, saturating_add(runner_.now(), bus.overload_after));
}

template <class Runtime, class Topic>
topic_statistics topic_core<Runtime, Topic>::statistics() const {
  topic_statistics t;
  for (std::uint8_t i = 0; i < type_count; ++i) {
    if (i != 0) t.events += ", ";
    t.events += types[i]->name();
  }
  t.accepted = ring_.claim_position();
  t.unheard = unheard_.get();
  t.refused_full = refused_full_.get();
  t.refused_closed = refused_closed_.get();
  t.overloaded = overloaded_.get();
  t.in_lane = lane_.size();
  t.capacity = ring_.capacity();
  t.letters = letters.size();
  t.unread = static_cast<std::uint64_t>(distance(ring_.claim_position(), ring_.gate()));
  return t;
}

}  // namespace peal::inline v0::detail
