// SPDX-License-Identifier: MIT
// Coming to rest: settle, drain and the end of a bus.
#pragma once

#include <peal/bus/detail/stop.hpp>
#include <peal/bus/reports.hpp>
#include <peal/detail/list.hpp>
#include <peal/detail/shared.hpp>

#include <cstdio>
#include <string>
#include <vector>

namespace peal::inline v0::detail {

/// A moment of the bus that everything accepted before it is measured against.
class milestone {
 public:
  explicit milestone(const bus_base& bus) {
    for (const topic_base* t : bus.topics) {
      inside_.push_back(t->published_inside());                    // before the head: counted only after the claim
      lanes_were_empty_ = lanes_were_empty_ && t->in_lane() == 0;  // what stands there now gets a place behind the head
      heads_.push_back(t->head());
    }
  }

  /// Nothing was published from inside since; so nothing that it caused can be missing.
  [[nodiscard]] bool still(const bus_base& bus) const noexcept {
    if (!lanes_were_empty_) return false;
    for (std::size_t i = 0; i < inside_.size(); ++i) {
      if (bus.topics[i]->published_inside() != inside_[i] || bus.topics[i]->in_lane() != 0) return false;
    }
    return true;
  }

  /// Every delivery of an event before the milestone has ended.
  [[nodiscard]] bool reached(bus_base& bus) {
    for (const topic_base* t : bus.topics) {
      if (t->in_lane() != 0) return false;
    }
    const std::lock_guard lock{bus.wiring};
    for (const auto& s : bus.subscriptions) {
      if (!passed(*s)) return false;
    }
    return true;
  }

  [[nodiscard]] bool has_passed(const subscription_base& s) { return passed(s); }

  /// What has not been reached; true in `hopeless` when nothing but the caller can change that.
  [[nodiscard]] std::vector<std::string> missing(bus_base& bus, bool& hopeless) {
    std::vector<std::string> sentences;
    hopeless = true;
    list<const topic_base*> lanes;
    for (const topic_base* t : bus.topics) {
      if (const auto n = t->in_lane(); n != 0) {
        lanes.push_back(t);
        sentences.push_back("topic of " + std::string(t->types[0]->name()) + ": " + std::to_string(n) +
                            " published inside handlers wait for room");
      }
    }
    const std::lock_guard lock{bus.wiring};
    for (const auto& s : bus.subscriptions) {
      if (s->runs_here) continue;
      const subscription_statistics now = statistics_of(*s);
      const bool sink_full = now.stalled && s->topic().letters.full();
      const bool pumped = s->place().polled;
      const bool cut = is_cut_off(*s);
      const bool callers = now.paused || sink_full || pumped || cut;
      if (callers && now.waiting > now.kept) lanes.remove(&s->topic());  // this is who keeps that ring full
      if (passed(*s)) continue;
      if (!callers) hopeless = false;
      std::string why = "subscription \"" + now.name + "\": ";
      why += now.paused  ? "paused, "
             : sink_full ? "its topic's dead letters are full, "
             : pumped    ? "waits for bus.poll(), "
             : cut       ? "its topic's store has failed, "
                         : flow_text(now);
      why += std::to_string(now.waiting - now.kept) + " unread, " + std::to_string(now.kept) + " kept aside";
      sentences.push_back(std::move(why));
    }
    // A lane that is not empty for a moment, or until its time is up, moves on by itself.
    if (sentences.empty() || !lanes.empty()) hopeless = false;
    return sentences;
  }

  /// The store has failed, and what has not come to its end is not in it, or has outputs that it refuses.
  [[nodiscard]] bool is_cut_off(bus_base& bus) {
    if (bus.log == nullptr || !bus.log->has_failed()) return false;
    for (const topic_base* t : bus.topics) {
      if (t->in_lane() != 0) return false;
    }
    const std::lock_guard lock{bus.wiring};
    for (const auto& s : bus.subscriptions) {
      if (!passed(*s) && !is_cut_off(*s)) return false;
    }
    return true;
  }

 private:
  static bool is_cut_off(const subscription_base& s) noexcept {
    const topic_base& t = s.topic();
    if (t.keeper == nullptr || !t.bus.log->has_failed()) return false;
    return s.outputs_waiting() ||
           (s.kept_count() == 0 && distance(s.topic().cursor_of(s.place()), t.keeper->in_store()) >= 0);
  }
  static const char* flow_text(const subscription_statistics& now) noexcept {
    switch (now.waits_for) {
      case wait_reason::pause: return "pauses after a failed run, ";
      case wait_reason::breaker:
        return now.breaker == breaker_state::open ? "its breaker is open, " : "its breaker probes, ";
      case wait_reason::rate: return "waits for a permit of its rate, ";
      case wait_reason::nothing: break;
    }
    return "";
  }

  struct mark {
    const subscription_base* subscription;
    std::uint64_t kept;
  };

  bool passed(const subscription_base& s) {
    if (s.runs_here) return true;
    if (distance(s.topic().cursor_of(s.place()), heads_[s.topic().index]) < 0) return false;
    if (s.returning_.load(std::memory_order_acquire) != 0 || s.letters_untold()) return false;  // pairs with [returned]
    if (s.outputs_waiting() || (s.place().signal.load(std::memory_order_seq_cst) & seat::work) != 0) return false;
    for (const mark& m : marks_) {
      if (m.subscription == &s) return s.oldest_kept() > m.kept;
    }
    marks_.push_back({&s, s.kept_ever()});
    return s.oldest_kept() > marks_.back().kept;
  }

  bool lanes_were_empty_ = true;
  list<position> heads_;
  list<std::uint64_t> inside_;
  list<mark> marks_;  // kept aside before the milestone: what is kept later may stay
};

inline settle_report unsettled(const char* why) {
  settle_report report{false, {}};
  report.waiting_for.push_back(why);
  return report;
}

template <class Executor>
settle_report settle(bus_base& bus, Executor& runner, time_point until) {
  if (!runner.alive()) return unsettled("this process was forked; the bus lives in its parent");
  if (const frame* inside = bus.frames.current(); inside != nullptr) {
    return unsettled("settle was called from inside a handler of this bus, which it would wait for");
  }
  for (;;) {
    milestone goal{bus};
    bool there = false;  // remembered: a lane is empty one moment and not the next
    bool hopeless = false;
    (void)runner.wait(bus.progress, until, [&] {
      there = goal.reached(bus);
      if (!there) (void)goal.missing(bus, hopeless);
      return there || hopeless;
    });
    if (!there) {
      auto why = goal.missing(bus, hopeless);
      if (!why.empty()) return {false, std::move(why)};
    } else if (goal.still(bus)) {
      return {};
    } else if (Executor::waits_for_time && runner.now() >= until) {
      return unsettled("events go on causing further events");  // they reach one milestone after the other
    }
  }
}

inline std::uint64_t handled_in(bus_base& bus) {
  std::uint64_t sum = 0;
  const std::lock_guard lock{bus.wiring};
  for (const auto& s : bus.subscriptions) sum += statistics_of(*s).handled;
  for (const auto& s : bus.ended) sum += s.handled;
  return sum;
}

inline stuck_handler stuck_at(const subscription_base& s, position p) {
  return {s.name(), event_name_at(s.topic(), p), p};
}

/// The handlers of a subscription that are running now: one, or those of its hands.
inline list<stuck_handler> stuck_in(const subscription_base& s) {
  list<stuck_handler> all;
  if (s.hands() == nullptr) {
    all.push_back(stuck_at(s, s.running_position_.load(std::memory_order_relaxed)));
    return all;
  }
  for (const hand* const h : s.hands()->hired) {
    if (h->subscription == &s && h->state.load(std::memory_order_acquire) == hand::busy) {
      all.push_back(stuck_at(s, h->where.load(std::memory_order_relaxed)));
    }
  }
  return all;
}

/// The same for one with hands: everything but what runs and what has been handled.
inline void count_left_by_hands(subscription_base& s, drain_report& report) {
  struct notes {
    subscription_base& of;
    drain_report& to;
    std::uint64_t count = 0;
  } left{s, report};
  const auto look = [](void* arg) noexcept {
    notes& mine = *static_cast<notes*>(arg);
    const auto note = [&](position p) {
      if (mine.count++ < subscription_base::max_left) mine.to.abandoned_ids.push_back(mine.of.topic().id_at(p));
    };
    (void)caught([&] { mine.of.each_left(note); });  // without memory it says less
  };
  if (s.topic().look_at(s.place(), look, &left)) {
    report.abandoned += left.count;
  } else {  // what runs it hangs itself, in a filter or a key: all but that
    const std::uint64_t waiting = statistics_of(s).waiting;
    report.abandoned += waiting != 0 ? waiting - 1 : 0;
  }
}

/// What a handler that does not end leaves behind it: everything but what it has now. Caller holds bus.wiring.
inline void count_left(subscription_base& s, drain_report& report) {
  if (s.runs_here) return;
  if (s.hands() != nullptr) return count_left_by_hands(s, report);
  const position now = s.running_position_.load(std::memory_order_relaxed);
  position p = s.topic().cursor_of(s.place());
  const bool from_ring = distance(now, p) >= 0;
  if (from_ring) p = advance(now, 1);
  std::uint64_t found = 0;
  for (; distance(s.topic().head(), p) > 0; p = advance(p, 1)) {
    const std::uint8_t tag = s.topic().type_at(p);
    if ((tag & slot_tag::empty) != 0 || !s.wants(tag & slot_tag::type_mask)) continue;
    if (found++ < subscription_base::max_left) report.abandoned_ids.push_back(s.topic().id_at(p));
  }
  const std::uint64_t kept = s.kept_count();
  report.abandoned += found + (from_ring || kept == 0 ? kept : kept - 1);
}

/// No run starts any more, and no timer's event comes in: those on their way are in their lanes.
inline void begin_rest(bus_base& bus) noexcept {
  bus.resting.store(true, std::memory_order_seq_cst);
  while (bus.arriving.load(std::memory_order_seq_cst) != 0) native_atomics::yield();  // pairs with [arriving]
}

/// Before durable topics close for all: what was published inside handlers and had no room goes to the store with the rest,
/// for the next life, and how far everybody has come need not wait for it.
inline void place_lanes(bus_base& bus) noexcept {
  if (bus.log == nullptr) return;
  for (std::uint64_t before = ~std::uint64_t{0};;) {
    std::uint64_t left = 0;
    for (topic_base* t : bus.topics) {
      if (t->keeper == nullptr) continue;
      t->empty_lane();
      left += t->in_lane();
    }
    if (left == 0 || left >= before || bus.log->has_failed()) return;
    before = left;
    bus.log->flush();  // makes room
  }
}

/// What a stopped subscription has left: a durable one goes on in the next life with what is in the store.
inline void tell_left(const subscription_base& s, drain_report& report) {
  const topic_base& t = s.topic();
  const std::uint64_t left = s.counts().abandoned.get();
  if (t.keeper == nullptr || s.effects == nullptr) {
    report.abandoned += left;
    report.abandoned_ids.insert(report.abandoned_ids.end(), s.left_.begin(), s.left_.end());
    return;
  }
  const position stored = t.keeper->in_store();
  std::uint64_t lost = distance(t.head(), stored) > 0 ? left - s.left_.size() : 0;  // those not written down are newer
  for (const event_id& id : s.left_) {
    if (distance(id.position(), stored) < 0) continue;
    ++lost;
    report.abandoned_ids.push_back(id);
  }
  report.abandoned += lost;
  report.kept += left - lost;
}

/// Past the deadline: ends what has not come to its end and writes down what that was.
inline void abandon_rest(bus_base& bus, drain_report& report) {
  begin_rest(bus);
  milestone goal{bus};
  list<shared<subscription_base>> left;
  {
    const std::lock_guard lock{bus.wiring};
    for (const auto& s : bus.subscriptions) {
      if (!goal.has_passed(*s)) left.push_back(s);
    }
  }
  list<shared<subscription_base>> stopped;
  for (const auto& s : left) {
    if (begin_stop(s, seat::abandon)) {
      stopped.push_back(s);
      continue;
    }
    const std::lock_guard lock{bus.wiring};
    for (stuck_handler& h : stuck_in(*s)) report.stuck.push_back(std::move(h));
    count_left(*s, report);
  }
  place_lanes(bus);
  for (topic_base* t : bus.topics) t->close(true);
  if (bus.log != nullptr) bus.log->flush();
  for (const auto& s : stopped) {
    tell_left(*s, report);
    const std::lock_guard lock{bus.wiring};
    bus.ended.push_back(full_statistics_of(*s));
  }
}

template <class Executor>
drain_report drain(bus_base& bus, Executor& runner, nanoseconds time) {
  drain_report report;
  report.complete = runner.alive();
  if (!report.complete) return report;  // a fork's child: the threads are the parent's, and so may be any lock
  const time_point began = runner.now();
  const std::uint64_t handled_before = handled_in(bus);
  for (topic_base* t : bus.topics) t->close(false);
  const bool inside = bus.frames.current() != nullptr;
  const time_point until = saturating_add(began, time);
  for (;;) {
    milestone goal{bus};
    bool there = false;
    const auto over = [&] { return (there = goal.reached(bus)) || goal.is_cut_off(bus); };
    if (inside) {
      there = goal.reached(bus);
    } else {
      (void)runner.wait(bus.progress, until, over);
    }
    report.complete = there && goal.still(bus);
    if (report.complete || !there || (Executor::waits_for_time && runner.now() >= until)) break;
  }
  if (!report.complete && !inside) abandon_rest(bus, report);
  if (!inside) {
    for (topic_base* t : bus.topics) t->close(true);
  }
  if (bus.log != nullptr) {
    if (!inside) bus.log->flush();
    report.not_durable = bus.log->not_kept();
  }
  report.handled = handled_in(bus) - handled_before;
  report.timers = bus.timers.load(std::memory_order_relaxed);
  report.timers_kept = bus.timers_kept.load(std::memory_order_relaxed);
  report.took = runner.now() - began;
  return report;
}

/// The end: refuses everybody, stops every subscription, waits for running handlers, naming those that do not end.
template <class Executor>
void end_bus(bus_base& bus, Executor& runner, void (*on_stuck)(const stuck_handler&)) noexcept {
  constexpr nanoseconds between_reports = std::chrono::seconds{5};
  begin_rest(bus);
  if (bus.frames.current() == nullptr) place_lanes(bus);
  for (topic_base* t : bus.topics) t->close(true);
  list<shared<subscription_base>> all;
  {
    const std::lock_guard lock{bus.wiring};
    bus.closed = true;
    all = bus.subscriptions;
  }
  for (const auto& s : all) (void)begin_stop(s, 0);
  if (bus.frames.current() != nullptr) return;  // on a thread of its own: that handler ends after us
  while (bus.visitors.load(std::memory_order_acquire) != 0) native_atomics::yield();  // pairs with [visit-over]
  for (const auto& s : all) {
    while (!wait_stopped(s, saturating_add(runner.now(), between_reports))) {
      for (const stuck_handler& h : stuck_in(*s)) {
        if (on_stuck != nullptr) {
          on_stuck(h);
        } else {
          (void)std::fprintf(
              stderr,
              "peal: the bus waits in its destructor for subscription \"%s\", which has been handling %s %llu\n",
              h.subscription.c_str(), h.event.empty() ? "event" : h.event.c_str(),
              static_cast<unsigned long long>(h.position));
        }
      }
    }
  }
}

}  // namespace peal::inline v0::detail
