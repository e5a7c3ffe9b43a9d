// SPDX-License-Identifier: MIT
// Who looks after handlers with a timeout: which of them run longer than they may, found by whoever asks.
#pragma once

#include <peal/bus/detail/subscription_base.hpp>
#include <peal/observe/statistics.hpp>

#include <string>
#include <vector>

namespace peal::inline v0::detail {

/// The event's type by its name, while it can still be read in its slot.
inline std::string event_name_at(const topic_base& topic, position p) {
  const std::uint8_t tag = topic.type_at(p);
  const auto type = static_cast<std::uint8_t>(tag & slot_tag::type_mask);
  if ((tag & slot_tag::empty) != 0 || type >= topic.type_count) return {};
  return std::string(topic.types[type]->name());
}

/// Calls `found(position, how long)` for each handler of a subscription that is over its timeout now.
/// Caller holds bus.wiring.
template <class Found>
void each_overdue(const subscription_base& s, time_point now, Found&& found) {
  if (s.limits.attempt.count() == 0 || s.runs_here) return;
  const auto look = [&](const attempt_clock& since, const std::atomic<std::uint64_t>& where) {
    const std::int64_t began = since.load(std::memory_order_relaxed);
    const nanoseconds ran = now.time_since_epoch() - nanoseconds{began};
    if (began != 0 && ran > s.limits.attempt) found(where.load(std::memory_order_relaxed), ran);
  };
  if (s.hands() == nullptr) return look(s.running_since, s.running_position_);
  for (const hand* const h : s.hands()->hired) {
    if (h->subscription == &s) look(h->since, h->where);
  }
}

/// Caller holds bus.wiring.
inline void list_overdue(const subscription_base& s, std::vector<overdue_handler>& to) {
  each_overdue(s, s.now(), [&](position p, nanoseconds ran) {
    to.push_back({s.name(), s.topic().id_at(p), event_name_at(s.topic(), p), ran});
  });
}
inline std::uint64_t count_overdue(const subscription_base& s) {
  std::uint64_t n = 0;
  each_overdue(s, s.now(), [&](position, nanoseconds) { ++n; });
  return n;
}
/// Takes bus.wiring, if any subscription has a timeout.
inline bool any_overdue(bus_base& bus) {
  if (bus.with_timeout.load(std::memory_order_relaxed) == 0) return false;
  const std::lock_guard lock{bus.wiring};
  for (const auto& s : bus.subscriptions) {
    if (count_overdue(*s) != 0) return true;
  }
  return false;
}

}  // namespace peal::inline v0::detail
