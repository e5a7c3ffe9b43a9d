// SPDX-License-Identifier: MIT
// The bus: a closed list of topics, where publishers, subscriptions and policies meet.
#pragma once

#include <peal/bus/detail/bus_core.hpp>
#include <peal/bus/letters.hpp>
#include <peal/bus/publisher.hpp>
#include <peal/bus/retention.hpp>
#include <peal/bus/subscriber.hpp>
#include <peal/bus/subscription.hpp>
#include <peal/bus/workers.hpp>

#include <string>
#include <utility>
#include <vector>

namespace peal::inline v0 {

/// An event bus over a closed list of topics, on a runtime given as a type.
///
/// An argument that is not a peal::topic becomes a topic with that one event. Events of one topic keep one order; a
/// topic's ring stores each event once and every subscription reads it in place.
///
/// Capacity: `bus_options`; footprint() tells the bytes. Order: of a topic, see promise P2; none between topics.
/// Delivery: exactly once to each subscription that stood when the event was accepted, while the process lives.
/// Errors: bad_option when made; publish_refused, name_in_use, limit_reached, bus_closed as said at each call.
/// Thread safety: everything but the destructor may be called from any thread, inside handlers as well.
/// Lifetime: handles must not outlive it; its destructor does not drain: it waits for running handlers only. Publishers
/// that wait for room may be in it then, and get `closed`, and those on whose thread a handler runs; no other call may still be
/// going on in another thread.
/// Where the nanoseconds go: on one thread 11 for a publish (7 of them the ring's), 2.4 each in a range of 32, 5 for a
/// delivery; handlers on the publisher's thread 18 a publish (two compare-exchanges) and 2 each; idempotency with 10^6
/// string keys 120 (benchmarks/, medians, 24 byte events, g++ 12 -O3, AMD EPYC, 2026).
/// Example: `peal::bus<order_placed> bus; auto s = bus.subscribe<order_placed>("mail", [](const order_placed& o) {…});`
template <class Runtime, class... Topics>
class basic_bus : public detail::bus_letters<basic_bus<Runtime, Topics...>> {
  friend class detail::bus_letters<basic_bus>;
  using core_type = detail::bus_core<Runtime, Topics...>;
  template <class E>
  static constexpr bool carries = core_type::template carries<E>;

 public:
  /// Whether it carries this event.
  template <class E>
  static constexpr bool has = carries<E>;

  explicit basic_bus(const bus_options& options = {}) : core_{core_type::make(options, nullptr)} {
    static_assert(
        !core_type::any_durable,
        "peal: a topic of this bus is durable; give the bus the store that it is kept in: bus{options, store}");
  }
  /// With durable topics, which go on in the store where they ended: see <peal/bus/durable.hpp>.
  /// Errors: bad_option, store_error, decode_error.
  /// Lifetime: of the store.
  basic_bus(const bus_options& options, store& kept) : core_{core_type::make(options, &kept)} {
    static_assert(core_type::any_durable,
                  "peal: this bus has a store and nothing to keep there; make a topic durable: "
                  "peal::topic<order_placed, peal::durable>");
  }
  basic_bus(const basic_bus&) = delete;
  basic_bus& operator=(const basic_bus&) = delete;
  ~basic_bus() { core_type::end(core_); }  // waiting publishers have read core_: it is left alone until they are out

  // ---- publishing ----

  /// Waits for room; inside a handler it goes through the topic's lane instead.
  /// Errors: publish_refused (closing, closed, overloaded, forked); the event is then left with the caller.
  template <class U>
  receipt publish(U&& value, const publish_options& o = detail::no_options) {
    using E = std::remove_cvref_t<U>;
    return detail::accepted_or_throw<E>(send(std::forward<U>(value), o, detail::patience::waiting, nanoseconds{0}));
  }

  /// Never waits, never throws but what copying an lvalue throws; keeps the event when refused.
  template <class U>
  [[nodiscard]] result<receipt> try_publish(U&& value, const publish_options& o = detail::no_options) {
    return send(std::forward<U>(value), o, detail::patience::none, nanoseconds{0});
  }

  /// Waits at most so long.
  template <class U>
  [[nodiscard]] result<receipt> try_publish_for(U&& value, nanoseconds time,
                                                const publish_options& o = detail::no_options) {
    return send(std::forward<U>(value), o, detail::patience::until, time);
  }

  /// Publishes `count` events in a row, moving from each that is accepted; waits for room. Returns how many were
  /// accepted, from the front: fewer only when refused (closing, closed; inside a handler overloaded).
  template <event E>
  std::size_t publish_range(E* events, std::size_t count, const publish_options& o = detail::no_options) {
    check_carried<E>();
    if constexpr (carries<E>) {
      return publisher<E>{*this}.publish_range(events, count, o);
    } else {
      return 0;
    }
  }
  /// The same without waiting: as many as there is room for.
  template <event E>
  [[nodiscard]] std::size_t try_publish_range(E* events, std::size_t count,
                                              const publish_options& o = detail::no_options) {
    check_carried<E>();
    if constexpr (carries<E>) {
      return publisher<E>{*this}.try_publish_range(events, count, o);
    } else {
      return 0;
    }
  }

  // ---- publishing later ----

  /// Publishes the event when so much time has passed, never earlier; the topic's lane is its way in, so a full topic
  /// delays it and loses nothing. What still waits when the bus drains, or is added by a handler meanwhile, is counted in
  /// the report and not published. In a durable topic it stands in the store soon after, and comes in a later life of the bus
  /// if this one ends first: see peal::durable.
  /// Errors: publish_refused (closing, closed, forked), bad_alloc, what copying an lvalue throws.
  template <class U>
  timer_id publish_after(U&& value, nanoseconds delay, const publish_options& o = detail::no_options) {
    return schedule_at(std::forward<U>(value), saturating_add(core_->runner.now(), delay), nanoseconds{0}, o);
  }
  /// The same at a moment of the steady clock, which no change of the wall clock moves.
  template <class U>
  timer_id publish_at(U&& value, time_point due, const publish_options& o = detail::no_options) {
    return schedule_at(std::forward<U>(value), due, nanoseconds{0}, o);
  }
  /// Publishes a copy of the event each time `period` has passed, the first after one. One that comes late is not made up
  /// for: the next stands on the old beat. Periods below 1 ms count as 1 ms.
  template <class U>
  timer_id publish_every(U&& value, nanoseconds period, const publish_options& o = detail::no_options) {
    constexpr bool copyable = std::is_copy_constructible_v<std::remove_cvref_t<U>>;
    static_assert(copyable, "peal: publish_every publishes copies, and this event cannot be copied");
    constexpr nanoseconds least = std::chrono::milliseconds{1};
    if (period < least) period = least;
    return schedule_at(std::forward<U>(value), saturating_add(core_->runner.now(), period), period, o);
  }
  /// Takes back what was to be published later.
  cancel_result cancel(timer_id timer) noexcept { return core_->cancel(timer); }

  /// The one publisher of an event whose topic has the option peal::single_producer.
  /// Errors: name_in_use while there is another.
  template <event E>
  [[nodiscard]] auto sole_publisher() {
    check_carried<E>();
    if constexpr (carries<E>) {
      return core_->template sole<E>();
    } else {
      return peal::sole_publisher<E>{{}, {}};
    }
  }

  // ---- what is kept ----

  /// Waits until the event of this receipt is in the store, as durable as that is.
  /// Errors: publish_refused with store_failed when it will not be; bad_option for a receipt of an event that was
  /// published inside a handler and had no place yet, or of another bus.
  void wait_durable(const receipt& r) { (void)wait_durable_until(r, time_point::max()); }
  /// The same, at most so long; false when the time was over first.
  [[nodiscard]] bool wait_durable_for(const receipt& r, nanoseconds time) {
    return wait_durable_until(r, saturating_add(core_->runner.now(), time));
  }
  /// How far the store and the subscriptions have come.
  [[nodiscard]] auto durability() {
    static_assert(core_type::any_durable, "peal: no topic of this bus is durable");
    return core_->log().report();
  }
  /// From now on events of E's topic that nobody needs any more go out of the store, as this says; all that still is there
  /// counts. Errors: bad_option.
  template <class E>
  void retain(const retention& r) {
    static_assert(core_type::template is_durable<E>,
                  "peal: retain is about what a store keeps; make the topic durable: peal::topic<E, peal::durable>");
    core_->log().retain(core_type::template number_of_topic<E>, r);
  }
  /// From now on, of the events of E's topic that nobody needs any more only the newest of each key stay: see
  /// peal::compaction. Errors: bad_option.
  template <class E>
  void compact(const compaction& c = {}) {
    static_assert(core_type::template is_durable<E>,
                  "peal: compact is about what a store keeps; make the topic durable: peal::topic<E, peal::durable>");
    if constexpr (core_type::template is_durable<E>) {
      core_->log().template compact<typename core_type::template events_beside<E>>(
          core_type::template number_of_topic<E>, c);
    }
  }
  /// Sets a subscription that does not stand back: peal::rewind, beside others that stand.
  /// Errors: bad_option where one of that name stands, or none is known, or it has not come that far; store_error.
  void rewind(const std::string& name, const start_at& where) {
    static_assert(core_type::any_durable, "peal: no topic of this bus is durable, so there is nothing to go back to");
    core_->log().rewind(core_->base, name, where);
  }

  // ---- subscribing ----

  /// Calls `handler(const E&)` or `handler(const E&, delivery&)` for each event of the types Es, which share a topic.
  ///
  /// It returns nothing, an outcome, or events to publish: one, an optional, a tuple of them. Policies follow in any
  /// order and act in this one: filter, expiry, order key, deduplication, rate, breaker, concurrency; then each attempt:
  /// expiry again, timeout, middleware, handler; then outputs, a back-off, or a dead letter. A name is unique in the bus.
  /// Deliveries start with the next event accepted.
  /// Errors: name_in_use, limit_reached, bus_closed.
  template <class... Es, class Handler, class... Ps>
  [[nodiscard]] subscription subscribe(std::string name, Handler handler, Ps... policies) {
    static_assert(sizeof...(Es) != 0, "peal: say what to subscribe to: bus.subscribe<order_placed>(…)");
    constexpr bool carried = (carries<Es> && ...);
    static_assert(carried, "peal: this bus does not carry an event that is subscribed to; add it to the bus's topics");
    if constexpr (carried) {
      return subscribe_carried<Es...>(std::move(name), std::move(handler), std::move(policies)...);
    } else {
      return {};
    }
  }

  /// Runs what is ready of subscriptions with the policy on_poll, and of all when the bus has no workers, on the calling
  /// thread. Returns how many deliveries were run.
  std::size_t poll() { return core_->runner.alive() ? core_->runner.poll() : 0; }

  /// The same, but sleeps until there is something, at most so long.
  std::size_t poll_for(nanoseconds time) {
    if (const std::size_t n = poll(); n != 0 || !core_->runner.alive()) return n;
    (void)core_->runner.wait_polled(saturating_add(core_->runner.now(), time));
    return poll();
  }

  // ---- coming to rest ----

  /// Waits until everything accepted so far, and everything that it caused, has come to its end, or until only the caller
  /// could change that (paused, waiting for poll(), dead letters full): then it says what. On a stepped runtime no time
  /// passes: what waits for a timer is named.
  settle_report settle() {
    using runner = typename Runtime::executor;
    return detail::settle(core_->base, core_->runner, runner::waits_for_time ? time_point::max() : core_->runner.now());
  }
  /// The same, at most so long.
  settle_report settle_for(nanoseconds time) {
    return detail::settle(core_->base, core_->runner, saturating_add(core_->runner.now(), time));
  }

  /// Refuses publishers from outside, finishes what was accepted, gives up at the deadline and says what is left.
  /// Safe to call again and inside handlers, where it does not wait. Nothing becomes a dead letter by it.
  drain_report drain(nanoseconds time) { return detail::drain(core_->base, core_->runner, time); }

  /// The publish middleware M of E's topic, to be set up before events flow.
  template <event E, class M>
  [[nodiscard]] M& publish_middleware() noexcept {
    return std::get<M>(core_->template topic_of<E>().middleware);
  }

  // ---- looking at it ----

  /// How it is wired now: topics, the subscriptions that stand, their policies and outputs; with .mermaid() and .dot().
  [[nodiscard]] peal::topology topology() const { return core_->drawing(); }
  [[nodiscard]] bus_statistics statistics() const { return core_->statistics(); }
  [[nodiscard]] peal::health health() const { return core_->health_now(); }
  /// Bytes that the bus takes at most, without what events own, kept events and letters.
  [[nodiscard]] std::size_t footprint() const noexcept { return core_->footprint(); }
  /// The runtime's executor: a stepped one is stepped through it.
  [[nodiscard]] typename Runtime::executor& runtime() noexcept { return core_->runner; }

  // ---- for handles ----

  template <class E>
  [[nodiscard]] detail::port<E> way_in() noexcept {
    static_assert(carries<E>,
                  "peal: this bus does not carry the event of a handle made from it, a publisher or a subscriber with "
                  "publishes<…>; add it to the bus's topics");
    if constexpr (carries<E>) {
      static_assert(!core_type::template is_single<E>,
                    "peal: this event's topic is single_producer; publish it through bus.sole_publisher<E>()");
      return core_->template topic_of<E>().template way_in<E>();
    } else {
      return {};
    }
  }
  template <class, class... Es>
  [[nodiscard]] detail::wiring_point wiring_for(detail::type_list<Es...>) noexcept {
    static_assert((carries<Es> && ...),
                  "peal: this bus does not carry an event of a subscriber made from it; add it to the bus's topics");
    if constexpr ((carries<Es> && ...)) {
      static_assert(
          core_type::template one_topic<Es...>,
          "peal: the events of one subscription must share a topic; put them into one peal::topic<…>, or subscribe "
          "to each by itself");
      return core_->template wiring<Es...>();
    } else {
      return {};
    }
  }
  template <class... Es>
  [[nodiscard]] static constexpr std::array<std::uint8_t, sizeof...(Es)> type_numbers(
      detail::type_list<Es...>) noexcept {
    if constexpr ((carries<Es> && ...)) {
      return {core_type::template type_number<Es>...};
    } else {
      return {};
    }
  }

 private:
  bool wait_durable_until(const receipt& r, time_point until) {
    static_assert(core_type::any_durable, "peal: no topic of this bus is durable, so there is nothing to wait for");
    return core_->log().wait(core_->runner, r, until);
  }
  template <class E>
  static constexpr void check_carried() noexcept {
    static_assert(carries<E>, "peal: this bus does not carry the event that is published; add it to the bus's topics");
  }

  template <class U>
  timer_id schedule_at(U&& value, time_point due, nanoseconds period, const publish_options& o) {
    using E = std::remove_cvref_t<U>;
    check_carried<E>();
    if constexpr (carries<E>) {
      static_assert(!core_type::template is_single<E>,
                    "peal: this event's topic is single_producer; nothing but its sole publisher may publish it, so "
                    "timers cannot");
      if constexpr (!core_type::template is_single<E>) {
        return core_->at(std::forward<U>(value), due, period, o);
      }
    }
    return {};
  }

  template <class U>
  result<receipt> send(U&& value, const publish_options& o, detail::patience wait, nanoseconds time) {
    using E = std::remove_cvref_t<U>;
    check_carried<E>();
    if constexpr (carries<E>) {
      static_assert(!core_type::template is_single<E>,
                    "peal: this event's topic is single_producer; publish it through bus.sole_publisher<E>()");
      const auto way = [this](E& event, const detail::publish_call& call) {
        return core_->template topic_of<E>().publish(event, call);
      };
      return detail::publish_value<E>(way, std::forward<U>(value), o, wait, time);
    } else {
      return publish_errc::closed;
    }
  }

  template <class... Es, class Handler, class... Ps>
  subscription subscribe_carried(std::string name, Handler handler, Ps... policies) {
    static_assert(
        core_type::template one_topic<Es...>,
        "peal: the events of one subscription must share a topic; put them into one peal::topic<…>, or subscribe "
        "to each by itself");
    using outputs = detail::all_outputs<Handler, Es...>;
    constexpr bool can_publish = core_type::template carries_all<outputs>;
    static_assert(!core_type::template is_durable<Es...> ||
                      !detail::wiring<Handler, detail::type_list<Es...>, Ps...>::inline_handler,
                  "peal: on_publisher_thread does not go with a durable topic, whose events are handled once they are "
                  "in the store; let it run on the bus's workers");
    constexpr bool dated = core_type::template is_timed<Es...> || !(detail::is_expires<Ps> || ...);
    static_assert(dated,
                  "peal: expires needs to know when an event was published; give its topic the option peal::timed");
    constexpr bool storable =
        core_type::template is_durable<Es...> || !detail::wiring<Handler, detail::type_list<Es...>, Ps...>::reads_store;
    static_assert(storable,
                  "peal: behind{read_store} goes with a durable topic, and this one is in memory; add peal::durable to "
                  "its options");
    static_assert(can_publish,
                  "peal: the handler returns an event that this bus does not carry; add it to the bus's topics");
    if constexpr (can_publish && core_type::template one_topic<Es...> &&
                  detail::wiring<Handler, detail::type_list<Es...>, Ps...>::ok) {
      constexpr bool kept = core_type::template is_durable<Es...> && !(detail::is_behind<Ps> || ...) &&
                            !(std::is_same_v<Ps, transient_t> || ...);
      static_assert(
          !kept || detail::can_keep_keys<typename detail::idempotent_in<Ps...>::type, Es...>,
          "peal: this topic is durable, and the key of idempotent{…} has a type that cannot be stored; use an "
          "integer of <cstdint>, std::string or a type with declared fields, or make the subscription "
          "peal::transient");
      return detail::subscribe_with<Es...>(core_->template wiring<Es...>(), type_numbers(detail::type_list<Es...>{}),
                                           detail::ports_of<basic_bus, outputs>::get(*this), std::move(name),
                                           std::move(handler), std::move(policies)...);
    } else {
      return {};
    }
  }

  detail::shared<core_type> core_;
};

/// The bus as services use it: on threads, in real time.
template <class... Topics>
using bus = basic_bus<threaded_runtime, Topics...>;

}  // namespace peal::inline v0
