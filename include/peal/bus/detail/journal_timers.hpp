// SPDX-License-Identifier: MIT
// Events that are to be published later, to the store and back. Included by journal.hpp only.
#pragma once

#include <peal/bus/detail/journal.hpp>
#include <peal/bus/detail/schedule.hpp>

#include <limits>

namespace peal::inline v0::detail {

inline wall_time wall_time_of(time_point due, time_point now) noexcept {
  constexpr wall_time latest = std::numeric_limits<wall_time>::max();
  const wall_time wall = wall_now();
  const std::int64_t ahead = (due > now ? due - now : nanoseconds{0}).count();
  return due == time_point::max() || ahead > latest - wall ? latest : wall + ahead;
}

inline timer_word durable_topic::write_timer(const kept& event, const publish_options& o) const {
  timer_word w{0, this, event.type};
  w.correlation = o.correlation;
  w.causation = o.causation;
  ops[event.type].encode(event.event(), w.event);
  return w;
}
inline std::uint64_t durable_topic::expect_timer() { return log.timers().expect(2); }
inline void durable_topic::no_timer() noexcept { log.timers().expect_no_more(2); }
inline void durable_topic::timer(timer_word&& w, std::uint64_t id, time_point due, nanoseconds period) noexcept {
  w.id = id;
  w.due = wall_time_of(due, topic.bus.runner->now());
  w.period = period;
  log.timers().add_expected(std::move(w));
  rouse_journal();
}
inline void durable_topic::timer_again(timer_word&& w, std::uint64_t id, time_point due, nanoseconds period) noexcept {
  w.id = id;
  w.due = wall_time_of(due, topic.bus.runner->now());
  w.period = period;
  (void)rule_set<>{}.run([&] { log.timers().add(std::move(w)); });
  rouse_journal();
}
inline void durable_topic::timer_gone(std::uint64_t id) noexcept {
  log.timers().add_expected({id});
  rouse_journal();
}

/// Before the bus runs: arms what earlier lives have left. An event that this program cannot read stays where it is.
/// Errors: store_error, bad_alloc.
inline void journal::bring_timers(schedule& later) {
  const wall_time wall = wall_now();
  const time_point now = bus_.runner->now();
  store_.timers([&](const stored_timer& s) {
    timers_.skip(s.id);
    for (const durable_topic* t : topics_) {
      if (t->name != s.event.topic) continue;
      std::uint8_t type = 0;
      while (type != t->topic.type_count && t->ops[type].name != s.event.name) ++type;
      if (type == t->topic.type_count) return;
      kept_ptr k = t->read_back(type, s.event);
      if (k == nullptr) return;
      k->type = type;
      const time_point due = saturating_add(now, nanoseconds{s.due - wall});  // its beat, also where that is past
      (void)timers_.expect(1);
      later.bring(t->topic, std::move(k), due, nanoseconds{s.period}, s.id,
                  {s.event.correlation, s.event.causation, nanoseconds{0}});
    }
  });
}

inline void journal::gather_timers() {
  for (const timer_word& w : timers_.taken()) {
    if (w.topic == nullptr) {
      batch_.timers_gone.push_back(w.id);
      continue;
    }
    stored_timer& s = batch_.timers.emplace_back();
    s.id = w.id;
    s.due = w.due;
    s.period = w.period.count();
    s.event.topic = w.topic->name;
    s.event.name = w.topic->ops[w.type].name;
    s.event.version = w.topic->ops[w.type].version;
    s.event.correlation = w.correlation;
    s.event.causation = w.causation;
    s.event.payload = w.event;
  }
}

}  // namespace peal::inline v0::detail
