// SPDX-License-Identifier: MIT
// What a bus with durable topics says of its store: how far that has come, how far subscriptions have, who is missing.
#pragma once

#include <peal/core/envelope.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace peal::inline v0 {

/// One durable topic.
struct topic_durability {
  std::string name;            ///< in the store
  std::uint64_t accepted = 0;  ///< the position that the next event gets
  std::uint64_t durable = 0;   ///< events before it are in the store
  std::uint64_t oldest = 0;    ///< and those before this one are there no more: see peal::retention
};

/// One subscription, in one durable topic.
struct subscription_durability {
  std::string name;
  std::string topic;
  std::uint64_t position = 0;  ///< the store says: it goes on here
  std::uint64_t lag = 0;       ///< accepted events behind that
  bool orphaned = false;       ///< no subscription of this name stands: what it has not read waits for it
};

/// How far the store of a bus and its subscriptions have come.
struct durability_report {
  std::vector<topic_durability> topics;
  std::vector<subscription_durability> subscriptions;
  bool failed = false;                ///< durable topics refuse every publication: publish_errc::store_failed
  std::string failure;                ///< what the store said last when it said no; empty while all is well
  std::vector<event_id> not_durable;  ///< once it has failed: accepted and lost; the first 10,000 of each topic
};

}  // namespace peal::inline v0
