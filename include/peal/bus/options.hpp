// SPDX-License-Identifier: MIT
// Options of a bus, fixed when it is made.
#pragma once

#include <peal/core/clock.hpp>
#include <peal/core/error.hpp>
#include <peal/observe/observer.hpp>
#include <peal/policy/retry_budget.hpp>

#include <cstddef>
#include <cstdint>
#include <peal/detail/time.hpp>
#include <string>

namespace peal::inline v0 {

/// What a handler that holds up the destructor of its bus is reported with.
struct stuck_handler {
  std::string subscription;
  std::string event;  ///< the event type's name, if the position can still be read
  std::uint64_t position = 0;
};

/// Options of a bus. Every field has a default that works.
struct bus_options {
  static constexpr unsigned one_per_core = ~0U;

  unsigned workers =
      one_per_core;             ///< threads that run handlers; 0: none, everything runs in poll(); at most 4 by default
  std::size_t capacity = 4096;  ///< slots of a topic's ring, where the topic does not say; 2 … 2^31
  std::size_t max_subscriptions = 64;  ///< of one topic, at once; 1 … 4096
  std::size_t lane_capacity = 1024;    ///< events published inside handlers that may wait for room, a topic; 2 … 2^31
  std::size_t max_dead_letters = 65'536;  ///< of one topic; when full, subscriptions stall instead of losing
  std::size_t max_requests = 1024;        ///< of one query type, that wait for their reply at once; 1 … 2^31
  unsigned max_crashes = 3;  ///< of durable topics: lives of the process, beyond the first, that an event may end while
                             ///< it is handled; then it becomes a letter (`crashed`); from 1
  nanoseconds overload_after =
      std::chrono::seconds{1};  ///< a lane without room for so long turns its head into a letter
  nanoseconds spin =
      std::chrono::microseconds{50};   ///< how long an idle worker looks for work before it sleeps; from 0
  retry_budget retries{};              ///< how much of its work may be retries; by default no limit
  peal::observer* observer = nullptr;  ///< told what happens; outlives the bus; null: nobody
  std::uint64_t seed = 0;              ///< of jitter and ids; 0: from the machine's entropy
  void (*on_stuck)(const stuck_handler&) = nullptr;  ///< called every 5 s by a destructor that waits; null: stderr

  /// Errors: bad_option, naming the field.
  void check() const {
    const auto in = [](std::size_t value, std::size_t low, std::size_t high, const char* name) {
      if (value < low || value > high) {
        throw bad_option(std::string("peal: bus_options.") + name + " is " + std::to_string(value) + ", must be " +
                         std::to_string(low) + " to " + std::to_string(high));
      }
    };
    if (workers != one_per_core) in(workers, 0, 255, "workers");
    in(capacity, 1, std::size_t{1} << 31U, "capacity");
    in(max_subscriptions, 1, 4096, "max_subscriptions");
    in(lane_capacity, 1, std::size_t{1} << 31U, "lane_capacity");
    in(max_requests, 1, std::size_t{1} << 31U, "max_requests");
    in(max_crashes, 1, ~0U, "max_crashes");
    in(max_dead_letters, 1, ~std::size_t{0}, "max_dead_letters");
    const auto from = [](double value, double low, const char* name) {
      if (value >= low) return;  // false of what is no number
      throw bad_option(std::string("peal: bus_options.retries.") + name + " is " + std::to_string(value) +
                       ", must be from " + std::to_string(low));
    };
    from(retries.ratio, 0, "ratio");
    from(retries.per_second, 0, "per_second");
    from(retries.burst, 1, "burst");
  }
};

}  // namespace peal::inline v0
