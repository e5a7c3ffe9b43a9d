// SPDX-License-Identifier: MIT
// The persistence interface: what a place that keeps events must do, one atomic batch at a time.
#pragma once

#include <peal/store/records.hpp>
#include <peal/store/store_error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace peal::inline v0 {

/// Everything that happens together: one call of store::commit makes all of it durable, or none.
///
/// What the views name must stay where it is until commit returns; a batch may be cleared and used again.
/// Order: within one list the last word counts; what is both put and removed in one batch is removed.
struct store_batch {
  std::vector<stored_type> types{};        ///< descriptions of event types; known ones are left as they are
  std::vector<stored_event> events{};      ///< new events, at the positions that they have in their topics
  std::vector<stored_cursor> cursors{};    ///< where subscriptions go on from
  std::vector<stored_pending> pending{};   ///< deliveries behind a cursor that have not ended; `attempts` 0: ended
  std::vector<stored_claim> claims{};      ///< idempotency keys
  std::vector<stored_letter> letters{};    ///< new or changed dead letters, by topic and number
  std::vector<letter_ref> letters_gone{};  ///< letters that are no more
  std::vector<stored_timer> timers{};      ///< events to be published later, by id
  std::vector<std::uint64_t> timers_gone{};

  void clear() noexcept {
    types.clear();
    events.clear();
    cursors.clear();
    pending.clear();
    claims.clear();
    letters.clear();
    letters_gone.clear();
    timers.clear();
    timers_gone.clear();
  }
  [[nodiscard]] bool empty() const noexcept {
    return types.empty() && events.empty() && cursors.empty() && pending.empty() && claims.empty() && letters.empty() &&
           letters_gone.empty() && timers.empty() && timers_gone.empty();
  }
};

/// What a store can do beyond what every store must.
struct store_features {
  bool survives_process = false;  ///< what was committed is there after kill -9
  bool survives_power = false;    ///< and after the machine lost power: commit returns after the disk has it
  bool one_writer = false;        ///< a second one to open it for writing is refused with store_errc::locked
  bool reads_beside = false;      ///< another process may read it while it is open here
  bool transactions = false;      ///< lets others write in its transaction
  /// The longest name, idempotency key and key of a stream that it takes; longer ones are `too_large`; bytes
  std::size_t max_key_bytes = 1'000'000;
};

namespace detail {

/// What a store was doing, for messages: "append to shop.orders at 1042".
inline std::string appending(const stored_event& e) {
  return std::string("append to ").append(e.topic).append(" at ").append(std::to_string(e.position));
}

}  // namespace detail

/// A place where events, and how far everybody has come with them, are kept.
///
/// Topics, subscriptions and event types are known by the names that people gave them. Positions are given by the caller:
/// within a topic they have no gaps, and start where `range` says that it goes on. Reading sees what was committed, never a
/// part of a batch: what a read of a topic shows up to its end, ends with the end of a batch.
///
/// Delivery: when `commit` returns, all of its batch is kept (as features() says), in one piece; when it throws, or the
/// process ends within it, either none of it is or, after `io` and `no_space` alone, possibly all: reopening tells.
/// Order: commits take effect one after the other, in the order of their calls.
/// Errors: store_error, which names what and where. After a failed sync every further commit throws `poisoned`: nobody
/// knows what the disk has; reading goes on. `no_space` and `conflict` leave the store usable.
/// Thread safety: every call from any thread; a visitor is called under no lock and may call the store.
/// Lifetime: what a visitor is shown is valid until it returns.
class store {
 public:
  store() = default;
  store(const store&) = delete;
  store& operator=(const store&) = delete;
  virtual ~store() = default;

  /// Makes all of the batch durable, or none of it.
  /// Errors: `conflict` when an event's position is not the next of its topic, or its stream version, where it has one,
  /// not the next of its stream; `too_large`, `no_space`, `io`, `poisoned`, `read_only`.
  virtual void commit(const store_batch& batch) = 0;

  /// Which events a topic has; {0, 0} of one that was never heard of.
  [[nodiscard]] virtual topic_range range(std::string_view topic) const = 0;

  /// How many events of a topic are there, and their bytes.
  /// Complexity: here, a read of all of them; a store that is asked by a bus again and again counts along.
  [[nodiscard]] virtual topic_size size(std::string_view topic) const {
    topic_size all;
    (void)read(topic, 0, ~std::size_t{0}, [&](const stored_event& e) { all += size_of(e); });
    return all;
  }

  /// Shows the topic's events from position `from` on, in order, until the visitor says false, at most `max` of them.
  /// Events that are gone (trimmed, compacted) are passed over. Returns the position to go on from: behind the last one
  /// shown, or at the topic's end.
  virtual std::uint64_t read(std::string_view topic, std::uint64_t from, std::size_t max,
                             visitor<stored_event> show) const = 0;

  /// Shows those events of a topic that have this key, from stream version `from` on (the first is 1), in order. Only
  /// events that were stored with a stream version are in streams. Returns the newest version that the stream ever had,
  /// also when its events are gone; 0: none.
  virtual std::uint64_t read_stream(std::string_view topic, std::string_view key, std::uint64_t from, std::size_t max,
                                    visitor<stored_event> show) const = 0;

  /// Those that ever had an event.
  virtual void topics(visitor<stored_topic> show) const = 0;
  /// Those that were described.
  virtual void types(visitor<stored_type> show) const = 0;
  virtual void cursors(visitor<stored_cursor> show) const = 0;
  /// Of one subscription and topic, by position.
  virtual void pending(std::string_view subscription, std::string_view topic, visitor<stored_pending> show) const = 0;
  /// Of one scope, the oldest first.
  virtual void claims(std::string_view scope, visitor<stored_claim> show) const = 0;
  /// Of one topic, by number; of all when it is empty.
  virtual void letters(std::string_view topic, visitor<stored_letter> show) const = 0;
  /// By time.
  virtual void timers(visitor<stored_timer> show) const = 0;

  /// Removes the topic's events below a position. Positions are never used again. Returns how many were removed.
  virtual std::uint64_t trim(std::string_view topic, std::uint64_t before) = 0;
  /// Of the topic's events below a position keeps the newest of each key, and those without a key; what is at the position
  /// and above stays as it is. Returns how many were removed.
  virtual std::uint64_t compact(std::string_view topic, std::uint64_t before) = 0;
  /// Forgets committed claims that were committed before a moment. Returns how many.
  virtual std::uint64_t forget_claims(std::string_view scope, wall_time before) = 0;
  /// Forgets a subscription: its cursors and pending deliveries, and claims of its scopes (subscription_scopes).
  virtual void forget_subscription(std::string_view subscription) = 0;

  [[nodiscard]] virtual store_features features() const noexcept = 0;
  /// Where it is, for messages: a path, an address.
  [[nodiscard]] virtual std::string_view place() const noexcept = 0;
};

}  // namespace peal::inline v0
