// SPDX-License-Identifier: MIT
// States that are folded from the events of a stream, now or as they once were, with snapshots on the way.
#pragma once

#include <peal/pattern/detail/snapshots.hpp>
#include <peal/pattern/event_streams.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
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

struct aggregate_options {
  std::uint64_t snapshot_every = 100;  ///< events of a stream between two snapshots; 0: none are taken
  std::string snapshots{};             ///< their topic in the store; default: that of the streams and ".snapshots"
};

/// States of streams, loaded from their newest snapshot and the events behind it, and appended to as they are.
///
/// A snapshot is an event of a topic of its own, in the stream of the same key, kept in the commit that makes it due. It is
/// never more than a short cut: one of a version of the state that cannot be brought up to date is passed over. So a
/// state's version must change with its fields and with what its `apply` does.
/// Capacity: `store::compact` on the topic of the snapshots keeps the newest of each stream.
/// Errors: version_conflict, event_unreadable, stream_incomplete, store_error; what the fold throws.
/// Thread safety: every call from any thread, when the fold is safe to call so.
/// Lifetime: of the streams.
/// Example:
/// ```
/// using account_streams = peal::event_streams<opened, deposited, withdrawn>;
/// peal::aggregates<account, account_streams> accounts{streams, {.snapshot_every = 50}};
/// auto a = accounts.load("a-1");
/// if (a.state.cents >= 2'500) accounts.append("a-1", a, withdrawn{2'500});   // throws when somebody else was first
/// ```
template <class State, class Streams, class Fold = apply_event>
class aggregates {
  static_assert(std::default_initializable<State> && std::copy_constructible<State>,
                "peal: a state begins as State{} and is copied before it is changed");
  static_assert(named_event<State> && described<State>,
                "peal: a state that is kept in snapshots needs a name and declared fields, as an event does");

 public:
  explicit aggregates(Streams& streams, const aggregate_options& o = {}, Fold fold = {})
      : streams_{streams},
        every_{o.snapshot_every},
        fold_{std::move(fold)},
        snapshots_{streams.kept(), o.snapshots.empty() ? streams.topic() + ".snapshots" : o.snapshots} {
    detail::events_in<Streams>::template check<Fold, State>();
  }

  /// The state as it is, or as it once was; State{} and version 0 of a stream that has no event.
  [[nodiscard]] rebuilt<State> load(std::string_view key, const as_of& until = {}) const {
    rebuilt<State> now;
    if (auto s = snapshots_.find(key, until)) {
      now = {std::move(s->state), s->version, s->position, s->published, s->version};
    }
    detail::fold_stream(streams_, key, now, until, fold_);
    return now;
  }

  /// Appends events to a stream that is still as it was loaded, and folds them into the state.
  /// Errors: version_conflict, and the state stays as it was.
  template <class... Vs>
  appended append(std::string_view key, rebuilt<State>& known, const append_options& o, const Vs&... events) {
    rebuilt<State> next = known;
    (fold_(next.state, events), ...);
    const appended where = streams_.append_and(
        key, known.version, o,
        [&](detail::new_events& all, const appended& at) {
          next.version = at.version;
          next.position = at.position;
          next.published = all.batch().events.back().published;
          if (every_ == 0 || at.version - known.snapshot < every_) return;
          snapshots_.add(all, key, {next.version, next.position, next.published, next.state});
          next.snapshot = next.version;
        },
        events...);
    known = std::move(next);
    return where;
  }
  template <class... Vs>
  appended append(std::string_view key, rebuilt<State>& known, const Vs&... events) {
    return append(key, known, append_options{}, events...);
  }

  /// Loads, lets `decide(const State&)` say which event follows, and appends it; again when somebody else was first.
  ///
  /// `decide` returns an event, a std::optional of one (nothing: all stays as it is) or a std::tuple of several.
  /// Errors: version_conflict after so many tries; what `decide` throws, with which nothing was appended.
  template <class Decide>
  rebuilt<State> update(std::string_view key, Decide&& decide, unsigned tries = 100) {
    for (;;) {
      rebuilt<State> known = load(key);
      try {
        take(key, known, decide(std::as_const(known.state)));
        return known;
      } catch (const version_conflict&) {
        if (tries <= 1) throw;
        --tries;
      }
    }
  }

  /// Keeps a snapshot of a loaded state now, whether one is due or not.
  void keep_snapshot(std::string_view key, rebuilt<State>& known) {
    if (known.version == known.snapshot) return;
    for (;;) {
      detail::new_events all;
      snapshots_.add(all, key, {known.version, known.position, known.published, known.state});
      try {
        streams_.kept().commit(all.batch());
      } catch (const store_error& e) {
        if (e.code() != store_errc::conflict || !all.outrun(streams_.kept())) throw;
        continue;
      }
      known.snapshot = known.version;
      return;
    }
  }

  [[nodiscard]] Streams& streams() const noexcept { return streams_; }
  [[nodiscard]] const std::string& snapshot_topic() const noexcept { return snapshots_.topic(); }

 private:
  template <class E>
  void take(std::string_view key, rebuilt<State>& known, const E& event) {
    append(key, known, event);
  }
  template <class E>
  void take(std::string_view key, rebuilt<State>& known, const std::optional<E>& event) {
    if (event) append(key, known, *event);
  }
  template <class... Vs>
  void take(std::string_view key, rebuilt<State>& known, const std::tuple<Vs...>& events) {
    std::apply([&](const Vs&... each) { append(key, known, each...); }, events);
  }

  Streams& streams_;
  const std::uint64_t every_;
  const Fold fold_;
  const detail::snapshots<State> snapshots_;
};

}  // namespace peal::inline v0
