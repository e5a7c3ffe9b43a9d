// SPDX-License-Identifier: MIT
// The transactional outbox: events are committed with one's own data, and published once they are.
#pragma once

#include <peal/codec/upcast.hpp>
#include <peal/pattern/detail/new_events.hpp>
#include <peal/pattern/detail/outbox_news.hpp>
#include <peal/store/store.hpp>

#include <atomic>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

namespace peal::inline v0 {

/// Where a service puts the events that must be published if, and only if, its own changes are kept.
///
/// Two writes, a database's and a bus's, can always be torn apart by a crash; here there is one. The event is a row in the
/// same commit, and an outbox_relay hands it on (Hohpe and Woolf's guaranteed delivery; Richardson's transactional
/// outbox).
/// Order: events of one outbox have the order of their commits, those of one commit the order of the arguments.
/// Delivery: at least once: what was committed is published until every subscription has come to its end with it. The
/// copies of an event have the same correlation, its id.
/// Thread safety: every call from any thread. Lifetime: of the store.
/// Errors: store_error, with which nothing was committed; what an event's codec throws.
/// Example:
/// ```
/// peal::sqlite::store kept{"shop.db"};
/// peal::outbox<order_placed> out{kept};
/// auto t = kept.transaction();
/// insert_order(t.handle(), order);                // one's own tables, by SQL
/// out.commit(t, order_placed{order.id, 4200});    // both, or none
/// ```
template <encodable... Es>
class outbox {
  static_assert(sizeof...(Es) != 0, "peal: an outbox of no events; name at least one");
  static_assert((detail::check_chain<Es>() && ...));
  template <class V>
  static constexpr bool carries = (std::is_same_v<V, Es> || ...);

 public:
  /// `topic`: the store's, which nobody else may append to.
  explicit outbox(store& kept, std::string topic = "outbox")
      : store_{kept}, topic_{std::move(topic)}, epoch_{detail::epoch_of(kept, topic_)} {}
  outbox(const outbox&) = delete;
  outbox& operator=(const outbox&) = delete;

  /// Ends a transaction of the store (sqlite::store::transaction, or anything with `commit(const store_batch&)`) with
  /// these events in it: what was written in it and they are kept, or neither. Returns the first event's position.
  template <class Transaction, class... Vs>
  std::uint64_t commit(Transaction& t, const Vs&... events) {
    check<Vs...>();
    detail::new_events all;
    collect(all, events...);
    const std::uint64_t first = place(all);
    t.commit(all.batch());
    kept(all);
    return first;
  }

  /// The same without anything else in the commit. Returns the first event's position, when the store has it.
  template <class... Vs>
  std::uint64_t publish(const Vs&... events) {
    check<Vs...>();
    detail::new_events all;
    collect(all, events...);
    for (;;) {
      const std::uint64_t first = place(all);
      try {
        store_.commit(all.batch());
      } catch (const store_error& e) {
        if (e.code() != store_errc::conflict || !all.outrun(store_)) throw;
        continue;  // another thread had the position first
      }
      kept(all);
      return first;
    }
  }

  [[nodiscard]] const std::string& topic() const noexcept { return topic_; }
  [[nodiscard]] store& kept() const noexcept { return store_; }
  /// For its relay.
  [[nodiscard]] detail::outbox_news& news() noexcept { return news_; }

 private:
  template <class... Vs>
  static constexpr void check() noexcept {
    static_assert(sizeof...(Vs) != 0, "peal: a commit of no events; name at least one");
    static_assert((carries<Vs> && ...), "peal: this outbox does not carry the event; add it to the outbox's events");
  }

  template <class... Vs>
  void collect(detail::new_events& all, const Vs&... events) {
    if (!types_kept_.load(std::memory_order_relaxed)) all.template describe<Es...>();
    ((void)all.add(topic_, events), ...);
  }
  std::uint64_t place(detail::new_events& all) const {
    const std::uint64_t first = store_.range(topic_).next;
    all.place(0, epoch_, first);
    return first;
  }
  void kept(const detail::new_events& all) noexcept {
    if (!all.batch().types.empty()) types_kept_.store(true, std::memory_order_relaxed);
    news_.tell();
  }

  store& store_;
  const std::string topic_;
  const std::uint64_t epoch_;
  std::atomic<bool> types_kept_{false};
  detail::outbox_news news_{};
};

}  // namespace peal::inline v0
