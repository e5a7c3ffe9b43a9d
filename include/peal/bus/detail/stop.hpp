// SPDX-License-Identifier: MIT
// Stopping, pausing and counting one subscription.
#pragma once

#include <peal/bus/detail/subscription_base.hpp>
#include <peal/bus/detail/watchdog.hpp>
#include <peal/detail/shared.hpp>
#include <peal/observe/statistics.hpp>

#include <mutex>
#include <peal/detail/time.hpp>

namespace peal::inline v0::detail {

/// Caller holds bus.wiring.
[[nodiscard]] inline bool stands(const bus_base& bus, const subscription_base& s) noexcept {
  for (const auto& standing : bus.subscriptions) {
    if (standing.get() == &s) return true;
  }
  return false;
}

[[nodiscard]] inline bool has_stopped(const subscription_base& s) noexcept {
  return s.life_.load(std::memory_order_acquire) == subscription_base::life::stopped;
}

/// Begins to stop; true when it is done. `bits`: seat::abandon or 0.
inline bool begin_stop(const shared<subscription_base>& s, std::uint32_t bits) {
  bus_base& bus = s->topic().bus;
  if (has_stopped(*s)) return true;
  if (s->stop_asked_.exchange(true, std::memory_order_acq_rel)) return false;  // somebody else sees to it
  if (s->runs_here) {
    s->leaving_here.store(true, std::memory_order_seq_cst);
    {
      const std::lock_guard lock{bus.wiring};
      s->topic().detach_here(s);
    }
    (void)bus.forget(*s);
    s->topic().sweep_here();
    return has_stopped(*s);
  }
  seat& place = s->place();
  place.hands.fetch_add(1, std::memory_order_acq_rel);  // nobody else may reuse the seat while we look at it
  place.signal.fetch_or(seat::stop | bits, std::memory_order_seq_cst);
  const bool done = s->topic().try_finish(place);
  if (!done) s->topic().rouse(place);
  s->topic().free_seat(place);
  return done;
}

/// Sleeps until it has stopped or the moment has come.
inline bool wait_stopped(const shared<subscription_base>& s, time_point until) {
  bus_base& bus = s->topic().bus;
  return bus.stops.wait_until(until, [&] {
    if (s->runs_here && !has_stopped(*s)) s->topic().sweep_here();
    return has_stopped(*s);
  });
}

inline void pause_subscription(const subscription_base& s, bool pause) {
  bus_base& bus = s.topic().bus;
  const std::lock_guard lock{bus.wiring};
  if (!stands(bus, s) || s.runs_here) return;
  seat& place = s.place();
  if (pause) {
    place.signal.fetch_or(seat::pause, std::memory_order_seq_cst);
  } else {
    place.signal.fetch_and(~seat::pause, std::memory_order_seq_cst);
    place.signal.fetch_or(seat::kick, std::memory_order_seq_cst);
    s.topic().rouse(place);
  }
}

/// What stands in the subscription's own counters.
inline subscription_statistics counted_in(const subscription_base& s) {
  const delivery_counters& c = s.counts();
  subscription_statistics r;
  r.name = s.name();
  r.discarded = c.discarded.get();
  r.dead = c.dead.get();
  r.expired = c.expired.get();
  r.filtered = c.filtered.get();
  r.deduplicated = c.deduplicated.get();
  r.dropped = c.dropped.get() + c.replaced.get();
  r.stopped = c.stopped.get();
  r.abandoned = c.abandoned.get();
  r.retries = c.retries.get();
  r.failures = c.failures.get();
  r.throttled = c.throttled.get();
  r.redriven = c.redriven.get();
  r.held = c.held.get();
  r.key_stalls = c.key_stalls.get();
  return r;
}

inline subscription_statistics statistics_here(const subscription_base& s) {
  subscription_statistics r = counted_in(s);
  const std::uint64_t taken = s.counts().taken.get() + (has_stopped(s) ? 0 : s.topic().uses_here(s));
  r.handled = taken - r.filtered - r.expired - r.discarded - r.dead - r.stopped;
  r.accepted = taken + r.dropped;
  return r;
}

/// Caller holds bus.wiring.
inline subscription_statistics statistics_of(const subscription_base& s) {
  if (s.runs_here) return statistics_here(s);
  for (;;) {
    const bool sits = !has_stopped(s);
    // In the order in which deliveries go: whoever sees nothing waiting sees how all of it ended.
    const std::int64_t behind_head = sits ? distance(s.topic().head(), s.topic().cursor_of(s.place())) : 0;
    const std::uint64_t ahead = sits && s.hands() != nullptr ? s.hands()->ahead.load(std::memory_order_relaxed) : 0;
    const std::uint64_t behind = behind_head > 0 ? static_cast<std::uint64_t>(behind_head) : 0;
    const std::uint64_t unread = behind > ahead ? behind - ahead : 0;
    const std::uint64_t kept =
        s.returning_.load(std::memory_order_acquire) + s.kept_count() + (s.outputs_waiting() ? 1 : 0);
    const std::uint64_t replaced = s.counts().replaced.get();
    subscription_statistics r = counted_in(s);
    r.handled = s.counts().handled.get();
    r.kept = kept;
    r.waiting = unread + kept;
    r.stalled = s.stalled();
    r.overdue = count_overdue(s);
    if (s.waits() != nullptr) s.waits()->tell(r);
    if (sits) {
      r.dropped += s.topic().dropped_by(s.place(), s.types());
      r.paused = (s.place().signal.load(std::memory_order_relaxed) & seat::pause) != 0;
      if (has_stopped(s)) continue;  // the seat may be another's by now
    }
    r.accepted = s.counts().taken.get() + s.counts().inherited.get() + (r.dropped - replaced) + unread;
    return r;
  }
}

/// With the times of its runs, which take longer to read. Caller holds bus.wiring.
inline subscription_statistics full_statistics_of(const subscription_base& s) {
  subscription_statistics r = statistics_of(s);
  if (s.times() != nullptr) {
    r.handler_time = s.times()->handler.values();
    r.latency = s.times()->latency.values();
  }
  return r;
}

}  // namespace peal::inline v0::detail
