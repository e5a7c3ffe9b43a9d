// SPDX-License-Identifier: MIT
// Handles the stored events of a topic again: from a position, a moment or the beginning.
#pragma once

#include <peal/pattern/replayed_event.hpp>
#include <peal/store/position_at.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace peal::inline v0 {

/// Which events are replayed; where several limits are given the narrower one counts.
struct replay_range {
  std::uint64_t from = 0;                                        ///< the first position
  std::uint64_t to = std::numeric_limits<std::uint64_t>::max();  ///< behind the last one; never behind the end that
                                                                 ///< the topic has when the replay begins
  wall_time since = std::numeric_limits<wall_time>::min();       ///< published then or later; see position_at
  wall_time until = std::numeric_limits<wall_time>::max();       ///< published before
  decode_limits limits{};
};

/// What a replay has seen.
struct replay_report {
  std::uint64_t first = 0;       ///< position that it began at
  std::uint64_t next = 0;        ///< position to go on from
  std::uint64_t handled = 0;     ///< events that handlers got
  std::uint64_t unreadable = 0;  ///< those that on_unreadable got
  std::uint64_t gone = 0;        ///< positions between `first` and `next` whose events were trimmed or compacted

  friend bool operator==(const replay_report&, const replay_report&) = default;
};

namespace detail {

inline constexpr std::size_t replayed_at_once = 512;  ///< events of one look into a store

/// A place in a topic where both limits allow to begin, and one to end.
inline replay_report bounds(const store& kept, std::string_view topic, const replay_range& r, std::uint64_t& end) {
  const topic_range there = kept.range(topic);
  replay_report all;
  end = std::min(r.to, there.next);
  if (r.until != std::numeric_limits<wall_time>::max()) end = std::min(end, position_at(kept, topic, r.until));
  all.first = r.from;
  if (r.since != std::numeric_limits<wall_time>::min()) {
    all.first = std::max(all.first, position_at(kept, topic, r.since));
  }
  all.next = all.first;
  return all;
}

template <class Reader, class Handlers, class Refuse>
replay_report replay_events(const store& kept, std::string_view topic, const replay_range& range, Handlers& handlers,
                            Refuse& refuse) {
  std::uint64_t end = 0;
  replay_report all = bounds(kept, topic, range, end);
  while (all.next < end) {
    const std::uint64_t want = std::min<std::uint64_t>(end - all.next, replayed_at_once);
    const auto show = [&](const stored_event& e) {
      if (e.position >= end) return false;
      all.next = e.position;  // an exception leaves it at the event that it is about
      const replayed_event about{e, true};
      const auto call = [&](const auto& event) { call_handler(handlers, event, about); };
      ++(Reader::read(e, range.limits, call, refuse) ? all.handled : all.unreadable);
      all.next = e.position + 1;
      return true;
    };
    const std::uint64_t next = kept.read(topic, all.next, static_cast<std::size_t>(want), show);
    all.next = std::min(end, std::max(all.next, next));
  }
  if (all.next > all.first) all.gone = all.next - all.first - all.handled - all.unreadable;
  return all;
}

}  // namespace detail

/// Gives the stored events of a topic to handlers, one for each type: `(const E&)` or `(const E&, const replayed_event&)`.
///
/// Order: the topic's. Delivery: each event of the range once; older versions come through their upcasts. The bus has no
/// part in it: subscriptions and cursors stay where they are.
/// Errors: event_unreadable for what this program cannot read, and the replay stops there; store_error; what a handler
/// throws.
/// Thread safety: any thread; handlers run on it. With an embedded store the file keeps what others free while 512 events
/// are handled: a handler should not sleep.
/// Example:
/// ```
/// peal::replay<order_placed, order_paid>(kept, "shop.orders", {.since = monday},
///     peal::overloaded{[&](const order_placed& o) { placed += o.cents; },
///                      peal::skip_on_replay{[&](const order_paid& o) { send_mail(o); }}});
/// ```
template <class... Es, class Handlers>
replay_report replay(const store& kept, std::string_view topic, const replay_range& range, Handlers&& handlers) {
  static_assert((detail::takes_replayed<std::remove_reference_t<Handlers>, Es> && ...),
                "peal: a replayed event has no handler; a handler takes (const E&) or (const E&, const "
                "peal::replayed_event&) for every event of the replay");
  detail::stop_when_unreadable stop;
  return detail::replay_events<detail::event_reader<Es...>>(kept, topic, range, handlers, stop);
}

/// The same, and goes on behind events that cannot be read: they are counted, and on_unreadable gets them.
template <class... Es, class Handlers, class F>
replay_report replay(const store& kept, std::string_view topic, const replay_range& range, Handlers&& handlers,
                     on_unreadable<F> unreadable) {
  static_assert((detail::takes_replayed<std::remove_reference_t<Handlers>, Es> && ...),
                "peal: a replayed event has no handler; a handler takes (const E&) or (const E&, const "
                "peal::replayed_event&) for every event of the replay");
  return detail::replay_events<detail::event_reader<Es...>>(kept, topic, range, handlers, unreadable.handle);
}

}  // namespace peal::inline v0
