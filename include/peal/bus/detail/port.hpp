// SPDX-License-Identifier: MIT
// The way of one event type into its topic, without the topic's type.
#pragma once

#include <peal/bus/detail/topic_base.hpp>
#include <peal/core/receipt.hpp>
#include <peal/core/result.hpp>

#include <cstddef>

namespace peal::inline v0::detail {

enum class patience : std::uint8_t {
  none,     ///< refuse at once
  waiting,  ///< until there is room
  until,    ///< for so long
};

/// How one publication is meant.
struct publish_call {
  const publish_options* options = nullptr;
  patience wait = patience::none;
  nanoseconds time{0};  ///< of patience::until
};

/// Moves from the event only when it accepts it.
template <class E>
struct port {
  topic_base* topic = nullptr;
  result<receipt> (*publish)(topic_base&, E&, const publish_call&) noexcept = nullptr;
  std::size_t (*publish_range)(topic_base&, E*, std::size_t, const publish_call&) noexcept = nullptr;
  std::uint8_t type = 0;

  result<receipt> operator()(E& event, const publish_call& call) const noexcept { return publish(*topic, event, call); }
  std::size_t many(E* events, std::size_t n, const publish_call& call) const noexcept {
    return publish_range(*topic, events, n, call);
  }
};

/// The same way with the topic's type, so that the compiler sees through it.
template <class Topic, class E>
struct straight_way {
  Topic* topic = nullptr;

  result<receipt> operator()(E& event, const publish_call& call) const noexcept { return topic->publish(event, call); }
  std::size_t many(E* events, std::size_t n, const publish_call& call) const noexcept {
    return topic->publish_range(events, n, call);
  }
  [[nodiscard]] port<E> erased() const noexcept { return topic->template way_in<E>(); }
};

}  // namespace peal::inline v0::detail
