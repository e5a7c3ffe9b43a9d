// SPDX-License-Identifier: MIT
// What a durable topic knows of an event that is to be published later.
#pragma once

#include <peal/core/clock.hpp>
#include <peal/core/envelope.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace peal::inline v0::detail {

class durable_topic;

/// That a timer stands, with its event as the store has it; or, without a topic, that it does not any more.
struct timer_word {
  std::uint64_t id = 0;
  const durable_topic* topic = nullptr;
  std::uint8_t type = 0;
  nanoseconds period{0};
  std::int64_t due = 0;  ///< nanoseconds of the wall clock
  event_id correlation{};
  event_id causation{};
  std::vector<std::byte> event{};
};

}  // namespace peal::inline v0::detail
