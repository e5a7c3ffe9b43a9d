// SPDX-License-Identifier: MIT
// What a bus has done so far, as plain values.
#pragma once

#include <peal/core/envelope.hpp>
#include <peal/observe/histogram.hpp>

#include <cstdint>
#include <peal/detail/time.hpp>
#include <string>
#include <vector>

namespace peal::inline v0 {

/// Where the breaker of a subscription stands.
enum class breaker_state : std::uint8_t {
  none,  ///< the subscription has no breaker
  closed,
  open,       ///< nothing is run before its time is over
  half_open,  ///< probes are let through
};

/// Why a subscription runs nothing now, although it could.
enum class wait_reason : std::uint8_t {
  nothing,
  pause,    ///< peal::pause{…} after a failed run
  breaker,  ///< its breaker is open, or its probes are on their way
  rate,     ///< there is no permit now
};

/// The deliveries of one subscription by how they ended.
///
/// At rest `accepted = handled + discarded + dead + expired + filtered + deduplicated + dropped + stopped + abandoned +
/// waiting`; while events flow the counters are read one after the other and may be apart by what happens in between.
struct subscription_statistics {
  std::string name;
  std::uint64_t accepted = 0;  ///< events of its types accepted while it stood
  std::uint64_t handled = 0;
  std::uint64_t discarded = 0;
  std::uint64_t dead = 0;  ///< letters kept now and letters taken away
  std::uint64_t expired = 0;
  std::uint64_t filtered = 0;
  std::uint64_t deduplicated = 0;
  std::uint64_t dropped = 0;     ///< by behind{…}
  std::uint64_t stopped = 0;     ///< left when it was stopped
  std::uint64_t abandoned = 0;   ///< left when the bus was drained past its deadline
  std::uint64_t waiting = 0;     ///< unread and kept aside; unread counts every type of the topic
  std::uint64_t kept = 0;        ///< of those, kept aside: back-off, behind a duplicate, behind a busy key
  std::uint64_t held = 0;        ///< of those, behind a busy key (ordered_by)
  std::uint64_t retries = 0;     ///< runs beyond the first
  std::uint64_t failures = 0;    ///< runs that failed
  std::uint64_t throttled = 0;   ///< retries put off by the bus's retry budget, each time counted
  std::uint64_t redriven = 0;    ///< letters that came back
  std::uint64_t key_stalls = 0;  ///< events that found no room behind their busy key; the subscription waited for it
  std::uint64_t overdue = 0;     ///< of its handlers, those that run longer than its timeout now
  std::uint64_t pauses = 0;      ///< how often a failed run made the whole subscription wait
  std::uint64_t rate_waits = 0;  ///< how often it waited for a permit of its rate
  std::uint64_t breaker_opened = 0;
  std::chrono::nanoseconds breaker_open_time{0};  ///< how long its breaker has been open in all
  breaker_state breaker = breaker_state::none;
  wait_reason waits_for = wait_reason::nothing;
  bool paused = false;
  bool stalled = false;           ///< cannot go on now: no room for an output, a kept event or a letter
  histogram_values handler_time;  ///< of timed runs, with the policy measured
  histogram_values latency;       ///< from publish to handled, of those in a timed topic

  /// Right side of the identity above.
  [[nodiscard]] std::uint64_t accounted() const noexcept {
    return handled + discarded + dead + expired + filtered + deduplicated + dropped + stopped + abandoned + waiting;
  }
};

/// A handler that runs longer than its peal::timeout.
struct overdue_handler {
  std::string subscription;
  event_id id{};
  std::string event;  ///< the event type's name, if it still stands in its slot
  nanoseconds running_for{0};
};

/// One topic.
struct topic_statistics {
  std::string events;  ///< the names of its events
  std::uint64_t accepted = 0;
  std::uint64_t unheard = 0;       ///< accepted while nobody was subscribed
  std::uint64_t refused_full = 0;  ///< try_publish without room, and waiting ones that timed out
  std::uint64_t refused_closed = 0;
  std::uint64_t overloaded = 0;  ///< refused or made a letter because the lane was full
  std::uint64_t vetoed = 0;      ///< refused by the topic's publish middleware
  std::uint64_t in_lane = 0;     ///< published inside handlers, waiting for room
  std::uint64_t capacity = 0;
  std::uint64_t letters = 0;  ///< dead letters kept now
  std::uint64_t untold = 0;   ///< letters whose own topic had no room to be told of them; they are kept all the same
  std::uint64_t unread = 0;   ///< behind the slowest subscription that holds publishers back
};

/// Can the bus do its work?
enum class health : std::uint8_t {
  ok,
  degraded,  ///< a subscription is stalled, its breaker is open, a handler over its timeout, a box of dead letters full, a store says no
};

/// The whole bus. Names of stopped subscriptions are not in it.
struct bus_statistics {
  std::vector<topic_statistics> topics;
  std::vector<subscription_statistics> subscriptions;
  std::vector<overdue_handler> overdue{};  ///< handlers that run longer than they may, now
};

}  // namespace peal::inline v0
