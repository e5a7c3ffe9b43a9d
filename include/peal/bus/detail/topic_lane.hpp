// SPDX-License-Identifier: MIT
// Draining a topic's lane into its ring, and giving up what finds no room there for too long. Included by topic_core.hpp only.
#pragma once

#include <peal/bus/detail/topic_core.hpp>

namespace peal::inline v0::detail {

template <class Runtime, class Topic>
arrival topic_core<Runtime, Topic>::publish_due(kept& event, const publish_options& o) noexcept {
  if (ring_.state() != claim_status::claimed) return arrival::closed;
  if constexpr (traits::has_middleware) {
    return [&]<class... Es>(type_list<Es...>) noexcept {
      arrival came = arrival::closed;
      (void)((event.type == index_of<Es, typename traits::events> &&
              (came = publish_due_by_middleware<Es>(event, o), true)) ||
             ...);
      return came;
    }(typename traits::events{});
  } else {
    return append_due(event, o);
  }
}

template <class Runtime, class Topic>
arrival topic_core<Runtime, Topic>::append_due(kept& event, const publish_options& o) noexcept {
  // An event that came into a lane behind the end would be a letter: it stays a timer, and goes on in the next life.
  bus.arriving.fetch_add(1, std::memory_order_seq_cst);
  const bool ended = bus.resting.load(std::memory_order_seq_cst);  // [arriving]
  const bool appended = !ended && lane_.append([&](auto& cell) {
    types[event.type]->move(cell.event(), event.event());
    cell.type = event.type;
    cell.enveloped = surround(cell.around, &o, nullptr);
    cell.came_from("a timer");
  });
  bus.arriving.fetch_sub(1, std::memory_order_seq_cst);
  if (ended) return arrival::closed;
  if (appended) inside_.add_after();
  drain_lane();
  return appended ? arrival::accepted : arrival::no_room;
}

template <class Runtime, class Topic>
void topic_core<Runtime, Topic>::drain_lane() noexcept {
  if (!lane_.enter()) return;
  bool popped = false;
  do {
    while (auto* const c = lane_.front()) {
      hold_place place{holds_, needs_hold(c->type, bus.frames.current())};
      if (!place.ready()) break;  // whoever gives a cell back looks at the lane
      const claim_result r = claim(1, caller::insider);
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
void topic_core<Runtime, Topic>::claimed_from_lane(lane::cell& c, position p, hold_place& place) noexcept {
  const event_ops& ops = *types[c.type];
  const std::uint8_t type = c.type;
  std::uint8_t tag = type;
  if (c.enveloped) {
    ::new (&envelopes_[p & ring_.mask()]) envelope{c.around};
    tag |= slot_tag::enveloped;
  }
  lane_timer_.moves.store(lane_timer_.moves.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  lane_timer_.give_up.store(0, std::memory_order_relaxed);
  lane_timer_.step.store(1, std::memory_order_relaxed);
  if (here_.any(c.type)) {
    void* const moved = lane_.spare();
    ops.move(moved, c.event());
    ops.destroy(c.event());
    if constexpr (!traits::single) lane_.pop(c);
    finish_here(p, moved, tag, place);
    if constexpr (traits::single) lane_.pop(c);
    ops.destroy(moved);
    return;
  }
  ops.move(ring_.storage(p), c.event());
  ops.destroy(c.event());
  ring_.publish(p, tag);
  lane_.pop(
      c);  // behind the publication: once the lane is empty a sole publisher claims by itself, one claim at a time
  after_publish();
  if (watcher != nullptr) tell_accepted(type, p);
}

/// Turns the head into a letter if the lane's time is up, or nobody can hear it any more.
template <class Runtime, class Topic>
bool topic_core<Runtime, Topic>::give_up_head(lane::cell& c, claim_status why) noexcept {
  const bool ended = why == claim_status::closed || why == claim_status::closing;
  if (!ended) {
    if (lane_timer_.give_up.load(std::memory_order_relaxed) == 0 || letters.full()) return false;
    lane_timer_.give_up.fetch_sub(1, std::memory_order_relaxed);
  }
  letter_ptr placed;
  bool told = false;
  (void)caught([&] {
    if (keeper != nullptr) keeper->expect_letter();
    told = keeper != nullptr;
    kept_ptr k = move_event_aside(*types[c.type], c.event());
    k->type = c.type;
    k->has_position = false;
    k->around = c.around;
    k->has_envelope = c.enveloped;
    k->cause = dead_cause::overloaded;
    k->died_at = runner_.now();
    k->subscription = c.source.data();
    letters.put(k, placed, ended);
  });
  overloaded_.add();
  types[c.type]->destroy(c.event());
  if (told) placed != nullptr ? keeper->letter(placed) : keeper->no_letter();
  given_up.fetch_add(1, std::memory_order_seq_cst);
  lane_.pop(c);
  if (placed != nullptr) tell(placed);
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

}  // namespace peal::inline v0::detail
