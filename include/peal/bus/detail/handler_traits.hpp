// SPDX-License-Identifier: MIT
// What a handler takes and returns, and what the policies beside it are; every wrong wiring gets its sentence here.
#pragma once

#include <peal/bus/detail/conflation.hpp>
#include <peal/bus/detail/flow_part.hpp>
#include <peal/bus/detail/ordering_checks.hpp>
#include <peal/bus/detail/time_checks.hpp>
#include <peal/bus/detail/timings.hpp>
#include <peal/bus/placement.hpp>
#include <peal/core/delivery.hpp>
#include <peal/core/event.hpp>
#include <peal/core/outcome.hpp>
#include <peal/detail/type_list.hpp>
#include <peal/policy/filter.hpp>
#include <peal/policy/idempotency.hpp>
#include <peal/policy/middleware.hpp>
#include <peal/policy/overflow.hpp>
#include <peal/policy/retry.hpp>

#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace peal::inline v0::detail {

// What policies are.
template <class P>
inline constexpr bool is_filter = false;
template <class F>
inline constexpr bool is_filter<filter<F>> = true;
template <class P>
inline constexpr bool is_middleware = false;
template <class F>
inline constexpr bool is_middleware<middleware<F>> = true;
template <class P>
inline constexpr bool is_idempotent = false;
template <class... K>
inline constexpr bool is_idempotent<idempotent<K...>> = true;
template <class P>
inline constexpr bool is_behind = false;
template <class C>
inline constexpr bool is_behind<behind<C>> = true;
template <class P>
inline constexpr bool is_rule = is_on_rule<P> || is_otherwise<P>;
template <class P>
inline constexpr bool is_placement = std::is_same_v<P, on_publisher_thread_t> || std::is_same_v<P, on_poll_t>;
template <class P>
inline constexpr bool is_side_store = std::is_same_v<P, side_store>;
template <class P>
inline constexpr bool is_beginning = std::is_same_v<P, start_at> || std::is_same_v<P, transient_t>;
template <class P>
inline constexpr bool is_policy =
    is_filter<P> || is_middleware<P> || is_idempotent<P> || is_ordered<P> || is_concurrency<P> || is_behind<P> ||
    is_rule<P> || is_placement<P> || is_side_store<P> || is_time_policy<P> || is_breaker<P> || is_rate<P> ||
    is_measured<P> || is_beginning<P>;

// What a handler returns.
template <class R>
struct outputs_in {
  using type = type_list<R>;
};
template <>
struct outputs_in<void> {
  using type = type_list<>;
};
template <>
struct outputs_in<outcome> {
  using type = type_list<>;
};
template <>
struct outputs_in<done_t> : outputs_in<void> {};
template <>
struct outputs_in<retry_t> : outputs_in<void> {};
template <>
struct outputs_in<discard_t> : outputs_in<void> {};
template <class T>
struct outputs_in<std::optional<T>> : outputs_in<T> {};
template <class... Ts>
struct outputs_in<std::tuple<Ts...>> {
  using type = concat_t<typename outputs_in<Ts>::type...>;
};

template <class H, class E>
inline constexpr bool takes_delivery = std::is_invocable_v<H&, const E&, delivery&>;
template <class H, class E>
inline constexpr bool takes_event = takes_delivery<H, E> || std::is_invocable_v<H&, const E&>;

template <class H, class E>
struct handler_result {
  using type = void;
};
template <class H, class E>
  requires takes_delivery<H, E>
struct handler_result<H, E> {
  using type = std::remove_cvref_t<std::invoke_result_t<H&, const E&, delivery&>>;
};
template <class H, class E>
  requires(!takes_delivery<H, E> && takes_event<H, E>)
struct handler_result<H, E> {
  using type = std::remove_cvref_t<std::invoke_result_t<H&, const E&>>;
};
template <class H, class E>
using handler_result_t = typename handler_result<H, E>::type;

/// The events that a handler of `E` publishes by returning them, in the order it returns them.
template <class H, class E>
using outputs_of = typename outputs_in<handler_result_t<H, E>>::type;
template <class H, class... Es>
using all_outputs = concat_t<outputs_of<H, Es>...>;

template <class List>
struct rules_from;
template <class... Rules>
struct rules_from<type_list<Rules...>> {
  using type = rule_set<Rules...>;
};
template <class... Ps>
using rules_of = typename rules_from<concat_t<std::conditional_t<is_rule<Ps>, type_list<Ps>, type_list<>>...>>::type;

template <class Rule>
concept backs_off = requires {
  typename Rule::action_type;
}
&&runs_again<typename Rule::action_type>;

/// The wiring errors that types can show, each as a sentence. True, or it does not compile.
template <class Handler, class Events, class... Ps>
struct wiring;
template <class Handler, class... Es, class... Ps>
struct wiring<Handler, type_list<Es...>, Ps...> {
  static constexpr std::size_t idempotents = (std::size_t{is_idempotent<Ps>} + ... + 0);
  static constexpr bool inline_handler = (std::is_same_v<Ps, on_publisher_thread_t> || ... || false);
  static constexpr bool dropping = (is_behind<Ps> || ... || false);
  static constexpr bool reads_store = (std::is_same_v<Ps, behind<read_store_t>> || ... || false);
  static constexpr bool copyable = (std::is_copy_constructible_v<Es> && ...);

  static_assert((takes_event<Handler, Es> && ...),
                "peal: the handler cannot be called with an event it is subscribed to; a handler takes (const E&) or "
                "(const E&, peal::delivery&) for every event of its subscription");
  static_assert(
      (is_policy<Ps> && ...),
      "peal: an argument behind the handler is not a policy; policies are filter, ordered_by, concurrency, idempotent, "
      "on<Ex>, otherwise, breaker, rate, "
      "middleware, measured, timeout, expires, on_expiry, behind, side_store, start_at, transient, on_poll and "
      "on_publisher_thread");
  static_assert((std::size_t{is_beginning<Ps>} + ... + 0) <= 1,
                "peal: a subscription says twice where it begins; keep one of start_at and transient");
  static_assert(idempotents <= 1, "peal: a subscription has two idempotent policies; keep one, with all its keys");
  static constexpr bool measures = (is_measured<Ps> || ... || false);
  static_assert((std::size_t{is_measured<Ps>} + ... + 0) <= 1,
                "peal: a subscription has two measured policies; keep one");
  static_assert((std::size_t{is_behind<Ps>} + ... + 0) <= 1, "peal: a subscription has two behind policies; keep one");
  static_assert((std::size_t{is_side_store<Ps>} + ... + 0) <= 1,
                "peal: a subscription has two side_store policies; keep one");
  static_assert((std::size_t{is_placement<Ps>} + ... + 0) <= 1,
                "peal: a subscription says twice where it runs; keep one of on_poll and on_publisher_thread");
  static_assert(
      !inline_handler || !(backs_off<Ps> || ... || false),
      "peal: a handler on the publisher's thread cannot back off or pause: nobody could wait for it there; use "
      "peal::dead_letter or peal::discard, or let it run on the bus's workers");
  static_assert(!inline_handler || idempotents == 0,
                "peal: idempotent does not go with on_publisher_thread, where handlers of one subscription run "
                "concurrently; let it run on the bus's workers");
  static constexpr bool hands = (is_concurrency<Ps> || ... || false);
  static constexpr bool polled = (std::is_same_v<Ps, on_poll_t> || ... || false);
  static_assert((std::size_t{is_concurrency<Ps>} + ... + 0) <= 1,
                "peal: a subscription has two concurrency policies; keep one");
  static_assert(!hands || !inline_handler,
                "peal: concurrency does not go with on_publisher_thread, where as many handlers run as there are "
                "publishers; let it run on the bus's workers");
  static_assert(
      !hands || !polled,
      "peal: concurrency does not go with on_poll, where handlers run one at a time on the thread that polls");
  static_assert(!hands || !dropping, "peal: concurrency does not go with behind; keep one of them");
  static_assert(!hands || copyable, "peal: concurrency keeps events aside, which needs them copyable");
  static_assert(!hands || (takes_event<const Handler, Es> && ...),
                "peal: with concurrency the handler is called by several threads at once, so it must be callable "
                "through const; a lambda without `mutable` is");
  static_assert(!inline_handler || !dropping,
                "peal: behind does not go with on_publisher_thread: such a handler is never behind");
  static_assert(
      copyable || rules_of<Ps...>::only_discards,
      "peal: an event that cannot be copied cannot be tried again or become a dead letter; make it copyable, or "
      "add peal::otherwise(peal::discard) and let every rule discard");
  static_assert(copyable || (idempotents == 0 && !dropping),
                "peal: idempotent and behind keep events aside, which needs them copyable");
  static_assert(
      ((std::is_copy_constructible_v<Es> || !std::is_same_v<handler_result_t<Handler, Es>, retry_t>)&&...),
      "peal: the handler always answers peal::retry, but its event cannot be copied, so it cannot be kept for "
      "another run; make the event copyable, or answer peal::discard");
  using times = time_checks<type_list<Es...>, Ps...>;
  using conflate_policy = typename conflate_in<Ps...>::type;
  static constexpr bool conflates = !std::is_same_v<conflate_policy, no_conflate>;
  static_assert(!conflates || idempotents == 0,
                "peal: idempotent does not go with conflate, which replaces events that wait; keep one of them");
  static_assert(!conflates || std::is_same_v<typename ordered_in<Ps...>::type, no_order>,
                "peal: ordered_by does not go with conflate, where one event a key waits and the newest counts; keep "
                "one of them");
  static constexpr bool permits = flow_checks<Ps...>::permits;
  using counted = typename failures_of_breaker<Ps...>::type;  ///< of its breaker
  static constexpr bool ok =
      ordering_checks<type_list<Es...>, Ps...>::ok && times::ok && conflate_keys<conflate_policy, Es...>::ok;
};

}  // namespace peal::inline v0::detail
