// SPDX-License-Identifier: MIT
// SIGINT and SIGTERM as a question that the program asks between two orders.
#pragma once

#include <signal.h>

#include <atomic>

namespace order_flow {

// The only thing that a signal handler may touch, and it is given no argument to find it by: hence a global.
inline std::atomic<bool> stop_asked{false};
static_assert(std::atomic<bool>::is_always_lock_free);

inline bool interrupted() { return stop_asked.load(std::memory_order_relaxed); }

/// The first signal asks for an orderly end; a second one ends the program as if this had never been called.
inline void listen_to_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { stop_asked.store(true, std::memory_order_relaxed); };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace order_flow
