// SPDX-License-Identifier: MIT
// States that are folded from the events of a stream, now or as they once were, with snapshots on the way.
#pragma once

#include <peal/pattern/event_streams.hpp>
#include <peal/store/position_at.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace peal::inline v0 {

/// How an event changes a state: by the state's own `apply(const E&)`. A fold of one's own is called `(State&, const E&)`.
struct apply_event {
  template <class State, class E>
    requires requires(State& s, const E& e) { s.apply(e); }
  void operator()(State& s, const E& e) const { s.apply(e); }
};

/// A state, and how far its stream has come with it.
template <class State>
struct rebuilt {
  State state{};
  std::uint64_t version = 0;   ///< of the stream: that of the last event in it; 0: there was none
  std::uint64_t position = 0;  ///< of that event in the topic
  wall_time published = 0;     ///< when that event was
  std::uint64_t snapshot = 0;  ///< the version that the newest snapshot in it has; 0: none
};

namespace detail {

template <class Fold, class State, class E>
inline constexpr bool folds = std::is_invocable_v<const Fold&, State&, const E&>;

template <class Streams>
struct events_in;
template <class... Es>
struct events_in<event_streams<Es...>> {
  template <class Fold, class State>
  static constexpr void check() noexcept {
    static_assert((folds<Fold, State, Es> && ...),
                  "peal: the state cannot take in an event of its stream; it needs `void apply(const E&)` for every "
                  "event of the streams, or give a fold that is called (State&, const E&)");
  }
};

/// Folds what is behind `into.version` into it.
template <class State, class Streams, class Fold>
void fold_stream(const Streams& from, std::string_view key, rebuilt<State>& into, const as_of& until,
                 const Fold& fold) {
  from.read(
      key,
      [&](const auto& event, const replayed_event& about) {
        fold(into.state, event);
        into.version = about.stream_version();
        into.position = about.position();
        into.published = about.published();
      },
      into.version + 1, until);
}

}  // namespace detail

/// The state of a stream, folded from its first event on, as it is or as it once was.
///
/// Errors: event_unreadable, stream_incomplete, store_error; what the fold throws. Complexity: the stream's length.
/// Example: `auto then = peal::rebuild<account>(accounts, "a-1", {.position = 1'042});`
template <std::default_initializable State, class Streams, class Fold = apply_event>
rebuilt<State> rebuild(const Streams& streams, std::string_view key, const as_of& until = {}, const Fold& fold = {}) {
  detail::events_in<Streams>::template check<Fold, State>();
  rebuilt<State> now;
  detail::fold_stream(streams, key, now, until, fold);
  return now;
}

}  // namespace peal::inline v0
