// SPDX-License-Identifier: MIT
// The threads beside the workers: the timers', and the one that waits for the disk so that no worker has to.
// Included by workers.hpp only.
#pragma once

#include <peal/bus/workers.hpp>

namespace peal::inline v0 {

inline void worker_pool::timer_main() noexcept {
  while (!stop_.load(std::memory_order_seq_cst)) {
    rearmed_.store(false, std::memory_order_seq_cst);
    fire_timers();
    const auto next = next_timer();
    (void)timer_.wait_until(next ? *next : time_point::max(), [this] {
      return rearmed_.load(std::memory_order_seq_cst) || stop_.load(std::memory_order_seq_cst);
    });
  }
}

/// Between two commits it looks a while for more before it sleeps.
inline void worker_pool::journal_main() noexcept {
  while (!stop_.load(std::memory_order_seq_cst)) {
    detail::seat* s = nullptr;
    if (!journals_.try_pop(s)) {
      (void)journal_.wait_until(time_point::max(),
                                [this] { return !journals_.empty() || stop_.load(std::memory_order_seq_cst); });
      continue;
    }
    if (s->topic->run(*s) == detail::run_state::more) {
      put(journals_, *s);
      continue;
    }
    const time_point began = now();
    bool found = false;
    while (!(found = s->topic->has_work(*s)) && journals_.empty() && now() - began < spin_) native_atomics::pause();
    if (!found) {
      s->topic->declare_idle(*s);
      journal_.order().settle();
      found = s->topic->recheck_work(*s) && s->topic->take_back(*s);
    }
    if (found) put(journals_, *s);
  }
}

}  // namespace peal::inline v0
