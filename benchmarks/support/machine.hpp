// SPDX-License-Identifier: MIT
// The machine under the figures, and where threads stand on it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <sched.h>

namespace bench {

using clock = std::chrono::steady_clock;

inline double seconds_since(clock::time_point start) {
  return std::chrono::duration<double>(clock::now() - start).count();
}

/// What is known of the machine; each field as a person would say it.
struct machine {
  std::string processor;
  unsigned cores = 0;
  std::string kernel;
  std::string compiler;
  std::string flags;
  double line_round_trip_ns = 0;  ///< one cache line, there and back between two cores; 0 with one core
  bool one_physical_core = false;
  double load = 0;  ///< runnable threads when the run began
  std::string verdict;
};
machine look_at_machine();

/// Processor time of this process, and how often its threads gave up or lost their core.
struct usage {
  double process_seconds = 0;
  double thread_seconds = 0;  ///< of the calling thread alone
  std::uint64_t switches = 0;
};
usage usage_now();
/// Bytes of memory that are in use.
std::uint64_t resident_bytes();
/// Ticks that the hypervisor gave to others, of all ticks, in percent since the first call.
double stolen_percent();

/// Puts the calling thread on a core, and back where it was at the end. Threads inherit the core they are born on.
/// With one core it does nothing.
class core_guard {
 public:
  core_guard();
  ~core_guard();
  core_guard(const core_guard&) = delete;
  core_guard& operator=(const core_guard&) = delete;

  void stand_on(unsigned core) const;
  void anywhere() const;

 private:
  cpu_set_t before_;
};

unsigned core_count();

}  // namespace bench
