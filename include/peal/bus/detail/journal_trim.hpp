// SPDX-License-Identifier: MIT
// Events that nobody needs any more go out of the store, a few at a time. Included by journal.hpp only.
#pragma once

#include <peal/bus/detail/journal.hpp>
#include <peal/store/position_at.hpp>

namespace peal::inline v0::detail {

/// Errors: bad_option.
inline void journal::retain(const durable_topic& t, const retention& r) {
  if (r.age.count() < 0) throw bad_option("peal: retention.age is below 0; say how old an event has to be to go");
  trim_from_now_on({&t, r});
}
/// Errors: bad_option.
inline void journal::compact(const durable_topic& t, const compaction& c) {
  if (c.age.count() < 0) throw bad_option("peal: compaction.age is below 0; say how old an event has to be to go");
  trim_from_now_on({&t, {c.age, c.count}, true});
}
inline void journal::trim_from_now_on(const trimming& one) {
  {
    const std::lock_guard lock{mutex_};
    std::erase_if(trims_, [&](const trimming& t) { return t.topic == one.topic && t.by_key == one.by_key; });
    trims_.push_back(one);
    trim_at_ = {};
  }
  topics_.front()->rouse_journal();
}

/// After a commit. One that fails is tried later: nothing waits for it.
inline void journal::trim_some() noexcept {
  if (trims_.empty() || has_failed()) return;
  const time_point now = bus_.runner->now();
  nanoseconds wait{0};
  if (now < trim_at_) {
    if (!trim_armed_) wait = trim_at_ - now;
  } else {
    trim_armed_ = false;
    const auto failed = rule_set<>{}.run([&] {
      for (trimming& one : trims_) wait = larger(wait, one.by_key ? compact(one) : trim(one));
    });
    if (failed) {
      note_trouble(&trim_alarm_, {}, failed->error_text);
      wait = late;
    } else if (trim_fails_) {
      trouble_over(&trim_alarm_);
    }
    trim_fails_ = failed.has_value();
    trim_at_ = saturating_add(now, wait.count() != 0 ? wait : late);
  }
  if (wait.count() == 0) return;
  trim_armed_ = true;
  bus_.runner->arm(trim_alarm_, saturating_add(now, wait));
}

/// Returns when to look again, without anybody saying so; 0: with what is published next. Errors: store_error, bad_alloc.
inline nanoseconds journal::trim(const trimming& one) {
  const topic_range there = store_.range(one.topic->name);
  position last = lowest_cursor(*one.topic);
  const std::uint64_t kept = there.next - there.first;
  if (one.keeps.count >= kept) return {};
  if (const position newest = there.next - one.keeps.count; last > newest) last = newest;
  const bool more = last > there.first + most_trimmed;
  if (more) last = there.first + most_trimmed;
  nanoseconds wait = more ? soon : nanoseconds{0};
  if (one.keeps.age.count() != 0 || one.keeps.bytes != 0) last = old_and_many(one, there.first, last, wait);
  if (last > there.first) (void)store_.trim(one.topic->name, last);
  return wait;
}

/// Up to where events are neither young nor among the newest bytes. Errors: store_error.
inline position journal::old_and_many(const trimming& one, position first, position last, nanoseconds& wait) const {
  const wall_time old = wall_now() - one.keeps.age.count();
  std::uint64_t left = one.keeps.bytes == 0 ? 0 : store_.size(one.topic->name).bytes;
  position to = first;
  (void)store_.read(one.topic->name, first, most_trimmed, [&](const stored_event& e) {
    if (e.position >= last) return false;
    if (one.keeps.bytes != 0 && left <= one.keeps.bytes) {
      wait = {};  // until more comes
      return false;
    }
    if (one.keeps.age.count() != 0 && e.published > old) {
      wait = larger(late, nanoseconds{e.published - old});
      return false;
    }
    left -= size_of(e).bytes;
    to = e.position + 1;
    return true;
  });
  return to;
}

/// The same for one that leaves the newest of each key.
inline nanoseconds journal::compact(trimming& one) {
  const std::string& name = one.topic->name;
  const topic_range there = store_.range(name);
  if (one.keeps.count >= there.next) return {};
  position last = smaller(lowest_cursor(*one.topic), there.next - one.keeps.count);
  nanoseconds wait{0};
  if (one.keeps.age.count() != 0) {
    const wall_time old = wall_now() - one.keeps.age.count();
    const position young = position_at(store_, name, old + 1);
    if (young < last) {
      last = young;
      (void)store_.read(name, young, 1,
                        [&](const stored_event& e) { wait = larger(late, nanoseconds{e.published - old}); });
    }
  }
  const position from = one.compacted ? larger(one.reached, there.first) : there.first;
  if (last <= from) return wait;
  if (one.compacted && (last - from) + (there.next - from) < store_.size(name).events) return wait;
  (void)store_.compact(name, last);
  one.compacted = true;
  one.reached = last;
  return wait;
}

/// Of everybody whom the store knows, and who reads it now; 0: there is nobody. Errors: store_error.
inline position journal::lowest_cursor(const durable_topic& t) const {
  position lowest = ~position{0};
  const auto see = [&](position at) { lowest = at < lowest ? at : lowest; };
  store_.cursors([&](const stored_cursor& c) {
    if (c.topic != t.name) return;
    see(c.position);
    store_.pending(c.subscription, c.topic, [&](const stored_pending& p) {
      see(p.position);
      return false;  // the first
    });
  });
  const std::lock_guard lock{cursors_mutex_};
  for (const kept_cursor& c : cursors_) {
    if (c.topic != &t) continue;
    position at = c.known ? c.stored : c.wanted;
    if (c.durable || (c.sits != nullptr && c.sits->safe_position(at))) see(at);
  }
  return lowest == ~position{0} ? 0 : lowest;
}

}  // namespace peal::inline v0::detail
