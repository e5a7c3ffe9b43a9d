// SPDX-License-Identifier: MIT
// Streams of events by key, appended to by writers that say which version they have seen.
#pragma once

#include <peal/pattern/detail/new_events.hpp>
#include <peal/pattern/detail/outbox_news.hpp>
#include <peal/pattern/expected_version.hpp>
#include <peal/pattern/replayed_event.hpp>
#include <peal/store/store.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace peal::inline v0 {

/// What an append may say beside the events.
struct append_options {
  event_id correlation{};  ///< what the events belong to, for instance a delivery's; default: each one's own id
  event_id causation{};    ///< what caused them, for instance a delivery's id
};

/// Where events were appended.
struct appended {
  std::uint64_t version = 0;   ///< of the stream, now: that of the last one
  std::uint64_t position = 0;  ///< of the last one in the topic

  friend bool operator==(const appended&, const appended&) = default;
};

/// How far back one looks. Whichever limit comes first counts; each of them is included.
struct as_of {
  std::uint64_t version = std::numeric_limits<std::uint64_t>::max();   ///< of the stream
  std::uint64_t position = std::numeric_limits<std::uint64_t>::max();  ///< in the topic
  wall_time time = std::numeric_limits<wall_time>::max();              ///< of publication

  [[nodiscard]] bool before(std::uint64_t v, std::uint64_t p, wall_time t) const noexcept {
    return v > version || p > position || t > time;
  }
};

/// The streams of a topic: for each key the events that were appended to it, numbered from 1.
///
/// Who decides by what is there reads a stream, and appends with the version that was read: when somebody else was first
/// nothing is appended, and it is told (optimistic concurrency; Young's event store, Vernon's aggregates).
/// Order: events of one topic have the order of their commits, those of one append the order of the arguments; they are kept
/// together or not at all.
/// Delivery: when `append` returns, the events are kept as the store promises.
/// Errors: version_conflict, with which nothing was appended; store_error; what an event's codec throws.
/// Thread safety: every call from any thread, and as many objects for one topic as one likes. A topic that a bus keeps in the
/// store belongs to the bus.
/// store::compact would leave each stream its newest event alone, which is enough for nobody who folds it: stream_incomplete.
/// Lifetime: of the store.
/// Example:
/// ```
/// peal::event_streams<opened, deposited, withdrawn> accounts{kept, "bank.accounts"};
/// accounts.append("a-1", peal::no_stream, opened{"Ann"}, deposited{10'000});
/// accounts.append("a-1", 2, withdrawn{2'500});              // only if its newest event is the second
/// accounts.append("a-1", peal::any_version, deposited{1});  // whatever there is
/// ```
template <encodable... Es>
class event_streams {
  static_assert(detail::check_events<Es...>());
  template <class V>
  static constexpr bool carries = (std::is_same_v<V, Es> || ...);

 public:
  using reader = detail::event_reader<Es...>;

  /// `topic`: the store's.
  explicit event_streams(store& kept, std::string topic = "streams")
      : store_{kept}, topic_{std::move(topic)}, epoch_{detail::epoch_of(kept, topic_)} {}
  event_streams(const event_streams&) = delete;
  event_streams& operator=(const event_streams&) = delete;

  /// Appends to the stream of a key, in one commit.
  template <class... Vs>
  appended append(std::string_view key, expected_version expected, const append_options& o, const Vs&... events) {
    return append_and(
        key, expected, o, [](detail::new_events&, const appended&) {}, events...);
  }
  template <class... Vs>
  appended append(std::string_view key, expected_version expected, const Vs&... events) {
    return append(key, expected, append_options{}, events...);
  }

  /// Ends a transaction of the store (sqlite::store::transaction, or anything with `commit(const store_batch&)`) with
  /// these events in it: what was written in it and they are kept, or neither. After a version_conflict it is still open.
  template <class Transaction, class... Vs>
  appended commit(Transaction& t, std::string_view key, expected_version expected, const append_options& o,
                  const Vs&... events) {
    check<Vs...>();
    detail::new_events all;
    collect(all, key, o, events...);
    const appended where = place(all, key, expected);
    t.commit(all.batch());
    kept_now(all);
    return where;
  }
  template <class Transaction, class... Vs>
  appended commit(Transaction& t, std::string_view key, expected_version expected, const Vs&... events) {
    return commit(t, key, expected, append_options{}, events...);
  }

  /// The same as append, and `also(new_events&, const appended&)` adds events of other topics to the commit; it is called
  /// at each try.
  template <class Also, class... Vs>
  appended append_and(std::string_view key, expected_version expected, const append_options& o, Also also,
                      const Vs&... events) {
    check<Vs...>();
    detail::new_events all;
    collect(all, key, o, events...);
    for (;;) {
      const appended where = place(all, key, expected);
      also(all, where);
      try {
        store_.commit(all.batch());
      } catch (const store_error& e) {
        if (e.code() != store_errc::conflict || !all.outrun(store_)) throw;
        all.drop_from(sizeof...(Vs));
        continue;  // another writer was first: of the topic, or of the stream, which place() then sees
      }
      kept_now(all);
      return where;
    }
  }

  /// The newest version of a stream, also when its events are gone; 0: there was never one.
  [[nodiscard]] std::uint64_t version(std::string_view key) const {
    return detail::new_events::newest(store_, topic_, key);
  }

  /// Gives the events of a stream to handlers, `(const E&)` or `(const E&, const replayed_event&)`, from a version on.
  /// Returns the version of the last one; `from - 1` when there was none.
  /// Errors: event_unreadable; stream_incomplete when events from `from` on are gone.
  template <class Handlers>
  std::uint64_t read(std::string_view key, Handlers&& handlers, std::uint64_t from = 1, const as_of& until = {}) const {
    static_assert((detail::takes_replayed<std::remove_reference_t<Handlers>, Es> && ...),
                  "peal: an event of the stream has no handler; a handler takes (const E&) or (const E&, const "
                  "peal::replayed_event&) for every event of the streams");
    detail::stop_when_unreadable stop;
    std::uint64_t next = from;
    bool enough = false;
    const auto show = [&](const stored_event& e) {
      if (e.stream_version != next && next <= until.version) {
        throw stream_incomplete(topic_, key, next, e.stream_version - 1);
      }
      enough = until.before(e.stream_version, e.position, e.published);
      if (enough) return false;
      const replayed_event about{e, true};
      reader::read(
          e, limits_, [&](const auto& event) { detail::call_handler(handlers, event, about); }, stop);
      ++next;
      return true;
    };
    const std::uint64_t newest = store_.read_stream(topic_, key, from, static_cast<std::size_t>(-1), show);
    const std::uint64_t last = newest < until.version ? newest : until.version;
    if (!enough && next <= last) throw stream_incomplete(topic_, key, next, last);
    return next - 1;
  }

  [[nodiscard]] const std::string& topic() const noexcept { return topic_; }
  [[nodiscard]] store& kept() const noexcept { return store_; }
  /// For an outbox_relay, which publishes on a bus what is appended.
  [[nodiscard]] detail::outbox_news& news() noexcept { return news_; }

 private:
  template <class... Vs>
  static constexpr void check() noexcept {
    static_assert(sizeof...(Vs) != 0, "peal: an append of no events; name at least one");
    static_assert((carries<Vs> && ...), "peal: these streams do not carry the event; add it to the streams' events");
  }

  template <class... Vs>
  void collect(detail::new_events& all, std::string_view key, const append_options& o, const Vs&... events) {
    if (!types_kept_.load(std::memory_order_relaxed)) all.template describe<Es...>();
    const auto one = [&](stored_event& e) {
      e.key = key;
      e.correlation = o.correlation;
      e.causation = o.causation;
    };
    (one(all.add(topic_, events)), ...);
  }
  appended place(detail::new_events& all, std::string_view key, expected_version expected) const {
    const std::uint64_t newest = version(key);
    if (!expected.allows(newest)) throw version_conflict(topic_, key, expected, newest);
    const std::uint64_t first = store_.range(topic_).next;
    all.place(0, epoch_, first, newest + 1);
    return {newest + all.size(), first + all.size() - 1};
  }
  void kept_now(const detail::new_events& all) noexcept {
    if (!all.batch().types.empty()) types_kept_.store(true, std::memory_order_relaxed);
    news_.tell();
  }

  store& store_;
  const std::string topic_;
  const std::uint64_t epoch_;
  const decode_limits limits_{};
  std::atomic<bool> types_kept_{false};
  detail::outbox_news news_{};
};

}  // namespace peal::inline v0
