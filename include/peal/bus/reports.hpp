// SPDX-License-Identifier: MIT
// What settle and drain answer.
#pragma once

#include <peal/bus/options.hpp>
#include <peal/bus/redrive.hpp>
#include <peal/core/envelope.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace peal::inline v0 {

/// Whether everything accepted so far has come to its end, and if not, what it waits for.
struct settle_report {
  bool settled = true;
  std::vector<std::string> waiting_for;  ///< a sentence each, naming the subscription or the topic

  explicit operator bool() const noexcept { return settled; }
};

/// How a drain ended.
struct drain_report {
  bool complete = true;                 ///< everything accepted has come to its end
  std::uint64_t handled = 0;            ///< deliveries handled while it drained
  std::uint64_t kept = 0;               ///< deliveries that a durable bus goes on with after a restart; 0 in memory
  std::uint64_t abandoned = 0;          ///< deliveries that will not be handled any more
  std::vector<event_id> abandoned_ids;  ///< of the first 10,000 of each subscription
  std::vector<stuck_handler> stuck;     ///< handlers that were still running at the deadline
  std::uint64_t timers = 0;             ///< events that were to be published later and will not be any more
  std::uint64_t timers_kept = 0;        ///< those of durable topics, which a bus over the same store publishes
  /// Accepted by durable topics and not in their store, which had no space or has failed; the first 10,000 of each topic
  std::vector<event_id> not_durable;
  nanoseconds took{0};
};

}  // namespace peal::inline v0
