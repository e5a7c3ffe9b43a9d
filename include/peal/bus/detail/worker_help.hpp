// SPDX-License-Identifier: MIT
// A thread that waits for an answer runs what is ready of the topic it asked: no number of workers is too few.
// Included by workers.hpp only.
#pragma once

#include <peal/bus/workers.hpp>

namespace peal::inline v0 {

/// Runs one ready subscription, or hand, of the topic; false when there is none now.
inline bool worker_pool::help(const detail::topic_base& topic) noexcept {
  mpmc_ring<detail::seat*>& queue = workers_wanted_ == 0 ? polled_ : queue_;
  bool passed = false;
  bool ran = false;
  detail::seat* s = nullptr;
  for (std::size_t n = queue.size_approx(); n != 0 && !ran && queue.try_pop(s); --n) {
    ran = s->topic == &topic && topic.has_work(*s);
    const detail::run_state state = ran ? s->topic->run(*s) : detail::run_state::idle;
    if (state == detail::run_state::held || state == detail::run_state::retired) continue;
    // What it has due cannot be seen from outside.
    if (state == detail::run_state::more) s->signal.fetch_or(detail::seat::work, std::memory_order_seq_cst);
    put(queue, *s);  // also one that is idle: whoever takes it finds that out, and says so before it sleeps
    passed = true;
  }
  // One who found the queue empty meanwhile may be asleep.
  if (passed) (workers_wanted_ == 0 ? poll_ : work_).notify_all(side::rare);
  return ran;
}

inline void worker_pool::wait_for_answer(const detail::topic_base& topic, event_count<>& where, time_point until,
                                         bool inside, bool (*ready)(const void*) noexcept, const void* arg) noexcept {
  // What ends a wait is announced, except the end of the bus and what becomes ready to be helped with.
  constexpr nanoseconds look_again = std::chrono::milliseconds{10};
  constexpr nanoseconds look_for_work = std::chrono::milliseconds{1};
  const bool helps = inside || workers_wanted_ == 0;
  const auto answered = [&] { return ready(arg); };
  while (!answered()) {
    if (workers_wanted_ == 0) fire_timers();
    if (helps && help(topic)) continue;
    const time_point at = now();
    if (at >= until) return;
    const time_point next = saturating_add(at, helps ? look_for_work : look_again);
    (void)where.wait_until(next < until ? next : until, answered);
  }
}

}  // namespace peal::inline v0
